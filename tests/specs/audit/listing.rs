//! The page: who did what, when, from where, on what, before and after.

use crate::support::{Browser, Page, TestApp};

/// The sentences of the page, from top to bottom.
fn sentences(page: &Page) -> Vec<String> {
    page.all(".event__what > p")
        .iter()
        .map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

async fn listed(browser: &mut Browser, query: &str) -> Vec<String> {
    let page = browser.get(&format!("/audit?{query}")).await;
    page.assert_status(200);
    sentences(&page)
}

#[actix_web::test]
async fn an_administrator_reads_what_happened_newest_first() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "Order sync");
    let mut ada = app.sign_in(&ada).await;
    ada.post(&format!("{}/disable", key.page()), &[]).await.assert_status(303);
    ada.post(&format!("{}/revoke", key.page()), &[("reason", "laptop stolen")])
        .await
        .assert_status(303);
    let page = ada.get("/audit").await;
    let told = sentences(&page);
    assert_eq!(
        told[..5],
        [
            "Ada revoked the key Order sync",
            "Ada disabled the key Order sync",
            "Ada signed in",
            "Operator created the key Order sync",
            "Operator changed the password of Ada",
        ]
    );
    page.assert_shows("laptop stolen").assert_shows("127.0.0.1");
    assert_eq!(page.attribute(".event__what a.table__name", "href"), key.page());
    let before_and_after = page.all("tr:first-child .compare td");
    assert_eq!(before_and_after, ["inactive", "revoked"]);

    // A deleted key is told of and leads nowhere.
    ada.post(&format!("{}/delete", key.page()), &[]).await.assert_status(303);
    let page = ada.get("/audit?action=key.deleted").await;
    assert_eq!(sentences(&page), ["Ada deleted the key Order sync"]);
    assert!(page.all(".event__what a.table__name").is_empty());
}

#[actix_web::test]
async fn every_filter_is_in_the_address_and_narrows_the_list() {
    let app = TestApp::start();
    let (user, bea) = (app.administrator("Ada"), app.administrator("Bea"));
    let key = app.key(&user, "Order sync");
    app.key(&user, "100% Ünïcode_bot");
    let mut ada = app.sign_in(&user).await;
    let mut bea = app.sign_in(&bea).await;
    let revoked = ada.post(&format!("{}/revoke", key.page()), &[]).await;
    let _ = app
        .visitor()
        .post("/sign-in", &[("email", "eve@example.com"), ("password", "x"), ("next", "")])
        .await;
    let only = |sentence: &str| vec![sentence.to_owned()];

    assert_eq!(
        listed(&mut bea, &format!("who={}", user.id)).await,
        ["Ada revoked the key Order sync", "Ada signed in"]
    );
    assert_eq!(
        listed(&mut bea, "who=visitor").await,
        only("Visitor was refused to sign in as eve@example.com")
    );
    assert!(listed(&mut bea, "who=operator").await.len() > 5);
    assert_eq!(
        listed(&mut bea, "action=key.revoked").await,
        only("Ada revoked the key Order sync")
    );
    assert_eq!(listed(&mut bea, "action=key.%2A").await.len(), 3);
    assert_eq!(listed(&mut bea, &format!("subject={}", key.public_key())).await.len(), 2);
    assert_eq!(listed(&mut bea, "ip=127.0.0.1&action=key.%2A").await.len(), 1);
    assert_eq!(listed(&mut bea, "ip=127.0.0.0%2F8&action=key.%2A").await.len(), 1);
    assert_eq!(listed(&mut bea, "ip=10.0.0.0%2F8").await.len(), 0);
    let request = revoked.header("x-request-id");
    assert_eq!(listed(&mut bea, &format!("request={request}")).await.len(), 1);
    assert_eq!(listed(&mut bea, "from=2020-01-01&to=2020-12-31").await.len(), 0);
    assert!(listed(&mut bea, "from=2020-01-01T00:00").await.len() > 5);
    // Searched literally, in names, people, ids and details.
    assert_eq!(listed(&mut bea, "q=rder+SYN").await.len(), 2);
    assert_eq!(listed(&mut bea, "q=ünïcode_b").await.len(), 1);
    assert_eq!(listed(&mut bea, "q=100%25").await.len(), 1);
    assert_eq!(listed(&mut bea, "q=%25").await.len(), 1);
    assert_eq!(listed(&mut bea, "q=order_sync").await.len(), 0);
    assert_eq!(listed(&mut bea, "q=reporting%3Aread&action=key.created").await.len(), 2);
    bea.get("/audit?q=nothing+like+it").await.assert_shows("No event matches");

    // The form leads to the address.
    let fields = [("q", "Order sync"), ("action", "key.*"), ("who", "")];
    bea.post("/audit/search", &fields)
        .await
        .assert_leads_to("/audit?q=Order%20sync&action=key%2E%2A");
    let fragment = bea.with_htmx("/audit").post("/audit/search", &fields).await;
    fragment.assert_status(200).assert_is_fragment();
    assert_eq!(fragment.header("hx-push-url"), "/audit?q=Order%20sync&action=key%2E%2A");
}

