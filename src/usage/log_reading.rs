//! What keys are used for, read from the request log as it grows and kept for longer: callers, paths, scopes and
//! customers of each day, and when a permission was needed last.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use diesel::{
    PgConnection, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{Array, BigInt, Date, Integer, Timestamptz},
};

use super::{
    rollup::{Clock, step},
    uses::{KINDS, SUMS},
};
use crate::error::AppResult;

/// Of each kind so many are told apart, by key and day.
pub const TOLD_APART: i32 = 50;
/// Until so many more have come, all of them are kept; then the rarest are added up.
const SLACK: i64 = 50;
/// The uses of days are kept so long: the longest that pages ask about, and some.
pub const USES_KEPT: TimeDelta = TimeDelta::days(35);
/// As much of the log is read at once.
const WINDOW: TimeDelta = TimeDelta::minutes(2);
/// To what is there already.
const ADD: &str = "on conflict (day, key_id, kind, value) do update set \
    accepted = key_uses.accepted + excluded.accepted, refused = key_uses.refused + excluded.refused, \
    is_about = key_uses.is_about or excluded.is_about, \
    last_accepted_at = greatest(key_uses.last_accepted_at, excluded.last_accepted_at), \
    last_seen_at = greatest(key_uses.last_seen_at, excluded.last_seen_at)";

/// Reads on in the log, in windows that are each a transaction. Goes no further than where the clock was when this was
/// called before: by now the rows of that time are there, also when Postgres was away in between.
pub(super) fn read(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    clock: &mut Clock,
) -> AppResult<bool> {
    let until = step(conn, |conn, progress| {
        sql_query("update usage_progress set log_looked_at = greatest(log_looked_at, $1)")
            .bind::<Timestamptz, _>(now)
            .execute(conn)?;
        Ok(progress.log_looked_at.min(now))
    })?;
    loop {
        let is_done = step(conn, |conn, progress| {
            let from = match first_after(conn, progress.log_read_until)? {
                Some(first) if first < until => first.max(progress.log_read_until),
                _ => until,
            };
            let to = (from + WINDOW).min(until);
            if from < to {
                remember(conn, from, to)?;
            }
            sql_query("update usage_progress set log_read_until = greatest(log_read_until, $1)")
                .bind::<Timestamptz, _>(to)
                .execute(conn)?;
            Ok(to >= until)
        })?;
        if is_done {
            return Ok(true);
        }
        if clock.is_up() {
            return Ok(false);
        }
    }
}

/// When the first request from then on was logged: nights are not read minute by minute.
fn first_after(conn: &mut PgConnection, from: DateTime<Utc>) -> AppResult<Option<DateTime<Utc>>> {
    #[derive(QueryableByName)]
    struct First {
        #[diesel(sql_type = Timestamptz)]
        at: DateTime<Utc>,
    }
    let first: Vec<First> =
        sql_query("select at from request_logs where at >= $1 order by at limit 1")
            .bind::<Timestamptz, _>(from)
            .load(conn)?;
    Ok(first.into_iter().next().map(|first| first.at))
}

fn remember(conn: &mut PgConnection, from: DateTime<Utc>, to: DateTime<Utc>) -> AppResult<()> {
    sql_query(
        "insert into key_permissions_used (key_id, permission_id, last_used_at, requests) \
         select key_id, permissions.id, max(at), sum(stands_for)::bigint \
         from request_logs cross join unnest(scopes) as slug join permissions using (slug) \
         where at >= $1 and at < $2 and code = 'VALID' and key_id in (select id from keys) \
         group by 1, 2 order by 1, 2 \
         on conflict (key_id, permission_id) do update set \
            last_used_at = greatest(key_permissions_used.last_used_at, excluded.last_used_at), \
            requests = key_permissions_used.requests + excluded.requests",
    )
    .bind::<Timestamptz, _>(from)
    .bind::<Timestamptz, _>(to)
    .execute(conn)?;
    note_what_is_not_known(conn, from, to)?;
    // Of a window only the most frequent are told apart, and the same of what is there then: a key whose paths are all
    // different costs no more rows than others.
    let statement = format!(
        "with seen as materialized ( \
            select (at at time zone 'UTC')::date as day, key_id, ip, path, scopes, customer, at, code = 'VALID' as is_accepted, \
                stands_for \
            from request_logs where at >= $1 and at < $2 and key_id in (select id from keys)), \
         summed as ( \
            select day, key_id, kind, value, {SUMS} from seen cross join lateral ({KINDS}) as what group by 1, 2, 3, 4), \
         placed as (select *, row_number() over (partition by day, key_id, kind order by accepted + refused desc, value) as place \
            from summed), \
         kept as ( \
            insert into key_uses (day, key_id, kind, value, accepted, refused, is_about, last_accepted_at, last_seen_at) \
            select day, key_id, kind, case when place <= $3 then value else '' end, sum(accepted)::bigint, sum(refused)::bigint, \
                bool_or(is_about), max(last_accepted_at), max(last_seen_at) \
            from placed group by 1, 2, 3, 4 order by 1, 2, 3, 4 {ADD}) \
         select distinct day, key_id from summed"
    );
    let touched: Vec<Touched> = sql_query(statement)
        .bind::<Timestamptz, _>(from)
        .bind::<Timestamptz, _>(to)
        .bind::<Integer, _>(TOLD_APART)
        .load(conn)?;
    trim(conn, &touched)
}

