//! What there is to notice: a statement for each kind. Each may find the same again; the index `notices_once` takes it
//! once. Kinds that are switched off are not made, and not made up for later.

use chrono::{DateTime, Utc};
use diesel::{
    PgConnection, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{BigInt, Timestamptz},
};

use super::deliver_soon;
use crate::error::AppResult;

/// So many in one transaction.
pub const AT_ONCE: i64 = 2_000;

/// Whoever inserts notices holds this until their transaction ends, many at once; whoever wants to know that nobody does
/// tries to have it alone.
macro_rules! turn {
    () => {
        "hashtext('latchkey notices')"
    };
}
pub(super) use turn;

/// Keys with 14, 3 or 1 days left, of which that was so after the other instant. One notice for the nearest of these
/// thresholds, also when nobody has looked for days; and none for what was passed already when the key was made or its
/// expiry set: whoever chose two days knows that there are less than three. Answers with how many are new.
///
/// Each threshold is a range of the index of keys that expire; one minute of it is a few keys, whatever there is.
pub fn keys_expire(
    conn: &mut PgConnection,
    after: DateTime<Utc>,
    now: DateTime<Utc>,
) -> AppResult<usize> {
    begin(conn)?;
    let new = sql_query(
        "with due as (\
            select distinct on (near.id) near.id, owner_id, days, \
                days || ' days before ' || to_char(expires_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') as occasion \
            from unnest(array[14, 3, 1]) as days cross join lateral (\
                select id, owner_id, expires_at from keys \
                where deleted_at is null and revoked_at is null and disabled_at is null \
                    and expires_at > greatest($1 + days * interval '24 hours', $2) \
                    and expires_at <= $2 + days * interval '24 hours' \
                    and expires_at > coalesce(expiry_set_at, created_at) + days * interval '24 hours' \
            ) as near order by near.id, days) \
         insert into notices (kind, key_id, owner_id, occasion, details) \
         select 'key_expires', id, owner_id, occasion, jsonb_build_object('days', days) from due \
         where exists (select from settings where not 'key_expires' = any(notices_off)) \
            and not exists (select from notices where kind = 'key_expires' and coalesce(key_id, 0) = due.id \
                and coalesce(leak_report_id, 0) = 0 and notices.occasion = due.occasion) \
         order by id limit $3 on conflict do nothing",
    )
    .bind::<Timestamptz, _>(after)
    .bind::<Timestamptz, _>(now)
    .bind::<BigInt, _>(AT_ONCE)
    .execute(conn)?;
    told(conn, new)
}

