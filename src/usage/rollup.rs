//! Minutes become hours, hours become days, by moving: a request is counted in exactly one place at any instant, so
//! that nothing is lost or counted twice however late it was written and wherever this is interrupted.

use std::time::{Duration, Instant};

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use diesel::{
    Connection, PgConnection, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{BigInt, Timestamptz},
};

use super::log_reading;
use crate::{
    error::AppResult,
    jobs::{Halt, Running},
};

/// Minutes are kept for at least as long; then their whole hour is moved. An hour's chart needs as many.
pub const MINUTES_KEPT: TimeDelta = TimeDelta::minutes(65);
/// Hours are kept so long; then they are days.
pub const HOURS_KEPT: TimeDelta = TimeDelta::days(90);
/// Days are kept so long.
pub const DAYS_KEPT: TimeDelta = TimeDelta::days(730);
/// The last minutes are totalled again: counts come a moment after their time.
const TOTALLED_AGAIN: TimeDelta = TimeDelta::minutes(3);
/// Rows in one transaction.
const ROWS: i64 = 20_000;
/// Somebody waits for the connection: what is left is for the next time.
const PATIENCE: Duration = Duration::from_secs(3);
/// Nodes that roll up at the same time do so one after the other, step by step.
const LOCK: &str = "select pg_advisory_xact_lock(hashtext('latchkey usage roll-up'))";

/// Brings hours, days, totals and what keys are used for up to date, in steps that are each a transaction of their
/// own. Says whether it came to the end; if not, it goes on where it was the next time.
///
/// # Errors
/// When Postgres refuses. What was done before stays done.
pub fn roll_up(conn: &mut PgConnection) -> AppResult<bool> {
    roll_up_at(conn, Utc::now())
}

/// The job that rolls up.
///
/// # Errors
/// Why it stops before its end.
pub fn run(running: &mut Running<'_>) -> Result<String, Halt> {
    while !running.step(|conn, _| Ok(roll_up(conn)?))? {}
    Ok("Rolled up.".into())
}

/// [`roll_up`] as it is done at that instant; for specs, which cannot wait for hours.
///
/// # Errors
/// As [`roll_up`].
pub fn roll_up_at(conn: &mut PgConnection, now: DateTime<Utc>) -> AppResult<bool> {
    let mut clock = Clock { began: Instant::now() };
    total(conn, now)?;
    let is_done = log_reading::read(conn, now, &mut clock)?
        && minutes_to_hours(conn, now, &mut clock)?
        && hours_to_days(conn, now, &mut clock)?;
    Ok(is_done)
}

/// From then on use is kept by the minute.
pub fn minutes_from(now: DateTime<Utc>) -> DateTime<Utc> {
    whole(now - MINUTES_KEPT, TimeDelta::hours(1))
}

/// How long it may go on.
pub(super) struct Clock {
    began: Instant,
}

impl Clock {
    pub fn is_up(&self) -> bool {
        self.began.elapsed() > PATIENCE
    }
}

/// How far it is, as stored.
#[derive(Debug, QueryableByName)]
pub(super) struct Progress {
    #[diesel(sql_type = Timestamptz)]
    totalled_until: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    hours_from: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    days_from: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    pub log_read_until: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    pub log_looked_at: DateTime<Utc>,
}

/// Runs a step alone, in a transaction; it is told how far things are.
pub(super) fn step<T>(
    conn: &mut PgConnection,
    act: impl FnOnce(&mut PgConnection, Progress) -> AppResult<T>,
) -> AppResult<T> {
    conn.transaction(|conn| {
        sql_query(LOCK).execute(conn)?;
        // What never happened is long ago: Rust has no time before time.
        let progress = sql_query(
            "select greatest(totalled_until, 'epoch') as totalled_until, greatest(hours_from, 'epoch') as hours_from, \
                greatest(days_from, 'epoch') as days_from, greatest(log_read_until, 'epoch') as log_read_until, \
                greatest(log_looked_at, 'epoch') as log_looked_at \
             from usage_progress",
        )
        .get_result(conn)?;
        act(conn, progress)
    })
}

/// The requests of all keys of an environment, for the minutes that are still there.
fn total(conn: &mut PgConnection, now: DateTime<Utc>) -> AppResult<()> {
    step(conn, |conn, progress| {
        let kept = now - MINUTES_KEPT - TimeDelta::hours(1);
        let from = (progress.totalled_until - TOTALLED_AGAIN).max(kept).max(progress.hours_from);
        sql_query("delete from usage_totals_minutes where minute >= date_trunc('minute', $1)")
            .bind::<Timestamptz, _>(from)
            .execute(conn)?;
        sql_query(
            "insert into usage_totals_minutes (minute, environment_id, code, requests) \
             select minute, environment_id, code, sum(requests)::bigint \
             from usage_minutes join keys on keys.id = key_id \
             where minute >= date_trunc('minute', $1) group by 1, 2, 3",
        )
        .bind::<Timestamptz, _>(from)
        .execute(conn)?;
        sql_query("update usage_progress set totalled_until = greatest(totalled_until, $1)")
            .bind::<Timestamptz, _>(now)
            .execute(conn)?;
        Ok(())
    })
}

