//! Asking for jobs, and what becomes of them.

use chrono::{TimeDelta, Utc};
use diesel::Connection;
use latchkey::{
    error::AppError,
    jobs::{self, NewJob, Work},
};

use super::{count, ended, job, run, sweep, texts, until};
use crate::support::TestApp;

#[test]
fn what_is_asked_for_in_a_transaction_that_is_undone_was_never_asked_for() {
    let app = TestApp::start_blank();
    let conn = &mut app.database.connect();
    let undone: Result<(), AppError> = conn.transaction(|conn| {
        jobs::enqueue(conn, NewJob::system(Work::Sweep).once("once"))?;
        assert_eq!(count(conn, "select count(*) from jobs"), 1);
        Err(AppError::NotFound)
    });
    assert!(undone.is_err());
    assert_eq!(count(conn, "select count(*) from jobs"), 0);
    // Nor is anything in the way of the next one.
    let id =
        app.operator(|conn, _| jobs::enqueue(conn, NewJob::system(Work::Sweep).once("once"))).id;
    assert_eq!(ended(conn, id).outcome.as_deref(), Some("done"));
}

#[test]
fn a_job_is_done_at_once_and_says_what_was_done() {
    let app = TestApp::start_blank();
    let conn = &mut app.database.connect();
    run(
        conn,
        "insert into sessions (id_hash, state, expires_at) values ('x', '{}', now() - interval '1 hour')",
    );
    let asked = sweep(&app);
    assert!(asked.is_new);
    let done = ended(conn, asked.id);
    assert_eq!((done.outcome.as_deref(), done.attempts, done.failures), (Some("done"), 1, 0));
    assert_eq!(done.summary.as_deref(), Some("Cleared up."));
    assert_eq!(count(conn, "select count(*) from sessions"), 0);
    let attempts = texts(conn, "select concat_ws(' ', number, outcome) as told from job_attempts");
    assert_eq!(attempts, ["1 done"]);
}

#[test]
fn what_has_not_ended_is_not_asked_for_twice() {
    let app = TestApp::start_blank();
    let conn = &mut app.database.connect();
    let later = Utc::now() + TimeDelta::hours(1);
    let ask = || {
        let new = NewJob::system(Work::Sweep).once("the same").not_before(later);
        app.operator(|conn, _| jobs::enqueue(conn, new))
    };
    let (first, second) = (ask(), ask());
    assert!(first.is_new && !second.is_new);
    assert_eq!(first.id, second.id);
    run(conn, "update jobs set run_at = now()");
    ended(conn, first.id);
    let third = ask();
    assert!(third.is_new && third.id != first.id);
}

#[test]
fn what_goes_wrong_is_tried_again_after_longer_and_longer_pauses_and_then_has_failed() {
    let app = TestApp::start_blank();
    let conn = &mut app.database.connect();
    run(conn, "alter table key_drafts rename to away");
    let id = sweep(&app).id;
    for failures in 1..5 {
        let failed = until("it fails", || {
            Some(job(conn, id)).filter(|job| job.failures == failures && job.outcome.is_none())
        });
        assert_eq!(failed.error.as_deref(), Some("Something went wrong on our side."));
        let (least, most) = (500 << (failures - 1), 1_000 << (failures - 1));
        let pause = count(
            conn,
            "select round(extract(epoch from run_at - (select max(ended_at) from job_attempts)) * 1000)::bigint as count from jobs",
        );
        assert!((least - 20..=most + 20).contains(&pause), "after {failures} failures: {pause} ms");
        // As if the pause were over.
        run(conn, "update jobs set run_at = clock_timestamp() where ended_at is null");
    }
    let failed = ended(conn, id);
    assert_eq!((failed.outcome.as_deref(), failed.attempts), (Some("failed"), 5));
    assert_eq!(failed.error.as_deref(), Some("Something went wrong on our side."));
    let attempts = texts(
        conn,
        "select concat_ws(' ', number, outcome) as told from job_attempts order by number",
    );
    assert_eq!(attempts, ["1 failed", "2 failed", "3 failed", "4 failed", "5 failed"]);
}

#[test]
fn a_node_leaves_alone_what_a_newer_version_knows() {
    let app = TestApp::start_blank();
    let conn = &mut app.database.connect();
    run(
        conn,
        "insert into jobs (kind, title, starter, run_at) values ('teleport', 'Beam up', 'system', now() - interval '1 hour')",
    );
    ended(conn, sweep(&app).id);
    let untouched =
        "select count(*) from jobs where kind = 'teleport' and attempts = 0 and ended_at is null";
    assert_eq!(count(conn, untouched), 1);
}
