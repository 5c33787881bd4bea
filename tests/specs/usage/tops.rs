//! Who called with a key, which paths, which scopes: from the request log, also when it is read already.

use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use latchkey::usage::{self, Kind};
use serde_json::json;

use super::{asks, number, question, roll_up, run};
use crate::support::TestApp;

#[actix_web::test]
async fn callers_paths_and_scopes_are_listed_by_how_often_they_came() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let gateway = app.gateway("production");
    let key = app.key(&ada, "deploy bot");
    let ask = |ip: &str, path: &str| question(&key.secret, "reporting:read", ip, path);
    asks(&app, &gateway, 3, ask("203.0.113.9", "/reports"), "VALID").await;
    asks(&app, &gateway, 1, ask("2001:db8::7", "/reports/7"), "VALID").await;
    let lacking = question(&key.secret, "orders:read", "203.0.113.9", "/orders");
    asks(&app, &gateway, 1, lacking, "INSUFFICIENT_SCOPE").await;
    asks(&app, &gateway, 1, json!({ "key": key.secret }), "VALID").await;
    app.flush();
    let mut ada = app.sign_in(&ada).await;
    for step in ["in the log", "read", "read again"] {
        for range in ["hour", "day", "month"] {
            let page = ada.get(&format!("{}?range={range}", key.page())).await;
            let rows = page.all(".tops__table tbody tr");
            let row = |begins: &str| {
                let found = rows.iter().find(|row| row.starts_with(begins));
                found.unwrap_or_else(|| panic!("{step}, {range}: no {begins} in {rows:?}")).clone()
            };
            assert!(
                row("203.0.113.9").starts_with("203.0.113.9 3 1 "),
                "{step}, {range}: {rows:?}"
            );
            assert!(
                row("2001:db8::7").starts_with("2001:db8::7 1 0 "),
                "{step}, {range}: {rows:?}"
            );
            assert!(
                row("Others, or no address told").starts_with("Others, or no address told 1 0 ")
            );
            assert!(row("/reports ").starts_with("/reports 3 0 "), "{step}, {range}: {rows:?}");
            assert!(row("/orders").starts_with("/orders 0 1 "));
            assert!(row("reporting:read").starts_with("reporting:read 4 0 "));
            assert!(row("orders:read").starts_with("orders:read 0 1 "));
        }
        // The first look notes the time, the second reads up to there.
        roll_up(&app, Utc::now() + TimeDelta::seconds(1));
        roll_up(&app, Utc::now() + TimeDelta::seconds(2));
        assert!(number(&app, "select count(*) from key_uses") > 0, "{step}");
    }
}

#[actix_web::test]
async fn what_a_permission_was_needed_for_last_outlives_the_log() {
    let app = TestApp::start();
    let gateway = app.gateway("production");
    let key = app.key(&app.administrator("Ada"), "deploy bot");
    let began = Utc::now();
    asks(&app, &gateway, 2, question(&key.secret, "reporting:read", "203.0.113.9", "/"), "VALID")
        .await;
    asks(
        &app,
        &gateway,
        1,
        question(&key.secret, "orders:read", "203.0.113.9", "/"),
        "INSUFFICIENT_SCOPE",
    )
    .await;
    app.flush();
    roll_up(&app, Utc::now() + TimeDelta::seconds(1));
    roll_up(&app, Utc::now() + TimeDelta::seconds(2));
    run(&app, "delete from request_logs");
    roll_up(&app, Utc::now() + TimeDelta::seconds(3));
    let used = app.db(|conn| usage::permissions_used(conn, key.key.id, began)).unwrap();
    assert_eq!(used.len(), 1, "what was refused was not used: {used:?}");
    assert_eq!(used[0].slug, "reporting:read");
    assert!(used[0].last_used_at >= began - TimeDelta::seconds(1));
    assert_eq!(number(&app, "select requests from key_permissions_used"), 2);
}

