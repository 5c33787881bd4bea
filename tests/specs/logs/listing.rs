//! The page: filters, pages, and who sees what.

use serde_json::json;

use super::ask;
use crate::support::{Browser, MadeKey, Page, TestApp};

struct World {
    app: TestApp,
    ada: Browser,
    sync: MadeKey,
    reports: MadeKey,
    gateway: String,
}

/// A few requests, each different.
async fn world() -> World {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let sync = app.key(&user, "Order sync");
    app.application("Back office");
    let reports = app.key_with(Some(&user), "Reports", |new| {
        new.application_id = app
            .db(|conn| latchkey::applications::list(conn, &latchkey::users::Viewer::operator()))
            .unwrap()
            .into_iter()
            .find(|known| known.name == "Back office")
            .unwrap()
            .id;
    });
    let gateway = app.gateway("production");
    let sandbox = app.gateway("sandbox");
    for (gateway, question) in [
        (
            &gateway,
            json!({"key": sync.secret, "method": "GET", "path": "/orders/1", "ip": "203.0.113.9", "customer": "cus_1"}),
        ),
        (
            &gateway,
            json!({"key": sync.secret, "method": "POST", "path": "/orders", "ip": "203.0.113.10", "scopes": ["orders:write"]}),
        ),
        (
            &gateway,
            json!({"key": reports.secret, "method": "GET", "path": "/reports", "ip": "198.51.100.1", "customer": "cus_2"}),
        ),
        (&sandbox, json!({"key": reports.secret, "method": "GET", "path": "/wrong-place"})),
        (&gateway, json!({"method": "DELETE", "path": "/keyless", "ip": "2001:db8::7"})),
    ] {
        ask(&app, gateway, question).await;
    }
    app.flush();
    let ada = app.sign_in(&user).await;
    World { app, ada, sync, reports, gateway }
}

#[track_caller]
fn assert_lists(page: &Page, paths: &[&str]) {
    page.assert_status(200);
    assert_eq!(page.all("tbody .log-request__path"), paths);
}

#[actix_web::test]
async fn every_filter_leaves_the_requests_it_names() {
    let World { ada, sync, app, .. } = &mut world().await;
    let ada = &mut *ada;
    let app_id = app.db(|conn| {
        super::told(conn, "select app_id as told from applications where name = 'Back office'")
    });
    for (query, paths) in [
        (String::new(), &["/keyless", "/wrong-place", "/reports", "/orders", "/orders/1"][..]),
        (format!("key={}", sync.public_key()), &["/orders", "/orders/1"]),
        (format!("application={}", app_id[0]), &["/wrong-place", "/reports"]),
        ("environment=sandbox".into(), &["/wrong-place"]),
        ("code=refused".into(), &["/keyless", "/wrong-place", "/orders"]),
        ("code=VALID".into(), &["/reports", "/orders/1"]),
        ("code=WRONG_ENVIRONMENT".into(), &["/wrong-place"]),
        ("method=POST".into(), &["/orders"]),
        ("method=DELETE".into(), &["/keyless"]),
        ("method=PURGE".into(), &[]),
        ("path=%2Forders".into(), &["/orders", "/orders/1"]),
        ("path=%2Forders%2F".into(), &["/orders/1"]),
        ("path=%2Forders%25".into(), &[]),
        ("ip=203.0.113.9".into(), &["/orders/1"]),
        ("ip=203.0.113.0%2F24".into(), &["/orders", "/orders/1"]),
        ("ip=2001:db8::%2F32".into(), &["/keyless"]),
        ("customer=cus_2".into(), &["/reports"]),
        ("last=15m".into(), &["/keyless", "/wrong-place", "/reports", "/orders", "/orders/1"]),
        ("to=2020-01-01T00:00:00Z".into(), &[]),
        ("code=VALID&customer=cus_1&ip=203.0.113.9&method=GET".into(), &["/orders/1"]),
        ("application=app_0123456789abcdef".into(), &[]),
        ("key=prod_pk_0123456789abcdef".into(), &[]),
    ] {
        assert_lists(&ada.get(&format!("/logs?{query}")).await, paths);
    }
}

#[actix_web::test]
async fn a_request_is_found_by_the_id_that_its_answer_had() {
    let World { app, ada, sync, gateway, .. } = &mut world().await;
    let question = json!({"key": sync.secret, "path": "/this-one"});
    let id = ask(app, gateway, question).await.0["x-request-id"].to_str().unwrap().to_owned();
    app.flush();
    assert_lists(&ada.get(&format!("/logs?request={id}")).await, &["/this-one"]);
    ada.get("/logs/018f2b8e-3f4a-7c55-9d1e-0a1b2c3d4e5f").await.assert_status(404);
    ada.get("/logs/018f2b8e-3f4a-4c55-9d1e-0a1b2c3d4e5f").await.assert_status(404);
    ada.get("/logs/1").await.assert_status(404);
}

