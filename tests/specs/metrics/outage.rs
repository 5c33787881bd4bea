//! A bad day of Postgres shows in the numbers.

use std::time::{Duration, Instant};

use actix_web::rt;
use reqwest::Client;
use serde_json::json;

use super::{Told, start_behind};
use crate::{
    support::database::SpecDatabase,
    verify::proxy::{Mode, Proxy},
};

#[actix_web::test]
async fn being_cut_off_shows_and_ends_with_the_outage() {
    let database = SpecDatabase::create();
    let proxy = Proxy::before(&database.url);
    let app = start_behind(database, &proxy.url);
    let gateway = app.gateway("production");
    let known = app.key_with(None, "known", |_| {});
    assert_eq!(app.code(&gateway, &known.secret).await, "VALID");
    let unknown = app.key_with(None, "unknown", |_| {});

    proxy.set(Mode::Refuse);
    let ask = async || {
        let request = Client::new().post(app.url("/v1/verify")).bearer_auth(&gateway);
        request.json(&json!({ "key": unknown.secret })).send().await.unwrap().status()
    };
    let began = Instant::now();
    let told = loop {
        assert_eq!(ask().await, 503);
        let told = Told::by(&app).await;
        if told.number("latchkey_breaker_open") == 1.0 {
            break told;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{}", told.text);
    };
    assert!(told.verdicts("verify", "UNAVAILABLE") >= 3.0);
    assert_eq!(told.number("latchkey_breaker_opened_total"), 1.0);
    assert!(told.number("latchkey_look_ups_total{outcome=\"failed\"}") >= 1.0);

    proxy.set(Mode::Pass);
    let began = Instant::now();
    while ask().await != 200 {
        assert!(began.elapsed() < Duration::from_secs(10), "it does not recover");
        rt::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(Told::by(&app).await.number("latchkey_breaker_open"), 0.0);
}
