//! What a person does to a job: have it tried again, or cancel it.

use diesel::{
    PgConnection, RunQueryDsl, sql_query,
    sql_types::{BigInt, Text},
};
use serde_json::json;

use super::{
    lease::CHANNEL,
    queries::{self, Job},
};
use crate::{
    audit::{self, Action, Subject},
    error::{AppError, AppResult},
    users::Viewer,
};

/// Has a job tried again that failed or was cancelled. It goes on where its last step has led to.
///
/// # Errors
/// [`AppError::NotFound`] when it is not the viewer's; [`AppError::Conflict`] when it has not ended like that, or the
/// same is being done already.
pub fn retry(conn: &mut PgConnection, viewer: &Viewer, id: i64) -> AppResult<Job> {
    let viewer = viewer.confirm_api_access(conn)?;
    let job = queries::find(conn, &viewer, id)?;
    let retried = sql_query(
        "update jobs set outcome = null, ended_at = null, summary = null, failures = 0, \
            cancel_requested_at = null, cancel_requested_by = null, run_at = clock_timestamp() \
         where id = $1 and outcome in ('failed', 'cancelled')",
    )
    .bind::<BigInt, _>(id)
    .execute(conn)
    .map_err(AppError::from);
    match retried {
        Ok(0) => {
            return Err(AppError::Conflict(
                "Only what failed or was cancelled is tried again.".into(),
            ));
        }
        Ok(_) => {}
        Err(error) if error.violates("jobs_once_while_open") => {
            return Err(AppError::Conflict(
                "The same is being done already, by a job that was started later.".into(),
            ));
        }
        Err(error) => return Err(error),
    }
    sql_query(format!("notify {CHANNEL}")).execute(conn)?;
    record(conn, &viewer, &job, Action::JobRetried)?;
    Ok(job)
}

/// Cancels a job: at once when it waits; when it runs, it ends after the step it is in, or undoes it.
///
/// # Errors
/// [`AppError::NotFound`] when it is not the viewer's; [`AppError::Conflict`] when it has ended.
pub fn cancel(conn: &mut PgConnection, viewer: &Viewer, id: i64) -> AppResult<Job> {
    let viewer = viewer.confirm_api_access(conn)?;
    let job = queries::find(conn, &viewer, id)?;
    let cancelled = sql_query(
        "update jobs set cancel_requested_at = clock_timestamp(), cancel_requested_by = $2, \
            outcome = case when leased_by is null then 'cancelled' end, \
            ended_at = case when leased_by is null then clock_timestamp() end \
         where id = $1 and ended_at is null and cancel_requested_at is null",
    )
    .bind::<BigInt, _>(id)
    .bind::<Text, _>(&viewer.name)
    .execute(conn)?;
    if cancelled == 0 {
        return Err(AppError::Conflict(match job.outcome.as_deref() {
            Some("done") => "It is done: there is nothing left to cancel.".into(),
            Some(_) => "It has ended already.".into(),
            None => "It is being cancelled already.".into(),
        }));
    }
    record(conn, &viewer, &job, Action::JobCancelled)?;
    queries::find(conn, &viewer, id)
}

fn record(conn: &mut PgConnection, viewer: &Viewer, job: &Job, action: Action) -> AppResult<()> {
    let subject = Subject { id: &format!("job:{}", job.id), name: &job.title };
    audit::record(conn, viewer, action, subject, json!({ "kind": job.kind }))
}
