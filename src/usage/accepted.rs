//! How often keys were accepted, on its way to Postgres: rows, in as many statements as it takes to keep each small.

use chrono::{DateTime, Utc};
use diesel::{
    PgConnection, RunQueryDsl,
    sql_types::{Array, BigInt, Timestamptz},
};

use super::tally::Counted;
use crate::error::AppResult;

/// So many rows are written at once.
pub const ROWS: usize = 20_000;

/// Where the counts of keys are until they are written.
pub trait Source: Send + Sync {
    /// Notes what has been counted so far.
    fn gather(&self);

    /// Moves up to `room` of the counts that were noted; `true` when there are more of them.
    fn drain(&self, room: usize, into: &mut Accepted) -> bool;

    /// Hands over the counts of what was noted and is there for nothing but its count: for when they cannot be written.
    fn shed(&self, keep: &mut dyn FnMut(i64, Counted));
}

/// Counts by key.
#[derive(Default)]
pub struct Accepted(Vec<(i64, Counted)>);

impl Accepted {
    /// Adds a count.
    pub fn push(&mut self, key: i64, counted: Counted) {
        self.0.push((key, counted));
    }

    /// Moves counts to where there is room for `room` in all; `true` when some stay.
    pub(super) fn move_to(&mut self, other: &mut Self, room: usize) -> bool {
        let count = room.saturating_sub(other.len()).min(self.len());
        other.0.extend(self.0.drain(self.len() - count..));
        !self.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// One row for a key and minute, in the order of the keys, so that two nodes which write at once wait for each
    /// other instead of for ever.
    fn sorted(&self) -> Vec<(i64, Counted)> {
        let mut rows = self.0.clone();
        rows.sort_unstable_by_key(|(key, counted)| (*key, counted.minute));
        rows.dedup_by(|(key, next), (kept_key, kept)| {
            let is_same = key == kept_key && next.minute == kept.minute;
            if is_same {
                kept.count = kept.count.saturating_add(next.count);
                kept.last = kept.last.max(next.last);
            }
            is_same
        });
        rows
    }

    /// Writes everything. Called inside a transaction: all or nothing.
    pub(super) fn write(&self, conn: &mut PgConnection) -> AppResult<()> {
        if self.is_empty() {
            return Ok(());
        }
        let rows = self.sorted();
        write_counts(conn, &rows)?;
        write_last_used(conn, &rows)
    }
}

fn write_counts(conn: &mut PgConnection, rows: &[(i64, Counted)]) -> AppResult<()> {
    let keys: Vec<i64> = rows.iter().map(|(key, _)| *key).collect();
    let minutes: Vec<DateTime<Utc>> = rows.iter().map(|(_, counted)| counted.minute()).collect();
    let requests: Vec<i64> = rows.iter().map(|(_, counted)| i64::from(counted.count)).collect();
    diesel::sql_query(
        "insert into usage_minutes (key_id, minute, code, requests) \
         select counted.key_id, counted.minute, 'VALID', counted.requests \
         from unnest($1, $2, $3) as counted (key_id, minute, requests) \
         where exists (select from keys where keys.id = counted.key_id) \
         order by 1, 2 \
         on conflict (key_id, minute, code) \
         do update set requests = usage_minutes.requests + excluded.requests",
    )
    .bind::<Array<BigInt>, _>(keys)
    .bind::<Array<Timestamptz>, _>(minutes)
    .bind::<Array<BigInt>, _>(requests)
    .execute(conn)?;
    Ok(())
}

/// Forward only, and never for a key that was revoked meanwhile.
fn write_last_used(conn: &mut PgConnection, rows: &[(i64, Counted)]) -> AppResult<()> {
    // Of a key's minutes the last one has the last use.
    let last_of_key = rows.chunk_by(|(key, _), (next, _)| key == next).filter_map(<[_]>::last);
    let (keys, ats): (Vec<i64>, Vec<DateTime<Utc>>) =
        last_of_key.map(|(key, counted)| (*key, counted.last())).unzip();
    diesel::sql_query(
        "with used as (select keys.id, u.at from keys join unnest($1, $2) as u (id, at) using (id) \
            where revoked_at is null and (last_used_at is null or last_used_at < u.at) \
            order by keys.id for no key update of keys) \
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
    fn a_key_and_minute_is_one_row() {
        let counted = |minute, last, count| Counted { minute, last, count };
        let mut accepted = Accepted::default();
        for (key, counted) in [
            (2, counted(5, 1, 1)),
            (1, counted(5, 9, 2)),
            (1, counted(6, 3, 4)),
            (1, counted(5, 7, 8)),
        ] {
            accepted.push(key, counted);
        }
        assert_eq!(
            accepted.sorted(),
            [(1, counted(5, 9, 10)), (1, counted(6, 3, 4)), (2, counted(5, 1, 1))]
        );
    }
}
