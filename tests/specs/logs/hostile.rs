//! What strangers send is shown harmless, and no secret is kept.

use serde_json::json;

use super::{ask, forward, rows};
use crate::support::TestApp;

#[actix_web::test]
async fn markup_and_invisible_characters_are_shown_as_what_they_are() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "Order sync");
    let gateway = app.gateway("production");
    let (headers, _) = ask(
        &app,
        &gateway,
        json!({"key": key.secret, "method": "<b>GET</b>", "path": "/<script>alert(1)</script>/\u{202e}gpj.exe\u{0}\u{1b}[31m",
               "customer": "\"><img src=x onerror=alert(2)>", "scopes": ["<i>x</i>"]}),
    )
    .await;
    app.flush();
    let mut ada = app.sign_in(&ada).await;
    for path in ["/logs".to_owned(), format!("/logs/{}", headers["x-request-id"].to_str().unwrap())]
    {
        let page = ada.get(&path).await;
        page.assert_status(200);
        for markup in ["<script>alert", "<img src=x", "<b>GET", "<i>x", "\u{202e}", "\u{1b}"] {
            assert!(!page.body().contains(markup), "{markup:?} on {path}");
        }
        page.assert_shows(r"\u{202e}gpj.exe\u{0}\u{1b}[31m");
    }
}

#[actix_web::test]
async fn what_is_long_is_cut_and_bytes_that_are_no_text_do_no_harm() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "Order sync");
    let gateway = app.gateway("production");
    let bearer = format!("Bearer {}", key.secret);
    let long = format!("/{}", "ü".repeat(600));
    let client = reqwest::Client::new();
    let answer = client
        .get(app.url("/v1/authorize"))
        .header("X-Gateway-Token", &gateway)
        .header("Authorization", &bearer)
        .header("X-Original-URI", long.as_bytes())
        .header("User-Agent", &b"agent \xff\xfe"[..])
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let all = rows(&app).join("\n");
    assert!(all.contains("üüü") && all.contains('…') && all.len() < 1_500, "{all}");
    assert!(all.contains(r"agent \\u{fffd}"), "{all}");
    app.sign_in(&ada).await.get("/logs").await.assert_status(200);
}

#[actix_web::test]
async fn no_secret_reaches_the_log_wherever_it_was_put() {
    let app = TestApp::start();
    let key = app.key(&app.administrator("Ada"), "Order sync");
    let gateway = app.gateway("production");
    let random = &key.secret[8..40];
    let bearer = format!("Bearer {}", key.secret);
    let (agent, customer) = (format!("curl {}", key.secret), format!("cus {}", key.secret));
    let basic = {
        use base64::{Engine, engine::general_purpose::STANDARD};
        STANDARD.encode(format!("{}:{}", key.public_key(), key.secret))
    };
    forward(&app, &gateway, "", &[("Authorization", &bearer), ("User-Agent", &agent)]).await;
    forward(&app, &gateway, "", &[("Authorization", &bearer), ("User-Agent", &basic)]).await;
    ask(&app, &gateway, json!({"key": key.secret, "customer": customer, "method": agent})).await;
    ask(&app, &gateway, json!({"key": key.secret, "scopes": [key.secret, basic]})).await;
    ask(&app, &gateway, json!({"key": key.secret, "path": "/a?b=c"})).await;
    let all = rows(&app).join("\n");
    assert_eq!(rows(&app).len(), 5);
    assert!(all.contains("[a secret]"), "{all}");
    assert!(!all.contains(random) && !all.contains(&basic[..40]), "{all}");
}
