//! What is asked for again and again, once in the cluster each time: whichever node sees first that it is time says so.

use std::time::Duration;

use diesel::{
    Connection, PgConnection, RunQueryDsl, sql_query,
    sql_types::{Double, Text},
};

use super::{NewJob, Work, enqueue};
use crate::{
    error::AppResult,
    notices::{mail, webhooks},
};

/// Whether there is anything to do: what comes every few seconds leaves no job behind when there is not.
type Wanted = fn(&mut PgConnection) -> AppResult<bool>;

/// What, how often, and when at all. The first time is that long after the first node started.
const SCHEDULES: [(Work, Duration, Wanted); 6] = [
    (Work::Notices, Duration::from_secs(60), always),
    (Work::RollUp, Duration::from_secs(300), always),
    (Work::Sweep, Duration::from_secs(600), always),
    (Work::Retention, Duration::from_secs(3_600), always),
    // Also for what was asked for at the very moment a job ended: it is seen here.
    (Work::Mail, Duration::from_secs(5), mail::is_any_due),
    (Work::Webhooks, Duration::from_secs(5), webhooks::is_any_due),
];

fn always(_: &mut PgConnection) -> AppResult<bool> {
    Ok(true)
}

/// Asks for what is due. One that has not ended since the last time is not asked for again.
///
/// # Errors
/// When Postgres refuses.
pub fn run_due(conn: &mut PgConnection) -> AppResult<()> {
    for (work, every, is_wanted) in SCHEDULES {
        let kind = work.kind().slug();
        conn.transaction(|conn| {
            sql_query(
                "insert into job_schedules (kind, next_at) \
                 values ($1, clock_timestamp() + make_interval(secs => $2)) on conflict do nothing",
            )
            .bind::<Text, _>(kind)
            .bind::<Double, _>(every.as_secs_f64())
            .execute(conn)?;
            let is_due = sql_query(
                "update job_schedules set next_at = clock_timestamp() + make_interval(secs => $2) \
                 where kind = $1 and next_at <= clock_timestamp()",
            )
            .bind::<Text, _>(kind)
            .bind::<Double, _>(every.as_secs_f64())
            .execute(conn)?;
            if is_due > 0 && is_wanted(conn)? {
                enqueue(conn, NewJob::system(work).once(kind))?;
            }
            AppResult::Ok(())
        })?;
    }
    Ok(())
}