/// Moves minutes of hours that are over, some keys at a time. Looks through all of them once an hour: what was written
/// late is taken along the next time, and is counted where it is until then.
fn minutes_to_hours(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    clock: &mut Clock,
) -> AppResult<bool> {
    let before = minutes_from(now);
    let mut from_key = 0;
    loop {
        let moved = step(conn, |conn, progress| {
            if progress.hours_from >= before {
                return Ok(Moved::NOTHING);
            }
            let moved: Moved = sql_query(
                "with old as ( \
                    select key_id, minute, code from usage_minutes where key_id >= $1 and minute < $2 \
                    order by key_id, minute, code limit $3 for update), \
                 gone as (delete from usage_minutes using old where usage_minutes.key_id = old.key_id \
                    and usage_minutes.minute = old.minute and usage_minutes.code = old.code returning usage_minutes.*), \
                 summed as (select key_id, date_trunc('hour', minute, 'UTC') as hour, code, sum(requests)::bigint as requests \
                    from gone group by 1, 2, 3), \
                 kept as (insert into usage_hours (key_id, hour, code, requests) \
                    select key_id, hour, code, requests from summed order by 1, 2, 3 \
                    on conflict (key_id, hour, code) do update set requests = usage_hours.requests + excluded.requests), \
                 totalled as (insert into usage_totals_hours (hour, environment_id, code, requests) \
                    select hour, environment_id, code, sum(requests)::bigint from summed join keys on keys.id = key_id \
                    group by 1, 2, 3 order by 1, 2, 3 on conflict (hour, environment_id, code) \
                    do update set requests = usage_totals_hours.requests + excluded.requests) \
                 select count(*) as rows, coalesce(max(key_id), 0) as last_key from gone",
            )
            .bind::<BigInt, _>(from_key)
            .bind::<Timestamptz, _>(before)
            .bind::<BigInt, _>(ROWS)
            .get_result(conn)?;
            if moved.rows < ROWS {
                // From here on the totals of these hours are read where they are now whole.
                sql_query("delete from usage_totals_minutes where minute < $1")
                    .bind::<Timestamptz, _>(before)
                    .execute(conn)?;
                sql_query("update usage_progress set hours_from = $1")
                    .bind::<Timestamptz, _>(before)
                    .execute(conn)?;
            }
            Ok(moved)
        })?;
        if moved.rows < ROWS {
            return Ok(true);
        }
        if clock.is_up() {
            return Ok(false);
        }
        from_key = moved.last_key;
    }
}

/// Moves hours of days that are long over, and forgets days that are longer over; once a day.
fn hours_to_days(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    clock: &mut Clock,
) -> AppResult<bool> {
    let before = whole(now - HOURS_KEPT, TimeDelta::days(1));
    let mut from_key = 0;
    loop {
        let moved = step(conn, |conn, progress| {
            if progress.days_from >= before {
                return Ok(Moved::NOTHING);
            }
            let moved: Moved = sql_query(
                "with old as ( \
                    select key_id, hour, code from usage_hours where key_id >= $1 and hour < $2 \
                    order by key_id, hour, code limit $3 for update), \
                 gone as (delete from usage_hours using old where usage_hours.key_id = old.key_id \
                    and usage_hours.hour = old.hour and usage_hours.code = old.code returning usage_hours.*), \
                 kept as (insert into usage_days (key_id, day, code, requests) \
                    select key_id, date_trunc('day', hour, 'UTC'), code, sum(requests)::bigint from gone \
                    group by 1, 2, 3 order by 1, 2, 3 \
                    on conflict (key_id, day, code) do update set requests = usage_days.requests + excluded.requests) \
                 select count(*) as rows, coalesce(max(key_id), 0) as last_key from gone",
            )
            .bind::<BigInt, _>(from_key)
            .bind::<Timestamptz, _>(before)
            .bind::<BigInt, _>(ROWS)
            .get_result(conn)?;
            if moved.rows < ROWS {
                sql_query("delete from usage_days where day < $1")
                    .bind::<Timestamptz, _>(now - DAYS_KEPT)
                    .execute(conn)?;
                sql_query("delete from usage_totals_hours where hour < $1")
                    .bind::<Timestamptz, _>(before)
                    .execute(conn)?;
                log_reading::forget(conn, now)?;
                sql_query("update usage_progress set days_from = $1")
                    .bind::<Timestamptz, _>(before)
                    .execute(conn)?;
            }
            Ok(moved)
        })?;
        if moved.rows < ROWS {
            return Ok(true);
        }
        if clock.is_up() {
            return Ok(false);
        }
        from_key = moved.last_key;
    }
}

#[derive(QueryableByName)]
struct Moved {
    #[diesel(sql_type = BigInt)]
    rows: i64,
    #[diesel(sql_type = BigInt)]
    last_key: i64,
}

impl Moved {
    const NOTHING: Self = Self { rows: 0, last_key: 0 };
}

/// The beginning of the hour or day (UTC) in which that is.
fn whole(at: DateTime<Utc>, unit: TimeDelta) -> DateTime<Utc> {
    at.duration_trunc(unit).unwrap_or(at)
}
