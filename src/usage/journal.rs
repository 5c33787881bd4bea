//! What many keys do within a second is written down in few rows, and added to `usage_minutes` and `keys.last_used_at`
//! later: a row of a key has a dozen indexes to keep, and a key in use has one second like the other.
//!
//! Keys are divided into parts, and each part has its moment in a cycle: so the adding is spread evenly, and a key is
//! touched once in a cycle. Adding deletes what it adds in the same transaction, so whoever does it, and however often
//! it is begun, everything is added once.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::{
    PgConnection, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{Array, BigInt, Integer, Text, Timestamptz},
};

use super::counts::{self, Count};
use crate::error::AppResult;

/// So many parts.
const PARTS: i64 = 240;
/// How long a cycle takes, in milliseconds: what is seen of the last use may lag half a minute, all in all.
const CYCLE: i64 = 24_000;
/// So many rows are added in one transaction. A part is a few keys, so however many rows these are of one key and
/// minute, they become one.
const AT_ONCE: i64 = 2_000;
/// And so many of all parts.
const AT_ONCE_EARLY: i64 = 200;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    overdue_millis: i64,
    #[diesel(sql_type = Timestamptz)]
    minute: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = Array<BigInt>)]
    key_ids: Vec<i64>,
    #[diesel(sql_type = Array<BigInt>)]
    requests: Vec<i64>,
    #[diesel(sql_type = Array<Integer>)]
    last_millis: Vec<i32>,
}

impl Row {
    fn counts(&self) -> impl Iterator<Item = Count<'_>> {
        let counted = self.key_ids.iter().zip(&self.requests).zip(&self.last_millis);
        counted.map(|((key, requests), last_millis)| Count {
            key: *key,
            minute: self.minute,
            code: &self.code,
            requests: *requests,
            last_millis: *last_millis,
        })
    }
}

/// Writes down what was counted.
pub fn append(conn: &mut PgConnection, counts: &[Count<'_>]) -> AppResult<()> {
    let keys: Vec<i64> = counts.iter().map(|count| count.key).collect();
    let minutes: Vec<DateTime<Utc>> = counts.iter().map(|count| count.minute).collect();
    let codes: Vec<&str> = counts.iter().map(|count| count.code).collect();
    let requests: Vec<i64> = counts.iter().map(|count| count.requests).collect();
    let lasts: Vec<i32> = counts.iter().map(|count| count.last_millis).collect();
    sql_query(
        "insert into usage_journal (part, due_at, minute, code, key_ids, requests, last_millis) \
         select part, now() + interval '1 millisecond' * \
                mod(part * $7 / $6 + $7 - mod((extract(epoch from now()) * 1000)::bigint, $7), $7), \
            minute, code, array_agg(key_id), array_agg(requests), array_agg(last_millis) \
         from (select mod(key_id, $6) as part, counted.* \
            from unnest($1, $2, $3, $4, $5) as counted (key_id, minute, code, requests, last_millis)) divided \
         group by part, minute, code",
    )
    .bind::<Array<BigInt>, _>(keys)
    .bind::<Array<Timestamptz>, _>(minutes)
    .bind::<Array<Text>, _>(codes)
    .bind::<Array<BigInt>, _>(requests)
    .bind::<Array<Integer>, _>(lasts)
    .bind::<BigInt, _>(PARTS)
    .bind::<BigInt, _>(CYCLE)
    .execute(conn)?;
    Ok(())
}

/// Adds what is due longest to where it belongs, whichever node it is from: of one part all that is due. Says how long
/// beyond its time it had waited; `None` when there is nothing. Called inside a transaction.
///
/// What another node is adding at this moment is passed over.
pub fn fold_due(conn: &mut PgConnection) -> AppResult<Option<Duration>> {
    let due = sql_query(
        "select id, (extract(epoch from now() - due_at) * 1000)::bigint as overdue_millis, \
            minute, code, key_ids, requests, last_millis from usage_journal \
         where due_at <= now() and part = ( \
            select part from usage_journal where due_at <= now() \
            order by due_at, id limit 1 for update skip locked) \
         order by id limit $1 for update skip locked",
    );
    let rows = due.bind::<BigInt, _>(AT_ONCE).load(conn)?;
    add(conn, rows)
}

/// Adds what is not due yet too, in few transactions: somebody waits for it. Otherwise as [`fold_due`].
pub fn fold_early(conn: &mut PgConnection) -> AppResult<Option<Duration>> {
    let first = sql_query(
        "select id, (extract(epoch from now() - due_at) * 1000)::bigint as overdue_millis, \
            minute, code, key_ids, requests, last_millis from usage_journal \
         order by part, id limit $1 for update skip locked",
    );
    let rows = first.bind::<BigInt, _>(AT_ONCE_EARLY).load(conn)?;
    add(conn, rows)
}

fn add(conn: &mut PgConnection, rows: Vec<Row>) -> AppResult<Option<Duration>> {
    if rows.is_empty() {
        return Ok(None);
    }
    counts::add(conn, rows.iter().flat_map(Row::counts).collect())?;
    sql_query("delete from usage_journal where id = any($1)")
        .bind::<Array<BigInt>, _>(rows.iter().map(|row| row.id).collect::<Vec<_>>())
        .execute(conn)?;
    let overdue = rows.iter().map(|row| row.overdue_millis).max().unwrap_or_default();
    Ok(Some(Duration::from_millis(u64::try_from(overdue).unwrap_or_default())))
}
