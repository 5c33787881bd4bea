//! What nobody seems to need: found, put right with a click, and taken back with another.

mod knowing;
mod people;
mod stopping;
mod trimming;
mod walking;

use diesel::connection::SimpleConnection;
use latchkey::{audit, usage};
use serde_json::json;

use crate::support::{MadeKey, Page, TestApp};

/// Does something to the database behind everybody's back.
fn run(app: &TestApp, sql: &str) {
    app.db(|conn| conn.batch_execute(sql)).unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// As if all that is there had been made so many days before, and remembered since.
fn age(app: &TestApp, days: u32) {
    run(
        app,
        &format!(
            "update keys set created_at = created_at - interval '{days} days';
             update key_secrets set created_at = created_at - interval '{days} days';
             update permissions set added_at = added_at - interval '{days} days';
             update usage_progress set permissions_since = permissions_since - interval '{days} days'"
        ),
    );
}

/// As if it had been used last so many days ago, and nothing had asked about it since.
fn rest(app: &TestApp, key: &MadeKey, days: u32) {
    let id = key.key.id;
    run(
        app,
        &format!(
            "update keys set last_used_at = now() - interval '{days} days' where id = {id};
             delete from usage_minutes where key_id = {id}"
        ),
    );
}

/// What a gateway hears of a key that is asked for a permission.
async fn code(app: &TestApp, gateway: &str, key: &MadeKey, scope: &str) -> String {
    let verdict = app.verify(gateway, json!({ "key": key.secret, "scopes": [scope] })).await;
    verdict["code"].as_str().unwrap().to_owned()
}

/// Writes what was counted and logged, and reads what keys were used for.
fn read_log(app: &TestApp) {
    app.flush();
    // The first look notes the time, the second reads up to there; what comes later is in the log only.
    for _ in 0..2 {
        while !app.db(usage::roll_up).unwrap() {}
    }
}

/// The names of the keys in the list.
fn names(page: &Page) -> Vec<String> {
    page.all("tbody .table__name")
}

/// What is written above the list beside the groups.
fn counts(page: &Page) -> Vec<String> {
    page.all(".subnav__entry")
}

/// What happened to a key, oldest first.
fn trail(app: &TestApp, key: &MadeKey) -> Vec<String> {
    let mut events = app.db(|conn| audit::recent_for(conn, key.public_key(), 20)).unwrap();
    events.reverse();
    events.into_iter().map(|event| event.action).collect()
}
