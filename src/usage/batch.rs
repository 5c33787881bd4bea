//! What happened since the last flush, added up.

use std::{
    collections::{BTreeMap, HashMap},
    mem,
    net::IpAddr,
};

use chrono::{DateTime, Utc};
use diesel::{
    PgConnection, RunQueryDsl,
    sql_types::{Array, BigInt, Timestamptz},
};

use super::{callers::Callers, counts::Count};
use crate::error::AppResult;

/// Refusals by key, minute and verdict; the latest use of each App Secret; the latest contact of each gateway.
#[derive(Default)]
pub(super) struct Batch {
    counts: HashMap<(i64, i64, &'static str), u64>,
    contacts: HashMap<i64, DateTime<Utc>>,
    callers: Callers,
    identified: HashMap<i64, DateTime<Utc>>,
}

impl Batch {
    /// Adds one refusal of a key; `false` when there is no room for it.
    pub fn count(&mut self, room: usize, key: i64, code: &'static str, at: DateTime<Utc>) -> bool {
        let minute = at.timestamp().div_euclid(60);
        if let Some(count) = self.counts.get_mut(&(key, minute, code)) {
            *count += 1;
            return true;
        }
        if self.counts.len() >= room {
            return false;
        }
        self.counts.insert((key, minute, code), 1);
        true
    }

    /// A gateway asked something.
    pub fn contact(&mut self, room: usize, gateway: i64, at: DateTime<Utc>) {
        latest(&mut self.contacts, room, gateway, at);
    }

    /// Somebody presented a secret that is being replaced or has been.
    pub fn called(&mut self, room: usize, secret: i64, caller: Option<IpAddr>, at: DateTime<Utc>) {
        self.callers.add(room, secret, caller, 1, at);
    }

    /// Rows of counts; what else there is comes with them.
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    pub fn is_empty(&self) -> bool {
        self.callers.is_empty()
            && self.counts.is_empty()
            && self.contacts.is_empty()
            && self.identified.is_empty()
    }

    /// An App Secret identified its application.
    pub fn identified(&mut self, room: usize, application: i64, at: DateTime<Utc>) {
        latest(&mut self.identified, room, application, at);
    }

    /// Takes everything but the counts beyond so many rows, which are left for the next time.
    pub fn take(&mut self, rows: usize) -> Self {
        if self.counts.len() <= rows {
            return mem::take(self);
        }
        let first: Vec<_> = self.counts.keys().take(rows).copied().collect();
        let counts = first.into_iter().filter_map(|what| self.counts.remove_entry(&what)).collect();
        let rest = Self { counts: mem::take(&mut self.counts), ..Self::default() };
        Self { counts, ..mem::replace(self, rest) }
    }

    /// Adds what another batch holds, as far as there is room; says how many requests there was none for.
    pub fn absorb(&mut self, other: Self, room: usize) -> u64 {
        let mut dropped = 0;
        for (what, count) in other.counts {
            if self.counts.len() < room || self.counts.contains_key(&what) {
                *self.counts.entry(what).or_default() += count;
            } else {
                dropped += count;
            }
        }
        for (gateway, at) in other.contacts {
            self.contact(room, gateway, at);
        }
        self.callers.absorb(other.callers, room);
        for (application, at) in other.identified {
            self.identified(room, application, at);
        }
        dropped
    }

    /// What is counted of keys.
    pub fn counts(&self) -> impl Iterator<Item = Count<'static>> {
        self.counts.iter().map(|((key, minute, code), requests)| Count {
            key: *key,
            minute: DateTime::from_timestamp(minute * 60, 0).unwrap_or_default(),
            code,
            requests: i64::try_from(*requests).unwrap_or(i64::MAX),
            last_millis: 0,
        })
    }

    /// Writes everything but the counts, each table in one statement. Rows are taken in the order of their ids, so that
    /// two nodes which write at once wait for each other instead of for ever. Called inside a transaction: all or
    /// nothing.
    pub fn write(&self, conn: &mut PgConnection) -> AppResult<()> {
        self.write_contacts(conn)?;
        self.write_identified(conn)?;
        self.callers.write(conn)
    }

