//! Taking a job, keeping it and ending it: everything the runner writes. All of it names the attempt, so that whoever
//! lost a job to another node changes nothing any more.

use std::time::Duration;

use diesel::{
    Connection, PgConnection, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{
        Array, BigInt, Bool, Double, Inet, Integer, Jsonb, Nullable, Text, Uuid as SqlUuid,
    },
};
use ipnet::IpNet;
use serde_json::Value;
use uuid::Uuid;

use super::Progress;
use crate::error::AppResult;

/// Where it is said that there is a new job.
pub const CHANNEL: &str = "latchkey_jobs";

/// Whoever was not heard of for so long has vanished. Renewed every second.
pub const LASTS: Duration = Duration::from_secs(10);

/// A job that was taken, and the attempt that was begun with it.
#[derive(Debug, Clone, QueryableByName)]
pub struct Taken {
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// The number of this attempt: nobody else has it.
    #[diesel(sql_type = Integer)]
    pub attempts: i32,
    /// With those that vanished.
    #[diesel(sql_type = Integer)]
    pub failures: i32,
    #[diesel(sql_type = Text)]
    pub kind: String,
    #[diesel(sql_type = Jsonb)]
    pub payload: Value,
    #[diesel(sql_type = Text)]
    pub starter: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub user_id: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub application_id: Option<i64>,
    #[diesel(sql_type = Nullable<Inet>)]
    pub ip: Option<IpNet>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub request_id: Option<Uuid>,
    #[diesel(sql_type = BigInt)]
    pub progress_done: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub progress_total: Option<i64>,
    #[diesel(sql_type = Text)]
    pub progress_text: String,
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub resume: Option<Value>,
    #[diesel(sql_type = Bool)]
    pub is_cancelled: bool,
}

/// How an attempt ended.
pub enum Ending<'a> {
    Done {
        summary: &'a str,
    },
    /// For good.
    Failed {
        error: &'a str,
    },
    Cancelled,
    /// To be tried again after so long.
    Again {
        error: &'a str,
        after: Duration,
    },
    /// The node ends: another may go on at once.
    HandedOn,
}

#[derive(QueryableByName)]
struct Known {
    #[diesel(sql_type = Bool)]
    told: bool,
}

/// Whether any of these kinds waits to be run.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn is_any_due(conn: &mut PgConnection, kinds: &[&str]) -> AppResult<bool> {
    let Known { told } = sql_query(
        "select exists (select from jobs where ended_at is null and run_at <= clock_timestamp() \
            and (leased_until is null or leased_until < clock_timestamp()) and kind = any($1)) as told",
    )
    .bind::<Array<Text>, _>(kinds)
    .get_result(conn)?;
    Ok(told)
}

/// Takes the job of these kinds that has waited longest, also from a node that vanished.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn take(
    conn: &mut PgConnection,
    owner: Uuid,
    node: &str,
    kinds: &[&str],
) -> AppResult<Option<Taken>> {
    conn.transaction(|conn| {
        let taken: Vec<Taken> = sql_query(
            "with due as (select id, leased_by is not null as was_lost from jobs \
                where ended_at is null and run_at <= clock_timestamp() \
                    and (leased_until is null or leased_until < clock_timestamp()) and kind = any($3) \
                order by run_at, id limit 1 for update skip locked) \
             update jobs set leased_by = $1, \
                leased_until = clock_timestamp() + make_interval(secs => $2), \
                attempts = attempts + 1, failures = failures + was_lost::int, \
                began_at = coalesce(began_at, clock_timestamp()) \
             from due where jobs.id = due.id \
             returning jobs.id, attempts, failures, kind, payload, starter, user_id, application_id, ip, \
                request_id, progress_done, progress_total, progress_text, resume, \
                cancel_requested_at is not null as is_cancelled",
        )
        .bind::<SqlUuid, _>(owner)
        .bind::<Double, _>(LASTS.as_secs_f64())
        .bind::<Array<Text>, _>(kinds)
        .load(conn)?;
        let Some(taken) = taken.into_iter().next() else { return Ok(None) };
        sql_query(
            "update job_attempts set ended_at = clock_timestamp(), outcome = 'vanished' \
             where job_id = $1 and ended_at is null",
        )
        .bind::<BigInt, _>(taken.id)
        .execute(conn)?;
        sql_query("insert into job_attempts (job_id, number, node) values ($1, $2, $3)")
            .bind::<BigInt, _>(taken.id)
            .bind::<Integer, _>(taken.attempts)
            .bind::<Text, _>(node)
            .execute(conn)?;
        Ok(Some(taken))
    })
}

/// A job that this node runs, as its keeper sees it.
pub struct Held {
    pub id: i64,
    pub attempt: i32,
    /// What to show, if a long step says more than the last one committed; and of how many.
    pub done: (Option<i64>, Option<i64>),
}

/// A job that is still this node's.
#[derive(QueryableByName)]
pub struct Kept {
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    #[diesel(sql_type = Bool)]
    pub is_cancelled: bool,
}