/// Keys that were asked about after they had expired, since that instant; once for each expiry.
///
/// Of counts there is an index of what was refused. Those of hours that are over may have moved to `usage_hours` before
/// anybody looked.
pub fn keys_used_after_expiry(
    conn: &mut PgConnection,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> AppResult<usize> {
    begin(conn)?;
    let new = sql_query(
        "insert into notices (kind, key_id, owner_id, occasion) \
         select distinct 'key_used_after_expiry', keys.id, owner_id, \
            to_char(expires_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') \
         from (select key_id, minute + interval '1 minute' as until from usage_minutes \
                where code = 'EXPIRED' and code <> 'VALID' and minute >= date_trunc('minute', $1) \
            union all select key_id, hour + interval '1 hour' from usage_hours \
                where code = 'EXPIRED' and code <> 'VALID' and hour >= date_trunc('hour', $1, 'UTC')) as counted \
         join keys on keys.id = counted.key_id \
         where deleted_at is null and revoked_at is null and expires_at <= $2 and until > expires_at \
            and exists (select from settings where not 'key_used_after_expiry' = any(notices_off)) \
         on conflict do nothing",
    )
    .bind::<Timestamptz, _>(since)
    .bind::<Timestamptz, _>(now)
    .execute(conn)?;
    told(conn, new)
}

/// Keys that were presented to a gateway of another environment since that instant; once a day (UTC) for each; of
/// several days at once, which happens after nobody looked for a while, the last one. Of which environment, the request
/// log knows, unless it had too much to write.
pub fn keys_used_elsewhere(conn: &mut PgConnection, since: DateTime<Utc>) -> AppResult<usize> {
    begin(conn)?;
    let new = sql_query(
        "with counted as materialized (\
            select distinct on (key_id) key_id, to_char(at at time zone 'UTC', 'YYYY-MM-DD') as day, min(at) as at \
            from (select key_id, minute as at from usage_minutes \
                    where code = 'WRONG_ENVIRONMENT' and code <> 'VALID' and minute >= date_trunc('minute', $1) \
                union all select key_id, hour from usage_hours \
                    where code = 'WRONG_ENVIRONMENT' and code <> 'VALID' and hour >= date_trunc('hour', $1, 'UTC')) as counts \
            where not exists (select from notices where kind = 'key_used_elsewhere' \
                and coalesce(notices.key_id, 0) = counts.key_id and coalesce(leak_report_id, 0) = 0 \
                and occasion = to_char(counts.at at time zone 'UTC', 'YYYY-MM-DD')) \
            group by 1, 2 order by 1, 2 desc) \
         insert into notices (kind, key_id, owner_id, occasion, details) \
         select 'key_used_elsewhere', keys.id, owner_id, day, \
            jsonb_strip_nulls(jsonb_build_object('elsewhere', elsewhere.name)) \
         from counted join keys on keys.id = counted.key_id \
         left join lateral (select environments.name from request_logs \
            join environments on environments.id = request_logs.environment_id \
            where request_logs.key_id = counted.key_id and code = 'WRONG_ENVIRONMENT' and request_logs.at >= counted.at \
            order by request_logs.at desc limit 1) as elsewhere on true \
         where deleted_at is null \
            and exists (select from settings where not 'key_used_elsewhere' = any(notices_off)) \
         on conflict do nothing",
    )
    .bind::<Timestamptz, _>(since)
    .execute(conn)?;
    told(conn, new)
}

/// Takes some of the keys that were used for the first time, and tells of those made since there are notices. Answers
/// with how many were taken.
///
/// With a million keys of which thousands are used each second, no index finds the new ones among them: those of the
/// last use and of counts hold every key in use, and looking through them each minute would cost as much as counting.
/// Whoever moves a last use from nothing to something has the row in hand, and puts it down in `key_first_uses`: each
/// key once in its life, and here nothing is read that is not told.
pub fn keys_first_used(conn: &mut PgConnection) -> AppResult<i64> {
    #[derive(QueryableByName)]
    struct Taken {
        #[diesel(sql_type = BigInt)]
        taken: i64,
        #[diesel(sql_type = BigInt)]
        new: i64,
    }
    begin(conn)?;
    let counted: Taken = sql_query(
        "with taken as (delete from key_first_uses where key_id = any(array(\
                select key_id from key_first_uses order by key_id limit $1 for update skip locked)) \
                returning key_id), \
            new as (insert into notices (kind, key_id, owner_id, occasion) \
                select 'key_first_used', keys.id, owner_id, '' \
                from taken join keys on keys.id = taken.key_id join notices_progress on keys.created_at >= since \
                where deleted_at is null \
                    and exists (select from settings where not 'key_first_used' = any(notices_off)) \
                order by keys.id on conflict do nothing returning 1) \
         select (select count(*) from taken) as taken, (select count(*) from new) as new",
    )
    .bind::<BigInt, _>(AT_ONCE)
    .get_result(conn)?;
    told(conn, usize::try_from(counted.new).unwrap_or(0))?;
    Ok(counted.taken)
}

/// A report of something leaked, in the transaction that notes it: everybody it concerns hears of it, also when it was a
/// colleague’s triage that found it.
///
/// # Errors
/// When Postgres refuses.
pub fn leak_reported(conn: &mut PgConnection, report_id: i64) -> AppResult<()> {
    begin(conn)?;
    let new = sql_query(
        "insert into notices (kind, key_id, owner_id, leak_report_id, occasion) \
         select 'leak_reported', keys.id, owner_id, leak_reports.id, '' \
         from leak_reports left join keys on keys.id = key_id \
         where leak_reports.id = $1 \
            and exists (select from settings where not 'leak_reported' = any(notices_off)) \
         on conflict do nothing",
    )
    .bind::<BigInt, _>(report_id)
    .execute(conn)?;
    told(conn, new).map(drop)
}

/// From here on a notice may be under way.
fn begin(conn: &mut PgConnection) -> AppResult<()> {
    sql_query(concat!("select pg_advisory_xact_lock_shared(", turn!(), ")")).execute(conn)?;
    Ok(())
}

/// What is new is carried on.
fn told(conn: &mut PgConnection, new: usize) -> AppResult<usize> {
    if new > 0 {
        deliver_soon(conn)?;
    }
    Ok(new)
}
