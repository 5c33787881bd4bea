//! What people should hear of without having asked.

mod inbox;
mod kinds;
mod leaks;
mod noticing;
mod reading;

use std::time::{Duration, Instant};

use diesel::{QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_types::Text};
use latchkey::{
    changes::Change,
    jobs::{self, NewJob, Work},
};

use crate::support::{MadeKey, TestApp};

/// Looks for what there is to notice, as happens every minute.
pub fn look(app: &TestApp) {
    app.flush();
    work(app, Work::Notices);
}

/// Has a job run to its end.
fn work(app: &TestApp, work: Work) {
    let id = app.operator(|conn, _| jobs::enqueue(conn, NewJob::system(work))).id;
    let began = Instant::now();
    let outcome = format!("select coalesce(outcome, '') as told from jobs where id = {id}");
    while ask(app, &outcome) != ["done"] {
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", ask(app, &outcome));
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Does something to the database behind everybody's back.
fn run(app: &TestApp, sql: &str) {
    app.db(|conn| conn.batch_execute(sql)).unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// The answers to a question with one column, `told`.
fn ask(app: &TestApp, question: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        told: String,
    }
    let rows: Vec<Row> = app.db(|conn| diesel::sql_query(question).load(conn)).unwrap();
    rows.into_iter().map(|row| row.told).collect()
}

/// What was noticed of keys, in its order: kind, key, and the number of days if it is about that.
fn noticed(app: &TestApp) -> Vec<String> {
    ask(
        app,
        "select concat_ws(' ', kind, keys.name, details->>'days') as told \
         from notices join keys on keys.id = key_id order by notices.id",
    )
}

/// So many hours go by: whatever has a time is older.
pub fn pass(app: &TestApp, hours: i64) {
    run(
        app,
        &format!(
            "update keys set created_at = created_at - interval '{hours} hours', \
                 expires_at = expires_at - interval '{hours} hours', \
                 expiry_set_at = coalesce(expiry_set_at, created_at) - interval '{hours} hours';
             update notices_progress set looked_at = looked_at - interval '{hours} hours'"
        ),
    );
    app.forget(Change::Catalogue);
}

/// Something is noticed about that key.
fn notice(app: &TestApp, key: &MadeKey, kind: &str, occasion: &str) {
    run(
        app,
        &format!(
            "insert into notices (kind, key_id, owner_id, occasion) \
             select '{kind}', id, owner_id, '{occasion}' from keys where id = {}",
            key.key.id
        ),
    );
}