/// Says that these are still being run; answers with those that are this node's.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn keep(conn: &mut PgConnection, owner: Uuid, held: &[Held]) -> AppResult<Vec<Kept>> {
    let ids: Vec<i64> = held.iter().map(|job| job.id).collect();
    let attempts: Vec<i32> = held.iter().map(|job| job.attempt).collect();
    let (done, total): (Vec<Option<i64>>, Vec<Option<i64>>) =
        held.iter().map(|job| job.done).unzip();
    Ok(sql_query(
        "update jobs set leased_until = clock_timestamp() + make_interval(secs => $5), \
            progress_done = coalesce(held.done, progress_done), \
            progress_total = coalesce(held.total, progress_total) \
         from unnest($2, $3, $4, $6) as held (id, attempt, done, total) \
         where jobs.id = held.id and attempts = held.attempt and leased_by = $1 \
         returning jobs.id, cancel_requested_at is not null as is_cancelled",
    )
    .bind::<SqlUuid, _>(owner)
    .bind::<Array<BigInt>, _>(ids)
    .bind::<Array<Integer>, _>(attempts)
    .bind::<Array<Nullable<BigInt>>, _>(done)
    .bind::<Double, _>(LASTS.as_secs_f64())
    .bind::<Array<Nullable<BigInt>>, _>(total)
    .load(conn)?)
}

/// Writes where a step has led to, in the step's own transaction. `false`: the job is another's by now.
///
/// # Errors
/// When Postgres refuses.
pub fn note(
    conn: &mut PgConnection,
    id: i64,
    attempt: i32,
    progress: &Progress,
) -> AppResult<bool> {
    let written = sql_query(
        "update jobs set progress_done = $3, progress_total = $4, progress_text = $5, resume = $6 \
         where id = $1 and attempts = $2 and leased_by is not null",
    )
    .bind::<BigInt, _>(id)
    .bind::<Integer, _>(attempt)
    .bind::<BigInt, _>(progress.done)
    .bind::<Nullable<BigInt>, _>(progress.total)
    .bind::<Text, _>(&progress.text)
    .bind::<Nullable<Jsonb>, _>(&progress.resume)
    .execute(conn)?;
    Ok(written == 1)
}

/// Ends an attempt, and the job with it unless it is tried again. `false`: the job is another's by now.
///
/// # Errors
/// When Postgres refuses.
pub fn end(conn: &mut PgConnection, id: i64, attempt: i32, ending: &Ending<'_>) -> AppResult<bool> {
    let (outcome, of_attempt) = match ending {
        Ending::Done { .. } => (Some("done"), "done"),
        Ending::Failed { .. } => (Some("failed"), "failed"),
        Ending::Cancelled => (Some("cancelled"), "cancelled"),
        Ending::Again { .. } => (None, "failed"),
        Ending::HandedOn => (None, "handed_on"),
    };
    let (summary, error) = match ending {
        Ending::Done { summary } => (Some(*summary), None),
        Ending::Failed { error } | Ending::Again { error, .. } => (None, Some(*error)),
        Ending::Cancelled | Ending::HandedOn => (None, None),
    };
    let went_wrong = matches!(ending, Ending::Failed { .. } | Ending::Again { .. });
    let pause = match ending {
        Ending::Again { after, .. } => after.as_secs_f64(),
        _ => 0.0,
    };
    conn.transaction(|conn| {
        let ended = sql_query(
            "update jobs set leased_by = null, leased_until = null, outcome = $3, \
                ended_at = case when $3 is null then null else clock_timestamp() end, \
                summary = coalesce($4, summary), error = case when $3 = 'done' then null else coalesce($5, error) end, \
                failures = failures + $6::int, \
                run_at = case when $3 is null then clock_timestamp() + make_interval(secs => $7) else run_at end, \
                progress_done = case when $3 = 'done' then coalesce(progress_total, progress_done) else progress_done end \
             where id = $1 and attempts = $2 and leased_by is not null",
        )
        .bind::<BigInt, _>(id)
        .bind::<Integer, _>(attempt)
        .bind::<Nullable<Text>, _>(outcome)
        .bind::<Nullable<Text>, _>(summary)
        .bind::<Nullable<Text>, _>(error)
        .bind::<Bool, _>(went_wrong)
        .bind::<Double, _>(pause)
        .execute(conn)?;
        if ended == 0 {
            return Ok(false);
        }
        sql_query(
            "update job_attempts set ended_at = clock_timestamp(), outcome = $3, error = $4 \
             where job_id = $1 and number = $2",
        )
        .bind::<BigInt, _>(id)
        .bind::<Integer, _>(attempt)
        .bind::<Text, _>(of_attempt)
        .bind::<Nullable<Text>, _>(error)
        .execute(conn)?;
        if matches!(ending, Ending::HandedOn) {
            sql_query(format!("notify {CHANNEL}")).execute(conn)?;
        }
        Ok(true)
    })
}