#[actix_web::test]
async fn the_form_leads_to_an_address_and_a_pasted_secret_to_its_key() {
    let World { ada, sync, .. } = &mut world().await;
    let found = ada.post("/logs/search", &[("code", "refused"), ("path", "/orders")]).await;
    found.assert_leads_to("/logs?code=refused&path=%2Forders");
    let found = ada.post("/logs/search", &[("key", &sync.secret)]).await;
    let public_key = sync.public_key().replace('_', "%5F");
    found.assert_leads_to(&format!("/logs?key={public_key}"));
    let mut htmx = ada.with_htmx("/logs");
    let found = htmx.post("/logs/search", &[("key", &sync.secret)]).await;
    found.assert_is_fragment().assert_hides(&sync.secret);
    assert_eq!(found.header("hx-push-url"), format!("/logs?key={public_key}"));
    assert_lists(&found, &["/orders", "/orders/1"]);
    let stranger = latchkey::credentials::Secret::for_key("prod").reveal().to_owned();
    let none = ada.post("/logs/search", &[("key", &stranger)]).await;
    none.assert_status(400).assert_shows("No key that you can see").assert_hides(&stranger);
    // Times are those of the person's zone, and for everybody in the address.
    ada.post("/account/time-zone", &[("time_zone", "Asia/Tokyo")]).await.assert_status(303);
    let found = ada.post("/logs/search", &[("from", "2026-11-20T09:00")]).await;
    found.assert_leads_to("/logs?from=2026%2D11%2D20T00%3A00%3A00Z");
    let page = ada.get("/logs?from=2026-11-20T00:00:00Z").await;
    assert_eq!(page.attribute("#from", "value"), "2026-11-20T09:00");
}

#[actix_web::test]
async fn what_no_page_of_ours_asks_for_is_a_bad_request() {
    let World { ada, sync, .. } = &mut world().await;
    for query in [
        "page=2",
        "key=x",
        "key=a&key=b",
        "code=MAYBE",
        "path=orders",
        "ip=300.1.1.1",
        "last=forever",
        "from=yesterday",
        "from=2026-11-20T00:00:00Z&to=2026-11-19T00:00:00Z",
        "after=x",
        "before=x",
        "after=MTIzCjQ1Ng",
        "path=%2Fa%00b",
        "path=%2F%ff",
        "request=1",
    ] {
        ada.get(&format!("/logs?{query}")).await.assert_status(400);
        ada.get(&format!("/logs/export/csv?{query}")).await.assert_status(400);
    }
    let refused = ada.get(&format!("/logs?key={}", sync.secret)).await;
    refused.assert_status(400).assert_hides(&sync.secret);
    ada.get("/logs/export/xml").await.assert_status(404);
}

#[actix_web::test]
async fn pages_follow_each_other_and_are_good_for_whom_and_what_they_were_made() {
    let World { app, ada, gateway, .. } = &mut world().await;
    for number in 0..60 {
        ask(app, gateway, json!({"path": format!("/page/{number}")})).await;
    }
    app.flush();
    let first = ada.get("/logs?path=%2Fpage").await;
    let mut seen = first.all("tbody .log-request__path");
    assert_eq!(seen.len(), 50);
    let older = first.attribute("a[rel=next]", "href");
    let second = ada.get(&older).await;
    assert!(second.all("a[rel=next]").is_empty());
    seen.extend(second.all("tbody .log-request__path"));
    let expected: Vec<String> = (0..60).rev().map(|number| format!("/page/{number}")).collect();
    assert_eq!(seen, expected);

    // And back again, past what came meanwhile: a whole page of what is next to this one, then the newest.
    for number in 60..115 {
        ask(app, gateway, json!({"path": format!("/page/{number}")})).await;
    }
    app.flush();
    let paths = |numbers: std::ops::Range<i32>| -> Vec<String> {
        numbers.rev().map(|number| format!("/page/{number}")).collect()
    };
    let newer = second.attribute("a[rel=prev]", "href");
    let middle = ada.get(&newer).await;
    assert_eq!(middle.all("tbody .log-request__path"), paths(10..60));
    middle.assert_shows("Newest");
    assert!(middle.all("[data-tail]").is_empty(), "what is new belongs elsewhere");
    let rest = ada.get(&middle.attribute("a[rel=next]", "href")).await;
    assert_eq!(rest.all("tbody .log-request__path"), paths(0..10));
    let later = ada.get(&middle.attribute("a[rel=prev]", "href")).await;
    assert_eq!(later.all("tbody .log-request__path"), paths(60..110));
    let newest = later.attribute("a[rel=prev]", "href");
    ada.get(&newest).await.assert_leads_to("/logs?path=%2Fpage");
    let newest = ada.with_htmx("/logs").get(&newest).await;
    newest.assert_is_fragment();
    assert_eq!(newest.header("hx-push-url"), "/logs?path=%2Fpage");
    assert_eq!(newest.all("tbody .log-request__path"), paths(65..115));
    assert!(newest.all("a[rel=prev]").is_empty());
    assert_eq!(newest.all("[data-tail]").len(), 1, "it is the first page, and live");
    // A file has everything, whichever page is open.
    let file = ada.get(&newer.replacen("/logs", "/logs/export/jsonl", 1)).await;
    assert_eq!(file.body().lines().count(), 115);

    ada.get(&format!("{newer}&{}", older.split_once('&').unwrap().1)).await.assert_status(400);
    ada.get(&newer.replace("page", "orders")).await.assert_status(400);
    ada.get(&older.replace("page", "orders")).await.assert_status(400);
    let mut bea = app.sign_in(&app.administrator("Bea")).await;
    bea.get(&older).await.assert_status(400);
    bea.get(&newer).await.assert_status(400);
}