#[actix_web::test]
async fn where_a_sample_was_logged_numbers_say_so_and_add_up_all_the_same() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let gateway = app.gateway("production");
    let key = app.key(&ada, "deploy bot");
    run(&app, "update settings set logs_per_second = 1");
    app.log().obey(true, 1);
    let ask = question(&key.secret, "reporting:read", "203.0.113.9", "/reports");
    let mut asked = 0;
    while asked < 400 && number(&app, "select count(*) from request_logs where stands_for > 1") == 0
    {
        asks(&app, &gateway, 20, ask.clone(), "VALID").await;
        asked += 20;
        app.flush();
    }
    // The last row is written when its second is over.
    let began = Instant::now();
    while number(&app, "select sum(stands_for) from request_logs") < asked {
        assert!(began.elapsed() < Duration::from_secs(10), "some are missing");
        app.flush();
    }
    let mut ada = app.sign_in(&ada).await;
    for step in ["in the log", "read"] {
        let page = ada.get(&format!("{}?range=month", key.page())).await;
        page.assert_shows(&format!("{asked} Allowed"));
        let rows = page.all(".tops__table tbody tr");
        let caller = rows.iter().find(|row| row.starts_with("203.0.113.9 about ")).cloned();
        let caller = caller.unwrap_or_else(|| panic!("{step}: {rows:?}"));
        assert!(caller.starts_with(&format!("203.0.113.9 about {asked} ")), "{step}: {caller}");
        let question = ada.get(&format!("{}/confirm/disable", key.page())).await;
        question.assert_shows(&format!("203.0.113.9 (about {asked})"));
        question.assert_shows(&format!("Requests allowed {asked} {asked}"));
        roll_up(&app, Utc::now() + TimeDelta::seconds(1));
        roll_up(&app, Utc::now() + TimeDelta::seconds(2));
    }
}

#[actix_web::test]
async fn however_many_paths_there_are_the_most_frequent_are_told_apart() {
    let app = TestApp::start();
    let gateway = app.gateway("production");
    let key = app.key(&app.administrator("Ada"), "deploy bot");
    // Each of them is logged, however fast they come.
    run(&app, "update settings set logs_per_second = 1000");
    app.log().obey(true, 1_000);
    asks(
        &app,
        &gateway,
        4,
        question(&key.secret, "reporting:read", "203.0.113.9", "/often"),
        "VALID",
    )
    .await;
    for number in 0..130 {
        let once =
            question(&key.secret, "reporting:read", "203.0.113.9", &format!("/once/{number}"));
        asks(&app, &gateway, 1, once, "VALID").await;
    }
    app.flush();
    let week = Utc::now() - TimeDelta::days(7);
    let paths = || {
        let uses = app.db(|conn| usage::uses_of(conn, &[key.key.id], week)).unwrap();
        let paths: Vec<_> = uses.into_iter().filter(|one| one.is(Kind::Path)).collect();
        let all: i64 = paths.iter().map(|one| one.accepted).sum();
        (paths[0].value.clone(), paths.len(), all)
    };
    assert_eq!(paths(), ("/often".into(), 131, 134));
    for second in 1..4 {
        roll_up(&app, Utc::now() + TimeDelta::seconds(second));
    }
    let (first, count, all) = paths();
    assert_eq!((first.as_str(), all), ("/often", 134));
    assert!(count <= 51, "{count}");
}

#[actix_web::test]
async fn strange_paths_and_agents_are_shown_as_what_they_are() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let gateway = app.gateway("production");
    let key = app.key(&ada, "deploy bot");
    let strange = "/<script>alert(1)</script>\u{202e}\"'&=cmd|' /C calc'!A1";
    asks(
        &app,
        &gateway,
        1,
        question(&key.secret, "reporting:read", "203.0.113.9", strange),
        "VALID",
    )
    .await;
    app.flush();
    roll_up(&app, Utc::now() + TimeDelta::seconds(1));
    roll_up(&app, Utc::now() + TimeDelta::seconds(2));
    let mut ada = app.sign_in(&ada).await;
    for range in ["hour", "month"] {
        let page = ada.get(&format!("{}?range={range}", key.page())).await;
        page.assert_status(200).assert_shows("<script>alert(1)</script>");
        assert!(!page.body().contains("<script>alert"), "it is markup");
        assert!(!page.body().contains('\u{202e}'), "it turns the page around");
    }
}
