//! Who gets which notices: everything that has to go out becomes one mail a person, however much it is.

use chrono::TimeDelta;
use diesel::{
    PgConnection, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{Array, BigInt, Double},
};

use crate::{
    error::AppResult,
    notices::outbox::{self, Channel},
};

/// A mail lists so many notices, and counts the others.
pub const LISTED: i32 = 50;
/// More are taken out in several steps.
const AT_ONCE: i64 = 20_000;
/// Whoever has just got a mail gets the next one so much later, with all that has come meanwhile.
pub const PAUSE: TimeDelta = TimeDelta::minutes(5);

/// Whether notice `n`, about key `k` if any, is for user `u` to get by mail. In one place, since it is asked when a
/// mail is planned and again when it is sent: keys change hands in between.
macro_rules! is_theirs {
    () => {
        "u.disabled_at is null and u.password_hash is not null and n.kind <> all (u.kinds_not_mailed) \
         and (u.role = 'administrator' or (n.owner_id = u.id and k.owner_id = u.id and k.deleted_at is null \
            and exists (select from api_access where user_id = u.id and withdrawn_at is null)))"
    };
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// Takes notices out and plans mails about them; says how many notices those were. What is planned for a person and
/// not begun takes in what is new.
///
/// # Errors
/// When Postgres refuses.
pub fn gather(conn: &mut PgConnection) -> AppResult<usize> {
    let ids = outbox::take(conn, Channel::Mail, AT_ONCE)?;
    if ids.is_empty() {
        return Ok(0);
    }
    sql_query(concat!(
        "with news as (select u.id as user_id, array_agg(n.id order by n.id desc) as ids, count(*) as count \
            from notices n left join keys k on k.id = n.key_id cross join users u \
            where n.id = any($1) and ",
        is_theirs!(),
        " group by u.id), \
         joined as (update notice_mails m set notice_ids = (news.ids || m.notice_ids)[1:$2], \
            more = m.more + news.count \
                - (cardinality((news.ids || m.notice_ids)[1:$2]) - cardinality(m.notice_ids)) \
            from news where m.user_id = news.user_id and m.attempts = 0 and m.next_at is not null \
            returning m.user_id) \
         insert into notice_mails (user_id, notice_ids, more, next_at) \
            select news.user_id, ids[1:$2], greatest(count - $2, 0), \
                greatest(clock_timestamp(), (select max(ended_at) + make_interval(secs => $3) \
                    from notice_mails m where m.user_id = news.user_id and outcome = 'sent')) \
            from news where not exists (select from joined where joined.user_id = news.user_id)"
    ))
    .bind::<Array<BigInt>, _>(&ids)
    .bind::<diesel::sql_types::Integer, _>(LISTED)
    .bind::<Double, _>(PAUSE.as_seconds_f64())
    .execute(conn)?;
    Ok(ids.len())
}

/// Nobody can be written to: forgets what has to go out.
///
/// # Errors
/// When Postgres refuses.
pub fn forget(conn: &mut PgConnection) -> AppResult<usize> {
    let ids = outbox::take(conn, Channel::Mail, AT_ONCE)?;
    sql_query(
        "update notice_mails set outcome = 'dropped', ended_at = clock_timestamp(), next_at = null \
         where next_at <= clock_timestamp()",
    )
    .execute(conn)?;
    Ok(ids.len())
}

/// Those of these notices that are still the person’s to get, the last first.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn still_theirs(conn: &mut PgConnection, user_id: i64, ids: &[i64]) -> AppResult<Vec<i64>> {
    let there: Vec<Id> = sql_query(concat!(
        "select n.id from notices n left join keys k on k.id = n.key_id cross join users u \
         where n.id = any($1) and u.id = $2 and ",
        is_theirs!(),
        " order by n.id desc"
    ))
    .bind::<Array<BigInt>, _>(ids)
    .bind::<BigInt, _>(user_id)
    .load(conn)?;
    Ok(there.into_iter().map(|row| row.id).collect())
}
