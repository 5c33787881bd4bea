//! What keys are used for: counted, rolled up, drawn, and asked about before something is stopped.

mod charts;
mod overview;
mod rolling_up;
mod tops;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_types::BigInt};
use latchkey::usage;
use serde_json::{Value, json};

use crate::support::TestApp;

/// A number that the database answers.
fn number(app: &TestApp, ask: &str) -> i64 {
    #[derive(QueryableByName)]
    struct Number {
        #[diesel(sql_type = BigInt)]
        number: i64,
    }
    app.db(|conn| {
        diesel::sql_query(format!("select ({ask})::bigint as number")).get_result::<Number>(conn)
    })
    .unwrap_or_else(|error| panic!("{ask}: {error}"))
    .number
}

/// All requests that were counted, wherever they are.
fn counted(app: &TestApp) -> i64 {
    number(app, "select coalesce(sum(requests), 0) from usage_counts")
}

/// Does something to the database behind everybody's back.
fn run(app: &TestApp, sql: &str) {
    app.db(|conn| conn.batch_execute(sql)).unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// Rolls up until there is nothing left to do, as at that instant.
fn roll_up(app: &TestApp, at: DateTime<Utc>) {
    while !app.db(|conn| usage::roll_up_at(conn, at)).unwrap() {}
}

fn in_hours(hours: i64) -> DateTime<Utc> {
    Utc::now() + TimeDelta::hours(hours)
}

/// A gateway asks so many times; every answer has that code.
async fn asks(app: &TestApp, gateway: &str, times: usize, question: Value, code: &str) {
    for _ in 0..times {
        let verdict = app.verify(gateway, question.clone()).await;
        assert_eq!(verdict["code"], code);
    }
}

/// A question with everything a gateway can tell.
fn question(secret: &str, scope: &str, ip: &str, path: &str) -> Value {
    json!({ "key": secret, "scopes": [scope], "ip": ip, "method": "GET", "path": path })
}
