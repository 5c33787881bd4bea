//! Work that is done later: asked for in a transaction, run by whichever node is there, seen on a page.

mod bulk;
mod exporting;
mod nodes;
mod page;
mod queue;
mod retention;
mod walk;
mod world;

use std::time::{Duration, Instant};

use diesel::{
    PgConnection, RunQueryDsl,
    connection::SimpleConnection,
    prelude::*,
    sql_query,
    sql_types::{BigInt, Text},
};
use latchkey::{
    jobs::{self, Enqueued, NewJob, Work},
    schema::jobs as table,
};
use serde_json::{Value, json};

use crate::support::{Browser, Page, TestApp};

/// How a job stands in the database.
#[derive(Debug, Clone, Queryable)]
struct Stood {
    outcome: Option<String>,
    attempts: i32,
    failures: i32,
    error: Option<String>,
    summary: Option<String>,
    progress_done: i64,
}

fn job(conn: &mut PgConnection, id: i64) -> Stood {
    table::table
        .find(id)
        .select((
            table::outcome,
            table::attempts,
            table::failures,
            table::error,
            table::summary,
            table::progress_done,
        ))
        .first(conn)
        .expect("the job is there")
}

/// Waits until that is so.
#[track_caller]
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "it never came to this: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until a job has ended, in whichever way.
#[track_caller]
fn ended(conn: &mut PgConnection, id: i64) -> Stood {
    until("the job ends", || Some(job(conn, id)).filter(|job| job.outcome.is_some()))
}

/// Waits until a job has failed for good, without the pauses between its attempts.
#[track_caller]
fn fails(conn: &mut PgConnection, id: i64) -> Stood {
    until("the job fails", || {
        run(
            conn,
            "update jobs set run_at = clock_timestamp() where ended_at is null and leased_by is null",
        );
        Some(job(conn, id)).filter(|job| job.outcome.as_deref() == Some("failed"))
    })
}

/// How each attempt at a job ended, in their order.
fn attempts(conn: &mut PgConnection, id: i64) -> Vec<String> {
    texts(
        conn,
        &format!(
            "select concat_ws(' ', number, coalesce(outcome, 'runs')) as told from job_attempts
             where job_id = {id} order by number"
        ),
    )
}

fn run(conn: &mut PgConnection, sql: &str) {
    conn.batch_execute(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
}

fn count(conn: &mut PgConnection, question: &str) -> i64 {
    #[derive(QueryableByName)]
    struct Counted {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    sql_query(question).get_result::<Counted>(conn).expect(question).count
}

fn texts(conn: &mut PgConnection, question: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Told {
        #[diesel(sql_type = Text)]
        told: String,
    }
    let rows: Vec<Told> = sql_query(question).load(conn).expect(question);
    rows.into_iter().map(|row| row.told).collect()
}

/// Each statement of that kind takes so much longer.
fn slow_down(conn: &mut PgConnection, when: &str, seconds: f64) {
    run(
        conn,
        &format!(
            "create function dawdle() returns trigger language plpgsql as
                 $$ begin perform pg_sleep({seconds}); return null; end $$;
             create trigger dawdle {when} for each statement execute function dawdle()"
        ),
    );
}

/// Lets them be as fast as before. Waits for statements under way.
fn speed_up(conn: &mut PgConnection) {
    run(
        conn,
        "create or replace function dawdle() returns trigger language plpgsql as $$ begin return null; end $$",
    );
}

/// A job as it is stored.
fn work(stored: Value) -> Work {
    serde_json::from_value(stored).expect("there is such a kind")
}

fn export_of_all() -> Work {
    work(
        json!({ "kind": "keys_export", "payload": { "filter": {}, "mode": null, "format": "csv" } }),
    )
}

fn disabling(ids: &[i64]) -> Work {
    work(json!({ "kind": "bulk", "payload": { "act": "disable", "ids": ids, "reason": null } }))
}

/// As Latchkey itself asks for it.
fn sweep(app: &TestApp) -> Enqueued {
    app.operator(|conn, _| jobs::enqueue(conn, NewJob::system(Work::Sweep)))
}

/// The id of the job whose page one was led to.
#[track_caller]
pub fn led_to_a_job(answer: &Page) -> i64 {
    answer.assert_status(303);
    let address = answer.location().unwrap_or_default();
    let id = address.strip_prefix("/jobs/").and_then(|id| id.parse().ok());
    id.unwrap_or_else(|| panic!("{address} is not the page of a job"))
}

/// Looks at a job's page until it is in that state.
pub async fn shows(browser: &mut Browser, id: i64, state: &str) -> Page {
    let began = Instant::now();
    loop {
        let page = browser.get(&format!("/jobs/{id}")).await;
        if page.text(".job__state .status") == state {
            return page;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "it is never {state}: {}", page.body());
        actix_web::rt::time::sleep(Duration::from_millis(20)).await;
    }
}
