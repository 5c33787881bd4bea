//! What is only kept for a while is removed; the trail never is.

use latchkey::jobs::{self, NewJob, Work};

use super::{count, ended, export_of_all, run, world::add_keys};
use crate::support::TestApp;

#[test]
fn what_is_too_old_goes_and_the_trail_stays() {
    let app = TestApp::start();
    let conn = &mut app.database.connect();
    add_keys(conn, 2);
    let retain = || app.operator(|conn, _| jobs::enqueue(conn, NewJob::system(Work::Retention))).id;
    let export = || {
        app.operator(|conn, operator| {
            jobs::start(conn, operator, NewJob::of(operator, export_of_all()))
        })
        .id
    };
    let (old, gone, kept) = (export(), export(), export());
    for id in [old, gone, kept] {
        ended(conn, id);
    }
    run(
        conn,
        &format!(
            "insert into secret_callers (secret_id, caller, requests, last_seen_at)
                 select id, '203.0.113.' || days, 1, now() - days * interval '1 day'
                 from key_secrets, unnest(array[1, 101]) days;
             insert into audit_incoming (actor, action, subject, subject_name, at)
                 values ('x', 'session.refused', 'x', 'x', now() - interval '9 years');
             update jobs set ended_at = now() - interval '31 days' where id = {old};
             update job_downloads set gone_at = now() - interval '1 minute' where job_id = {gone}"
        ),
    );
    let events = count(conn, "select count(*) from audit_events");
    let done = ended(conn, retain());
    // Two callers, one file, one job.
    assert_eq!(done.summary.as_deref(), Some("4 rows were too old and are gone."));
    assert_eq!(count(conn, "select count(*) from secret_callers"), 2);
    assert_eq!(count(conn, &format!("select count(*) from jobs where id = {old}")), 0);
    assert_eq!(count(conn, "select count(*) from job_files"), 1);
    assert_eq!(
        count(conn, "select count(*) from job_downloads"),
        2,
        "it is known that there was one"
    );
    assert_eq!(count(conn, "select count(*) from audit_events"), events);
    let again = ended(conn, retain());
    assert_eq!(again.summary.as_deref(), Some("Nothing was too old."));
}