#[actix_web::test]
async fn times_are_asked_for_and_told_where_the_viewer_is() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let _ = ada.post("/account/time-zone", &[("time_zone", "Asia/Tokyo")]).await;
    let page = ada.get("/audit?action=session.signed_in").await;
    page.assert_shows(" JST (");
}

#[actix_web::test]
async fn pages_go_both_ways_and_belong_to_their_list() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    for n in 0..120 {
        app.key(&user, &format!("bot {n:03}"));
    }
    let mut ada = app.sign_in(&user).await;
    let first = ada.get("/audit?action=key.created").await;
    let older = first.attribute("a[rel=next]", "href");
    let second = ada.get(&older).await;
    let third = ada.get(&second.attribute("a[rel=next]", "href")).await;
    let all: Vec<String> = [&first, &second, &third].into_iter().flat_map(sentences).collect();
    let expected: Vec<String> =
        (0..120).rev().map(|n| format!("Operator created the key bot {n:03}")).collect();
    assert_eq!(all, expected);
    let back = ada.get(&third.attribute("a[rel=prev]", "href")).await;
    assert_eq!(sentences(&back), sentences(&second));
    assert!(third.all("a[rel=next]").is_empty());

    let elsewhere = older.replace("key%2Ecreated", "key%2Erevoked");
    ada.get(&elsewhere).await.assert_status(400).assert_shows("bad page address");
    let mut bea = app.sign_in(&app.administrator("Bea")).await;
    bea.get(&older).await.assert_status(400);
}

#[actix_web::test]
async fn what_no_page_offers_is_refused() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    for query in [
        "page=2",
        "q=a&q=b",
        "q=%00",
        "q=%ff",
        "who=0",
        "who=abc",
        "action=%25",
        "action=key",
        "ip=10.0.0.1%2F99",
        "request=1",
        "from=2026-13-01",
        "from=2026-02-02&to=2026-02-01",
        "after=1.1.x",
        "after=&before=x",
        "q=prod_sk_0123456789abcdefghij",
        "subject=prod_sk_0123456789abcdefghij",
        "sort=at",
    ] {
        ada.get(&format!("/audit?{query}")).await.assert_status(400);
    }
    let pasted = [("q", "prod_sk_0123456789abcdefghij")];
    let refused = ada.post("/audit/search", &pasted).await;
    refused
        .assert_status(400)
        .assert_shows("looks like a secret")
        .assert_hides("0123456789abcdefghij");
    ada.get("/audit?q=").await.assert_status(200);
    for path in
        ["/audit/0", "/audit/999999", "/audit/-1", "/audit/abc", "/audit/99999999999999999999"]
    {
        ada.get(path).await.assert_status(404);
    }
    ada.get("/audit/1").await.assert_status(200).assert_shows("Event 1");
}

