//! Minutes become hours and hours days; every request is counted once, whatever happens meanwhile.

use std::{
    thread,
    time::{Duration, Instant},
};

use chrono::{TimeDelta, Utc};
use diesel::{Connection, PgConnection, connection::SimpleConnection};
use latchkey::usage::{self, Whose};
use serde_json::json;

use super::{asks, counted, in_hours, number, roll_up, run};
use crate::support::TestApp;

/// Everything a page could say of a key, in one line.
fn told(app: &TestApp, key_id: i64) -> (i64, i64, Vec<(String, i64)>) {
    let week = Utc::now() - TimeDelta::days(7);
    let totals = app.db(|conn| usage::totals_since(conn, key_id, week)).unwrap();
    (totals.valid, totals.refused, totals.by_code)
}

/// The requests of all environments of the last day.
fn totalled(app: &TestApp) -> i64 {
    let traffic = app.db(|conn| usage::traffic(conn, Whose::Everybodys, Utc::now())).unwrap();
    traffic.values().map(|there| there.valid() + there.refused()).sum()
}

#[actix_web::test]
async fn minutes_become_hours_and_what_comes_late_is_added() {
    let app = TestApp::start();
    let gateway = app.gateway("production");
    let key = app.key(&app.administrator("Ada"), "deploy bot");
    let (good, bad) =
        (json!({ "key": key.secret }), json!({ "key": key.secret, "scopes": ["orders:read"] }));
    asks(&app, &gateway, 5, good.clone(), "VALID").await;
    asks(&app, &gateway, 3, bad, "INSUFFICIENT_SCOPE").await;
    app.flush();
    let before = told(&app, key.key.id);
    assert_eq!((before.0, before.1), (5, 3));

    roll_up(&app, Utc::now());
    assert_eq!(number(&app, "select count(*) from usage_hours"), 0, "the hour is not over");
    roll_up(&app, in_hours(3));
    assert_eq!(number(&app, "select count(*) from usage_minutes"), 0);
    assert!(number(&app, "select count(*) from usage_hours") >= 2);
    assert_eq!(told(&app, key.key.id), before);

    asks(&app, &gateway, 4, good, "VALID").await;
    app.flush();
    assert_eq!(told(&app, key.key.id).0, 9, "while it is late");
    roll_up(&app, in_hours(3));
    assert_eq!(told(&app, key.key.id).0, 9, "not looked at again before the next hour");
    roll_up(&app, in_hours(4));
    assert_eq!(number(&app, "select count(*) from usage_minutes"), 0);
    assert_eq!(told(&app, key.key.id).0, 9);
    assert_eq!(counted(&app), 12);
}

#[actix_web::test]
async fn hours_become_days_and_days_are_forgotten_after_two_years() {
    let app = TestApp::start();
    let gateway = app.gateway("production");
    let key = app.key(&app.administrator("Ada"), "deploy bot");
    asks(&app, &gateway, 6, json!({ "key": key.secret }), "VALID").await;
    app.flush();
    roll_up(&app, in_hours(24 * 80));
    assert_eq!(number(&app, "select sum(requests) from usage_hours"), 6);
    roll_up(&app, in_hours(24 * 100));
    assert_eq!(number(&app, "select count(*) from usage_hours"), 0);
    assert_eq!(number(&app, "select sum(requests) from usage_days"), 6);
    assert_eq!(told(&app, key.key.id).0, 6, "a reader looks everywhere");
    roll_up(&app, in_hours(24 * 365 * 2 + 24 * 10));
    assert_eq!(counted(&app), 0);
}

