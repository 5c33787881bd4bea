//! The numbers count what happened.

use std::time::{Duration, Instant};

use actix_web::rt;
use diesel::connection::SimpleConnection;
use reqwest::Client;
use serde_json::json;

use super::{Told, start};
use crate::support::TestApp;

#[actix_web::test]
async fn verdicts_are_counted_by_address_and_code() {
    let app = start();
    let gateway = app.gateway("production");
    let key = app.key_with(None, "deploy bot", |new| new.limits = TestApp::limit(1000, 1));
    for _ in 0..3 {
        assert_eq!(app.code(&gateway, &key.secret).await, "VALID");
    }
    let unknown = [
        latchkey::credentials::Secret::for_key("prod"),
        latchkey::credentials::Secret::for_key("prod"),
    ];
    for secret in &unknown {
        assert_eq!(app.code(&gateway, secret.reveal()).await, "KEY_NOT_FOUND");
    }
    let client = Client::new();
    let authorize = client.get(app.url("/v1/authorize")).header("X-Gateway-Token", &gateway);
    assert_eq!(authorize.send().await.unwrap().status(), 401);
    let bad = client.post(app.url("/v1/verify")).bearer_auth(&gateway).json(&json!([]));
    assert_eq!(bad.send().await.unwrap().status(), 400);
    let stranger = client.post(app.url("/v1/verify")).bearer_auth("gw_x").json(&json!({}));
    assert_eq!(stranger.send().await.unwrap().status(), 401);
    let nginx = client.get(app.url("/v1/authorize?for=nginx")).send().await.unwrap();
    assert_eq!(nginx.status(), 401);

    let told = Told::by(&app).await;
    // A machine that is busy with other specs may have had to be asked again; that counts as UNAVAILABLE.
    assert_eq!(told.verdicts("verify", "VALID"), 3.0);
    assert_eq!(told.verdicts("verify", "KEY_NOT_FOUND"), 2.0);
    assert_eq!(told.verdicts("verify", "BAD_REQUEST"), 1.0);
    assert_eq!(told.verdicts("verify", "UNKNOWN_GATEWAY"), 1.0);
    assert_eq!(told.verdicts("verify", "REVOKED"), 0.0);
    assert_eq!(told.verdicts("authorize", "MISSING_KEY"), 1.0);
    assert_eq!(told.verdicts("authorize", "UNKNOWN_GATEWAY"), 1.0);
    assert_eq!(told.number("latchkey_answer_seconds_count{endpoint=\"verify\"}"), 5.0);
    assert_eq!(told.number("latchkey_answer_seconds_count{endpoint=\"authorize\"}"), 1.0);
    let below = |bound: &str| {
        let name = format!("latchkey_answer_seconds_bucket{{le=\"{bound}\",endpoint=\"verify\"}}");
        told.number(&name)
    };
    assert_eq!(below("+Inf"), 5.0);
    assert!(below("0.00001") <= below("0.15") && below("0.15") <= below("+Inf"));

    // One look-up of the key, and from then on it is remembered; the unknown ones are looked up once each.
    let recalled = |outcome: &str| {
        let name = format!("latchkey_cache_requests_total{{cache=\"keys\",outcome=\"{outcome}\"}}");
        told.number(&name)
    };
    assert!(recalled("hit") >= 2.0 && recalled("miss") >= 3.0, "{}", told.text);
    assert_eq!(told.number("latchkey_cache_entries{cache=\"keys\"}"), 1.0);
    assert!(told.number("latchkey_look_ups_total{outcome=\"answered\"}") >= 4.0);
    assert!(told.number("latchkey_look_up_seconds_count") >= 4.0);
    assert!(told.number("process_resident_memory_bytes") > 1e6);

    for secret in [gateway.as_str(), &key.secret, key.public_key(), unknown[0].reveal()] {
        assert!(!told.text.contains(secret), "{secret}");
    }
}

#[actix_web::test]
async fn pages_are_counted_by_the_class_of_their_status() {
    let app = start();
    let mut visitor = app.visitor();
    visitor.get("/sign-in").await.assert_status(200);
    visitor.get("/keys").await.assert_status(303);
    visitor.get("/nothing").await.assert_status(404);
    visitor.get("/healthz").await.assert_status(200);
    let report = Client::new().post(app.url("/v1/leaks")).json(&json!([])).send().await.unwrap();
    assert!(report.status().is_client_error());
    let told = Told::by(&app).await;
    for (area, class, count) in [
        ("pages", "2xx", 1.0),
        ("pages", "3xx", 1.0),
        ("pages", "4xx", 1.0),
        ("health", "2xx", 1.0),
        ("api", "4xx", 1.0),
    ] {
        let name = format!("latchkey_http_requests_total{{area=\"{area}\",class=\"{class}\"}}");
        assert_eq!(told.number(&name), count, "{name}");
    }
}

#[actix_web::test]
async fn counts_that_are_written_do_not_lag() {
    let app = start();
    let gateway = app.gateway("production");
    let key = app.key_with(None, "deploy bot", |_| {});
    assert_eq!(app.code(&gateway, &key.secret).await, "VALID");
    app.flush();
    let told = Told::by(&app).await;
    assert_eq!(told.number("latchkey_usage_rows_waiting"), 0.0);
    assert_eq!(told.number("latchkey_usage_flush_lag_seconds"), 0.0);
    assert!(told.number("latchkey_usage_flushes_total{outcome=\"written\"}") >= 1.0);
    assert_eq!(told.number("latchkey_usage_dropped_total"), 0.0);
}

#[actix_web::test]
async fn a_journal_that_nobody_can_add_falls_behind_and_catches_up() {
    let app = start();
    let conn = &mut app.database.connect();
    conn.batch_execute("begin; lock table usage_journal").unwrap();
    overdue_is(&app, |seconds| seconds > 2.0).await;
    conn.batch_execute("rollback").unwrap();
    overdue_is(&app, |seconds| seconds < 2.0).await;
}

async fn overdue_is(app: &TestApp, is_so: fn(f64) -> bool) {
    let began = Instant::now();
    while !is_so(Told::by(app).await.number("latchkey_usage_journal_overdue_seconds")) {
        assert!(began.elapsed() < Duration::from_secs(10), "it is not");
        rt::time::sleep(Duration::from_millis(50)).await;
    }
}