#[actix_web::test]
async fn for_anybody_else_there_is_no_trail() {
    let app = TestApp::start();
    let tom = app.manager_with_access("Tom");
    let mut tom = app.sign_in(&tom).await;
    let nothing = tom.get("/nothing").await;
    for path in ["/audit", "/audit?q=x", "/audit?page=2", "/audit/1", "/audit/999"] {
        let absent = tom.get(path).await;
        absent.assert_status(404).assert_hides("Audit");
        assert_eq!(absent.text("h1"), nothing.text("h1"));
    }
    tom.post("/audit/search", &[]).await.assert_status(404);
    tom.post("/audit/export", &[("format", "csv")]).await.assert_status(404);
    tom.get("/keys").await.assert_hides("/audit");
}

#[actix_web::test]
async fn things_lead_to_all_that_happened_to_them() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let tom = app.manager_with_access("Tom");
    let key = app.key(&tom, "Order sync");
    let mut ada = app.sign_in(&user).await;
    let at_key = ada.get(&key.page()).await;
    let link = format!("/audit?subject={}", key.public_key().replace('_', "%5F"));
    at_key.assert_shows("Everything in the trail");
    assert_eq!(at_key.attribute("a[href^='/audit?']", "href"), link);
    assert_eq!(sentences(&ada.get(&link).await), ["Operator created the key Order sync"]);
    let at_person = ada.get(&format!("/team/{}/edit", tom.id)).await;
    assert_eq!(
        at_person.all("a[href^='/audit?']"),
        ["Everything in the trail about Tom", "Everything Tom did"]
    );
    let app_id = at_key.attribute("a[href^='/applications/']", "href");
    ada.get(&app_id).await.assert_shows("Everything in the trail");
    let mut tom = app.sign_in(&tom).await;
    tom.get(&key.page()).await.assert_hides("Everything in the trail");
    tom.get(&app_id).await.assert_hides("Everything in the trail");
}

#[actix_web::test]
async fn every_act_tells_what_it_changed_and_no_secret() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let tom = app.manager("Tom");
    let key = app.key(&user, "Order sync");
    let mut ada = app.sign_in(&user).await;
    let id = tom.id;
    let edit = [
        ("version", "1"),
        ("name", "Order sync 2"),
        ("permission", "reporting:read"),
        ("permission", "orders:read"),
        ("expires", "never"),
    ];
    let page = key.page();
    type Act<'a> = (&'a str, String, &'a [(&'a str, &'a str)]);
    let acts: [Act<'_>; 9] = [
        ("key.updated", format!("{page}/edit"), &edit),
        ("key.disabled", format!("{page}/disable"), &[]),
        ("key.enabled", format!("{page}/enable"), &[]),
        ("key.revoked", format!("{page}/revoke"), &[]),
        ("access.granted", format!("/team/{id}/grant"), &[]),
        ("access.withdrawn", format!("/team/{id}/withdraw"), &[]),
        ("user.disabled", format!("/team/{id}/disable"), &[]),
        ("user.enabled", format!("/team/{id}/enable"), &[]),
        ("user.role_changed", format!("/team/{id}/role"), &[("role", "administrator")]),
    ];
    for (action, path, fields) in acts {
        let done = ada.post(&path, fields).await;
        done.assert_status(303);
        let request = done.header("x-request-id").to_owned();
        let told = ada.get(&format!("/audit?request={request}")).await;
        let actions = told.all(".facts .soft");
        assert!(actions.iter().any(|told| told == action), "{action}: {actions:?}");
        assert_eq!(sentences(&told).len(), 1, "{action}");
        told.assert_shows("127.0.0.1").assert_hides(&key.secret);
        if action != "access.granted" {
            assert!(!told.all(".compare td").is_empty(), "{action} has no before and after");
        }
    }
}

#[actix_web::test]
async fn hostile_names_are_shown_as_they_are() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    for name in ["<img src=x onerror=alert(1)>", "\"><script>alert(1)</script>", "{{7*7}}"] {
        let key = app.key(&ada, name);
        let mut ada = app.sign_in(&ada).await;
        let page = ada.get(&format!("/audit?subject={}", key.public_key())).await;
        assert_eq!(sentences(&page), [format!("Operator created the key {name}")]);
        assert!(page.all("img, main script").is_empty());
    }
}