#[actix_web::test]
async fn a_roll_up_that_is_cut_off_has_not_happened() {
    let app = TestApp::start();
    let gateway = app.gateway("production");
    let key = app.key(&app.administrator("Ada"), "deploy bot");
    asks(&app, &gateway, 7, json!({ "key": key.secret }), "VALID").await;
    app.flush();

    // It stands before a table that somebody holds, with the minutes deleted already, when its connection ends.
    let mut holder = app.database.connect();
    holder.batch_execute("begin; lock table usage_hours in exclusive mode").unwrap();
    let url = app.database.url.clone();
    let roller = thread::spawn(move || {
        let mut conn = PgConnection::establish(&url).unwrap();
        conn.batch_execute("set application_name = 'roller'").unwrap();
        usage::roll_up_at(&mut conn, in_hours(3))
    });
    let waiting = "select count(*) from pg_stat_activity where application_name = 'roller' \
        and wait_event_type = 'Lock' and query like 'with old as%'";
    let began = Instant::now();
    while number(&app, waiting) == 0 {
        assert!(began.elapsed() < Duration::from_secs(20), "it never came to the table");
        thread::yield_now();
    }
    number(
        &app,
        "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = 'roller'",
    );
    assert!(roller.join().unwrap().is_err());
    holder.batch_execute("rollback").unwrap();
    assert_eq!(counted(&app), 7);
    assert_eq!(number(&app, "select count(*) from usage_hours"), 0);

    roll_up(&app, in_hours(3));
    assert_eq!(number(&app, "select sum(requests) from usage_hours"), 7);
    assert_eq!(counted(&app), 7);
}

#[actix_web::test]
async fn nodes_that_roll_up_at_once_while_requests_are_counted_count_each_once() {
    let app = TestApp::start();
    let gateway = app.gateway("production");
    let key = app.key(&app.administrator("Ada"), "deploy bot");
    let mut asked = 0;
    for round in 1..=3 {
        asks(&app, &gateway, 10, json!({ "key": key.secret }), "VALID").await;
        asked += 10;
        app.flush();
        let rollers: Vec<_> = (0..4)
            .map(|_| {
                let url = app.database.url.clone();
                thread::spawn(move || {
                    let mut conn = PgConnection::establish(&url).unwrap();
                    usage::roll_up_at(&mut conn, in_hours(2 + round)).unwrap()
                })
            })
            .collect();
        asks(&app, &gateway, 5, json!({ "key": key.secret }), "VALID").await;
        asked += 5;
        app.flush();
        for roller in rollers {
            roller.join().unwrap();
        }
        assert_eq!(counted(&app), asked);
        assert_eq!(told(&app, key.key.id).0, asked);
    }
}

#[actix_web::test]
async fn the_totals_of_environments_are_the_sum_of_their_keys_at_every_step() {
    let app = TestApp::start();
    let (production, sandbox) = (app.gateway("production"), app.gateway("sandbox"));
    let ada = app.administrator("Ada");
    let place = app.environment("sandbox");
    let live = app.key(&ada, "live one");
    let test = app.key_with(Some(&ada), "test one", |new| new.environment_id = place);
    asks(&app, &production, 4, json!({ "key": live.secret }), "VALID").await;
    asks(&app, &sandbox, 2, json!({ "key": test.secret }), "VALID").await;
    asks(&app, &sandbox, 1, json!({ "key": live.secret }), "WRONG_ENVIRONMENT").await;
    app.flush();
    assert_eq!(totalled(&app), 7, "before it was ever rolled up");
    roll_up(&app, Utc::now());
    assert_eq!(totalled(&app), 7, "by the minute");
    asks(&app, &production, 1, json!({ "key": live.secret }), "VALID").await;
    app.flush();
    assert_eq!(totalled(&app), 8, "with what came since then");
    roll_up(&app, in_hours(3));
    assert_eq!(totalled(&app), 8, "by the hour");
    let traffic = app.db(|conn| usage::traffic(conn, Whose::Everybodys, Utc::now())).unwrap();
    let there = &traffic[&place];
    assert_eq!((there.valid(), there.refused()), (2, 0));
    let here = &traffic[&app.environment("production")];
    assert_eq!(
        (here.valid(), here.by_code["WRONG_ENVIRONMENT"]),
        (5, 1),
        "a key's own environment"
    );
}

#[actix_web::test]
async fn minutes_of_many_keys_are_moved_a_part_at_a_time() {
    let app = TestApp::start();
    let key = app.key(&app.administrator("Ada"), "deploy bot");
    // More rows than one transaction takes.
    run(
        &app,
        &format!(
            "insert into usage_minutes (key_id, minute, code, requests) \
             select {}, date_trunc('minute', now()) - interval '1 minute' * past, 'VALID', 1 \
             from generate_series(0, 44999) as past",
            key.key.id
        ),
    );
    roll_up(&app, Utc::now());
    assert_eq!(counted(&app), 45_000);
    assert!(number(&app, "select count(*) from usage_minutes") <= 125);
    assert!(number(&app, "select count(*) from usage_hours") >= 745);
}
