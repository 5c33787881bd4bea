//! What gateways ask is in the log, with everything that was said.

use reqwest::StatusCode;
use serde_json::json;

use super::{ask, forward, rows, told};
use crate::support::TestApp;

#[actix_web::test]
async fn a_question_and_its_answer_are_a_row_with_everything_that_was_said() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "Order sync");
    let gateway = app.gateway("production");
    let (headers, verdict) = ask(
        &app,
        &gateway,
        json!({"key": key.secret, "scopes": ["reporting:read"], "customer": "cus_42",
               "ip": "203.0.113.9", "method": "GET", "path": "/orders/7?page=2"}),
    )
    .await;
    assert_eq!(verdict["code"], "VALID");
    app.flush();

    let mut ada = app.sign_in(&ada).await;
    let list = ada.get("/logs").await;
    list.assert_status(200);
    for word in ["VALID", "GET", "/orders/7", "Order sync", "Storefront", "203.0.113.9", "cus_42"] {
        list.assert_shows(word);
    }
    list.assert_hides("page=2");
    let id = headers["x-request-id"].to_str().unwrap();
    assert_eq!(list.attribute("tbody a.table__name", "href"), format!("/logs/{id}"));

    let request = ada.get(&format!("/logs/{id}")).await;
    request.assert_status(200).assert_is_page();
    let gateway = app.db(|conn| told(conn, "select name as told from gateways"));
    for word in [
        "VALID",
        "/orders/7",
        "Order sync",
        key.public_key(),
        "Storefront",
        "app_",
        "Production",
        &gateway[0],
        "/v1/verify",
        "reporting:read",
        "cus_42",
        "203.0.113.9",
        "µs",
        id,
    ] {
        // On a busy machine it takes milliseconds.
        if word == "µs" && request.body().contains(" ms<") {
            continue;
        }
        request.assert_shows(word);
    }
    let dialog = ada.with_htmx("/logs").get(&format!("/logs/{id}")).await;
    dialog.assert_status(200).assert_is_fragment().assert_shows(id);
}

#[actix_web::test]
async fn a_forwarded_request_is_a_row_with_its_method_path_and_agent() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "Order sync");
    let gateway = app.gateway("production");
    let bearer = format!("Bearer {}", key.secret);
    let answer = forward(
        &app,
        &gateway,
        "?scope=orders:write&customer=cus_7",
        &[
            ("Authorization", &bearer),
            ("X-Forwarded-Method", "DELETE"),
            ("X-Forwarded-Uri", "/orders/9?force=1"),
            ("X-Forwarded-For", "198.51.100.7"),
            ("User-Agent", "shop/2.1 (Linux)"),
        ],
    )
    .await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    app.flush();

    let request = app.sign_in(&ada).await.get(&format!("/logs/{id}")).await;
    for word in [
        "INSUFFICIENT_SCOPE",
        "DELETE",
        "/orders/9",
        "198.51.100.7",
        "shop/2.1 (Linux)",
        "cus_7",
        "orders:write",
        "/v1/authorize",
        "The key does not hold orders:write.",
    ] {
        request.assert_shows(word);
    }
    request.assert_hides("force=1").assert_shows("Add orders:write");
    let fix = request.attribute("dialog .actions a", "href");
    assert_eq!(fix, format!("{}/edit?add=orders%3Awrite#permissions", key.page()));
    // And the same question can be asked again, check by check.
    let explained = request.attribute("dialog .actions a:last-child", "href");
    let page = app.sign_in(&ada).await.get(&explained).await;
    page.assert_status(200).assert_shows("Add orders:write");
    assert_eq!(page.text("#verdict"), "INSUFFICIENT_SCOPE");
}

#[actix_web::test]
async fn whoever_comes_without_a_key_is_noted_without_what_was_presented() {
    let app = TestApp::start();
    let gateway = app.gateway("production");
    let stranger = latchkey::credentials::Secret::for_key("prod").reveal().to_owned();
    let mistyped = format!("{}x", &stranger[..stranger.len() - 1]);
    for (question, code) in [
        (json!({}), "MISSING_KEY"),
        (json!({"key": "prod_sk_short"}), "MALFORMED_KEY"),
        (json!({"key": mistyped}), "MALFORMED_KEY"),
        (json!({"key": stranger}), "KEY_NOT_FOUND"),
        (json!({"basic": "bm90aGluZzpzZWNyZXQ="}), "MALFORMED_KEY"),
    ] {
        assert_eq!(ask(&app, &gateway, question).await.1["code"], code);
    }
    let rows = rows(&app);
    assert_eq!(rows.len(), 5);
    let all = rows.join("\n");
    for code in ["MISSING_KEY", "MALFORMED_KEY", "KEY_NOT_FOUND"] {
        assert!(all.contains(code), "{all}");
    }
    for secret in [&stranger[8..20], "prod_sk_short", "bm90aGluZzpzZWNyZXQ", "nothing:secret"] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
}

#[actix_web::test]
async fn every_refusal_says_what_to_do_about_it() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let gateway = app.gateway("production");
    let limited = app.key_with(Some(&ada), "Limited", |new| new.limits = TestApp::limit(1, 60));
    let fenced = app.key_with(Some(&ada), "Fenced", |new| {
        new.allowed_ips = vec!["10.0.0.0/8".parse().unwrap()];
    });
    let elsewhere = app.key_with(Some(&ada), "Sandboxed", |new| {
        new.environment_id = app.environment("sandbox");
    });
    let mut browser = app.sign_in(&ada).await;
    for (key, code, label, address) in [
        (&limited, "RATE_LIMITED", "Raise the limit", format!("{}/edit#limits", limited.page())),
        (
            &fenced,
            "IP_NOT_ALLOWED",
            "Allow 192.0.2.1",
            format!("{}/edit#restrictions", fenced.page()),
        ),
        (&elsewhere, "WRONG_ENVIRONMENT", "Use a key of Production", "/keys".to_owned()),
    ] {
        let question = json!({"key": key.secret, "ip": "192.0.2.1"});
        let (mut headers, mut verdict) = ask(&app, &gateway, question.clone()).await;
        if code == "RATE_LIMITED" {
            (headers, verdict) = ask(&app, &gateway, question).await;
        }
        assert_eq!(verdict["code"], code);
        app.flush();
        let id = headers["x-request-id"].to_str().unwrap();
        let request = browser.get(&format!("/logs/{id}")).await;
        request.assert_shows(label);
        assert_eq!(request.attribute("dialog .actions a", "href"), address);
    }
}

#[actix_web::test]
async fn a_keys_page_has_its_last_requests() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let (key, other) = (app.key(&ada, "Order sync"), app.key(&ada, "Reports"));
    let gateway = app.gateway("production");
    ask(&app, &gateway, json!({"key": key.secret, "method": "GET", "path": "/its-own"})).await;
    ask(&app, &gateway, json!({"key": other.secret, "method": "GET", "path": "/anothers"})).await;
    app.flush();
    let page = app.sign_in(&ada).await.get(&key.page()).await;
    page.assert_shows("Recent requests").assert_shows("/its-own").assert_hides("/anothers");
    assert!(page.all("a").iter().any(|link| link.starts_with("All")));
}
