//! How often keys were answered what, minute by minute, on its way into `usage_minutes` and `keys.last_used_at`.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{
    PgConnection, RunQueryDsl,
    sql_types::{Array, BigInt, Text, Timestamptz},
};

use crate::error::AppResult;

/// The answer that is a use.
pub const VALID: &str = "VALID";

/// How often a key was answered so in a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count<'a> {
    pub key: i64,
    pub minute: DateTime<Utc>,
    pub code: &'a str,
    pub requests: i64,
    /// Of the last of them, within the minute; known of [`VALID`] ones.
    pub last_millis: i32,
}

impl Count<'_> {
    fn last(&self) -> DateTime<Utc> {
        self.minute + TimeDelta::milliseconds(i64::from(self.last_millis))
    }
}

/// Adds them. Called inside a transaction: all or nothing.
pub fn add(conn: &mut PgConnection, counts: Vec<Count<'_>>) -> AppResult<()> {
    let counts = summed(counts);
    add_requests(conn, &counts)?;
    move_last_use(conn, &counts)
}

/// One for a key, minute and answer, in the order of the keys, so that two nodes which write at once wait for each other
/// instead of for ever.
fn summed(mut counts: Vec<Count<'_>>) -> Vec<Count<'_>> {
    counts.sort_unstable_by_key(|count| (count.key, count.minute, count.code));
    counts.dedup_by(|next, kept| {
        let is_same = (next.key, next.minute, next.code) == (kept.key, kept.minute, kept.code);
        if is_same {
            kept.requests = kept.requests.saturating_add(next.requests);
            kept.last_millis = kept.last_millis.max(next.last_millis);
        }
        is_same
    });
    counts
}

fn add_requests(conn: &mut PgConnection, counts: &[Count<'_>]) -> AppResult<()> {
    let keys: Vec<i64> = counts.iter().map(|count| count.key).collect();
    let minutes: Vec<DateTime<Utc>> = counts.iter().map(|count| count.minute).collect();
    let codes: Vec<&str> = counts.iter().map(|count| count.code).collect();
    let requests: Vec<i64> = counts.iter().map(|count| count.requests).collect();
    diesel::sql_query(
        "insert into usage_minutes (key_id, minute, code, requests) \
         select counted.* from unnest($1, $2, $3, $4) as counted (key_id, minute, code, requests) \
         where exists (select from keys where keys.id = counted.key_id) \
         order by 1, 2, 3 \
         on conflict (key_id, minute, code) \
         do update set requests = usage_minutes.requests + excluded.requests",
    )
    .bind::<Array<BigInt>, _>(keys)
    .bind::<Array<Timestamptz>, _>(minutes)
    .bind::<Array<Text>, _>(codes)
    .bind::<Array<BigInt>, _>(requests)
    .execute(conn)?;
    Ok(())
}

/// Forward only, and never for a key that was revoked meanwhile. What was never used before is put down for whoever
/// tells people of first uses: here it is known for nothing, afterwards only by looking at every key.
fn move_last_use(conn: &mut PgConnection, counts: &[Count<'_>]) -> AppResult<()> {
    let uses: Vec<&Count> = counts.iter().filter(|count| count.code == VALID).collect();
    // Of a key's minutes the last one has the last use.
    let last_of_key = uses.chunk_by(|one, next| one.key == next.key).filter_map(<[_]>::last);
    let (keys, ats): (Vec<i64>, Vec<DateTime<Utc>>) =
        last_of_key.map(|count| (count.key, count.last())).unzip();
    if keys.is_empty() {
        return Ok(());
    }
    diesel::sql_query(
        "with used as (select keys.id, u.at, last_used_at is null as is_first \
            from keys join unnest($1, $2) as u (id, at) using (id) \
            where revoked_at is null and (last_used_at is null or last_used_at < u.at) \
            order by keys.id for no key update of keys), \
         first as (insert into key_first_uses (key_id) select id from used where is_first \
            on conflict do nothing) \
         update keys set last_used_at = greatest(keys.last_used_at, used.at) from used where keys.id = used.id",
    )
    .bind::<Array<BigInt>, _>(keys)
    .bind::<Array<Timestamptz>, _>(ats)
    .execute(conn)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_minute_and_answer_is_one() {
        let minute = |minute: i64| DateTime::from_timestamp(minute * 60, 0).unwrap();
        let count = |key, at, code, requests, last_millis| Count {
            key,
            minute: minute(at),
            code,
            requests,
            last_millis,
        };
        let counts = vec![
            count(2, 5, VALID, 1, 1),
            count(1, 5, VALID, 2, 9),
            count(1, 6, VALID, 4, 3),
            count(1, 5, "REVOKED", 3, 0),
            count(1, 5, VALID, 8, 7),
        ];
        assert_eq!(
            summed(counts),
            [
                count(1, 5, "REVOKED", 3, 0),
                count(1, 5, VALID, 10, 9),
                count(1, 6, VALID, 4, 3),
                count(2, 5, VALID, 1, 1)
            ]
        );
        assert_eq!(count(1, 5, VALID, 1, 59_999).last().timestamp_millis(), 359_999);
    }
}