/// Of whom a sample was logged, and when requests found no room in the log: what those needed cannot be read there.
fn note_what_is_not_known(
    conn: &mut PgConnection,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> AppResult<()> {
    sql_query(
        "insert into keys_sampled (key_id, last_at) \
         select key_id, max(at) from request_logs \
         where at >= $1 and at < $2 and stands_for > 1 and key_id in (select id from keys) group by 1 order by 1 \
         on conflict (key_id) do update set last_at = greatest(keys_sampled.last_at, excluded.last_at)",
    )
    .bind::<Timestamptz, _>(from)
    .bind::<Timestamptz, _>(to)
    .execute(conn)?;
    sql_query(
        "update usage_progress set permissions_missed_at = missed.at from ( \
            select max(minute) as at from request_log_gaps where minute >= $1 - interval '1 minute' and minute < $2 \
                and reason in ('accepted', 'waiting', 'unwritable')) as missed \
         where missed.at > permissions_missed_at",
    )
    .bind::<Timestamptz, _>(from)
    .bind::<Timestamptz, _>(to)
    .execute(conn)?;
    Ok(())
}

#[derive(QueryableByName)]
struct Touched {
    #[diesel(sql_type = Date)]
    day: NaiveDate,
    #[diesel(sql_type = BigInt)]
    key_id: i64,
}

/// Adds up the rarest of each kind where there are too many.
fn trim(conn: &mut PgConnection, touched: &[Touched]) -> AppResult<()> {
    let days: Vec<NaiveDate> = touched.iter().map(|touched| touched.day).collect();
    let keys: Vec<i64> = touched.iter().map(|touched| touched.key_id).collect();
    sql_query(format!(
        "with full_ones as ( \
            select day, key_id, kind from key_uses join unnest($1, $2) as touched (day, key_id) using (day, key_id) \
            group by 1, 2, 3 having count(*) > $3 + $4), \
         placed as ( \
            select day, key_id, kind, value, row_number() over (partition by day, key_id, kind \
                order by accepted + refused desc, value) as place \
            from key_uses join full_ones using (day, key_id, kind) where value <> ''), \
         gone as ( \
            delete from key_uses using placed where place > $3 and key_uses.day = placed.day \
                and key_uses.key_id = placed.key_id and key_uses.kind = placed.kind and key_uses.value = placed.value \
            returning key_uses.*) \
         insert into key_uses (day, key_id, kind, value, accepted, refused, is_about, last_accepted_at, last_seen_at) \
         select day, key_id, kind, '', sum(accepted)::bigint, sum(refused)::bigint, bool_or(is_about), \
            max(last_accepted_at), max(last_seen_at) \
         from gone group by 1, 2, 3 order by 1, 2, 3 {ADD}"
    ))
    .bind::<Array<Date>, _>(days)
    .bind::<Array<BigInt>, _>(keys)
    .bind::<BigInt, _>(i64::from(TOLD_APART))
    .bind::<BigInt, _>(SLACK)
    .execute(conn)?;
    Ok(())
}

/// Forgets the uses of days that no page asks about any more.
pub(super) fn forget(conn: &mut PgConnection, now: DateTime<Utc>) -> AppResult<()> {
    sql_query("delete from key_uses where day < $1")
        .bind::<Date, _>((now - USES_KEPT).date_naive())
        .execute(conn)?;
    Ok(())
}