    fn write_contacts(&self, conn: &mut PgConnection) -> AppResult<()> {
        write_latest(
            conn,
            &self.contacts,
            "with seen as (select gateways.id, u.at from gateways join unnest($1, $2) as u (id, at) using (id) \
                where last_contact_at is null or last_contact_at < u.at \
                order by gateways.id for no key update of gateways) \
             update gateways set last_contact_at = greatest(gateways.last_contact_at, seen.at) \
             from seen where gateways.id = seen.id",
        )
    }

    /// Forward only; what the secret before did says nothing of the one there is.
    fn write_identified(&self, conn: &mut PgConnection) -> AppResult<()> {
        write_latest(
            conn,
            &self.identified,
            "with used as (select applications.id, u.at from applications join unnest($1, $2) as u (id, at) using (id) \
                where secret_created_at <= u.at and (secret_last_used_at is null or secret_last_used_at < u.at) \
                order by applications.id for no key update of applications) \
             update applications set secret_last_used_at = greatest(applications.secret_last_used_at, used.at) \
             from used where applications.id = used.id",
        )
    }
}

fn latest(times: &mut HashMap<i64, DateTime<Utc>>, room: usize, id: i64, at: DateTime<Utc>) {
    if let Some(known) = times.get_mut(&id) {
        *known = at.max(*known);
    } else if times.len() < room {
        times.insert(id, at);
    }
}

fn write_latest(
    conn: &mut PgConnection,
    times: &HashMap<i64, DateTime<Utc>>,
    statement: &str,
) -> AppResult<()> {
    if times.is_empty() {
        return Ok(());
    }
    let sorted: BTreeMap<_, _> = times.iter().collect();
    let ids: Vec<i64> = sorted.keys().map(|&&id| id).collect();
    let ats: Vec<DateTime<Utc>> = sorted.values().map(|&&at| at).collect();
    diesel::sql_query(statement)
        .bind::<Array<BigInt>, _>(ids)
        .bind::<Array<Timestamptz>, _>(ats)
        .execute(conn)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn requests_of_one_minute_and_verdict_are_one_row() {
        let mut batch = Batch::default();
        for second in 0..60 {
            assert!(batch.count(10, 1, "VALID", at(120 + second)));
        }
        assert!(batch.count(10, 1, "REVOKED", at(130)));
        assert!(batch.count(10, 1, "VALID", at(180)));
        assert_eq!(batch.counts.len(), 3);
        assert_eq!(batch.counts[&(1, 2, "VALID")], 60);
    }

    #[test]
    fn a_full_batch_still_counts_what_it_knows() {
        let mut batch = Batch::default();
        assert!(batch.count(1, 1, "VALID", at(0)));
        assert!(!batch.count(1, 2, "VALID", at(0)));
        assert!(batch.count(1, 1, "VALID", at(0)));
    }

    #[test]
    fn the_last_contact_only_moves_forward() {
        let mut batch = Batch::default();
        for second in [5, 9, 2] {
            batch.contact(10, 1, at(second));
        }
        assert_eq!(batch.contacts[&1], at(9));
    }

    #[test]
    fn many_rows_are_taken_a_few_at_a_time() {
        let mut batch = Batch::default();
        (0..5).for_each(|key| assert!(batch.count(10, key, "REVOKED", at(0))));
        batch.contact(10, 1, at(0));
        let pieces = [batch.take(2), batch.take(2), batch.take(2)];
        assert_eq!(pieces.each_ref().map(Batch::len), [2, 2, 1]);
        assert!(batch.is_empty());
        assert_eq!(pieces.iter().filter(|piece| !piece.contacts.is_empty()).count(), 1);
    }

    #[test]
    fn a_batch_that_could_not_be_written_is_kept_with_the_next() {
        let (mut kept, mut next) = (Batch::default(), Batch::default());
        kept.count(10, 1, "VALID", at(0));
        next.count(10, 1, "VALID", at(1));
        next.count(10, 2, "VALID", at(1));
        assert_eq!(kept.absorb(next, 1), 1, "and what does not fit is said to be lost");
        assert_eq!(kept.counts[&(1, 0, "VALID")], 2);
    }
}