#[actix_web::test]
async fn managers_see_what_was_asked_about_their_own_keys_and_nothing_else() {
    let World { app, sync, reports, gateway, .. } = &mut world().await;
    let kim = app.manager_with_access("Kim");
    let own = app.key(&kim, "Kim's own");
    let answer = ask(app, gateway, json!({"key": own.secret, "path": "/kims"})).await;
    let anothers = ask(app, gateway, json!({"key": sync.secret, "path": "/adas"})).await;
    let keyless = ask(app, gateway, json!({"path": "/nobodys"})).await;
    app.flush();
    let id = |answer: &(reqwest::header::HeaderMap, serde_json::Value)| {
        format!("/logs/{}", answer.0["x-request-id"].to_str().unwrap())
    };
    let mut kim = app.sign_in(&kim).await;
    assert_lists(&kim.get("/logs").await, &["/kims"]);
    kim.get(&id(&answer)).await.assert_status(200);
    for hidden in [&anothers, &keyless] {
        kim.get(&id(hidden)).await.assert_status(404);
    }
    for key in [&*sync, reports] {
        assert_lists(&kim.get(&format!("/logs?key={}", key.public_key())).await, &[]);
    }
    assert_lists(&kim.get("/logs?code=MISSING_KEY").await, &[]);
    let file = kim.get("/logs/export/jsonl").await;
    assert_eq!(file.body().lines().count(), 1);
    assert!(file.body().contains("/kims"));

    let mut lee = app.sign_in(&app.manager("Lee")).await;
    for path in ["/logs", "/logs/tail", "/logs/export/csv", &id(&answer)] {
        lee.get(path).await.assert_status(404);
    }
}

#[actix_web::test]
async fn the_mode_leaves_out_the_other_environments() {
    let World { ada, .. } = &mut world().await;
    ada.post("/account/mode", &[("mode", "test"), ("next", "/logs")]).await.assert_status(303);
    assert_lists(&ada.get("/logs").await, &["/wrong-place"]);
    ada.post("/account/mode", &[("mode", "live"), ("next", "/logs")]).await.assert_status(303);
    assert_lists(&ada.get("/logs").await, &["/keyless", "/reports", "/orders", "/orders/1"]);
}

#[actix_web::test]
async fn an_empty_log_teaches_how_it_fills() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let page = ada.get("/logs").await;
    page.assert_shows("No requests yet").assert_shows("Connect a gateway");
    let mut kim = app.sign_in(&app.manager_with_access("Kim")).await;
    kim.get("/logs").await.assert_shows("No requests yet").assert_hides("Connect a gateway");
}

#[actix_web::test]
async fn a_page_that_is_open_is_told_only_of_what_is_new() {
    let World { app, ada, sync, gateway, .. } = &mut world().await;
    let mut htmx = ada.with_htmx("/logs");
    let rows = htmx.get("/logs/tail").await;
    rows.assert_status(200).assert_is_fragment();
    let tag = rows.header("etag").to_owned();
    let mut again = htmx.with_header("If-None-Match", &tag);
    let same = again.get("/logs/tail").await;
    same.assert_status(304);
    assert_eq!(same.body(), "");
    ask(app, gateway, json!({"key": sync.secret, "path": "/new"})).await;
    app.flush();
    again.get("/logs/tail").await.assert_status(200).assert_shows("/new");
    // Without htmx it is the list.
    ada.get("/logs/tail?code=refused").await.assert_leads_to("/logs?code=refused");
}
