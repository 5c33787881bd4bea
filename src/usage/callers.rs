//! Who calls with a secret that a regeneration is replacing, or has replaced. Some callers of each are told apart;
//! everybody else is one.

use std::{collections::HashMap, net::IpAddr};

use chrono::{DateTime, Utc};
use diesel::{
    PgConnection, RunQueryDsl,
    sql_types::{Array, BigInt, Text, Timestamptz},
};

use crate::error::AppResult;

/// So many callers of a secret are told apart, in memory and in Postgres.
const TOLD_APART: usize = 20;

/// By secret, then by caller; `None` is everybody who is not told apart.
#[derive(Default)]
pub(super) struct Callers(HashMap<i64, HashMap<Option<IpAddr>, Seen>>);

struct Seen {
    requests: u64,
    last: DateTime<Utc>,
}

impl Callers {
    /// Adds requests. In a map that is full, a secret that is not in it is left out: this is for its owner to look at,
    /// not for counting.
    pub fn add(
        &mut self,
        room: usize,
        secret: i64,
        caller: Option<IpAddr>,
        requests: u64,
        at: DateTime<Utc>,
    ) {
        if self.0.len() >= room / TOLD_APART && !self.0.contains_key(&secret) {
            return;
        }
        let known = self.0.entry(secret).or_default();
        let is_told_apart = known.contains_key(&caller) || known.len() < TOLD_APART;
        let caller = caller.filter(|_| is_told_apart);
        let seen = known.entry(caller).or_insert(Seen { requests: 0, last: at });
        seen.requests += requests;
        seen.last = at.max(seen.last);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds what another holds.
    pub fn absorb(&mut self, other: Self, room: usize) {
        for (secret, callers) in other.0 {
            for (caller, seen) in callers {
                self.add(room, secret, caller, seen.requests, seen.last);
            }
        }
    }

    /// Writes them in one statement. Callers that find no row free are counted in the row without a name.
    pub fn write(&self, conn: &mut PgConnection) -> AppResult<()> {
        if self.is_empty() {
            return Ok(());
        }
        let (mut secrets, mut callers, mut requests, mut ats) = (vec![], vec![], vec![], vec![]);
        for (secret, known) in &self.0 {
            for (caller, seen) in known {
                secrets.push(*secret);
                callers.push(caller.map(|caller| caller.to_string()).unwrap_or_default());
                requests.push(i64::try_from(seen.requests).unwrap_or(i64::MAX));
                ats.push(seen.last);
            }
        }
        diesel::sql_query(
            "insert into secret_callers (secret_id, caller, requests, last_seen_at) \
             select secret_id, place, sum(requests)::bigint, max(at) from ( \
                select secret_id, requests, at, case when is_known or taken + row_number() over \
                    (partition by secret_id, is_known order by requests desc, caller) <= $5 then caller else '' end as place \
                from (select seen.*, \
                        seen.caller = '' or exists (select from secret_callers known \
                            where known.secret_id = seen.secret_id and known.caller = seen.caller) as is_known, \
                        (select count(*) from secret_callers known \
                            where known.secret_id = seen.secret_id and known.caller <> '') as taken \
                    from unnest($1, $2, $3, $4) as seen (secret_id, caller, requests, at) \
                    where exists (select from key_secrets where key_secrets.id = seen.secret_id)) looked \
             ) placed \
             group by secret_id, place order by secret_id, place \
             on conflict (secret_id, caller) do update set \
                requests = secret_callers.requests + excluded.requests, \
                last_seen_at = greatest(secret_callers.last_seen_at, excluded.last_seen_at)",
        )
        .bind::<Array<BigInt>, _>(secrets)
        .bind::<Array<Text>, _>(callers)
        .bind::<Array<BigInt>, _>(requests)
        .bind::<Array<Timestamptz>, _>(ats)
        .bind::<BigInt, _>(TOLD_APART as i64)
        .execute(conn)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_first_callers_everybody_is_one() {
        let (mut callers, now) = (Callers::default(), Utc::now());
        for host in 0..100 {
            callers.add(1_000, 7, Some(IpAddr::from([203, 0, 113, host])), 2, now);
        }
        let known = &callers.0[&7];
        assert_eq!(known.len(), TOLD_APART + 1);
        assert_eq!(known[&None].requests, 160);
    }

    #[test]
    fn memory_is_bounded() {
        let (mut callers, now) = (Callers::default(), Utc::now());
        for secret in 0..1_000 {
            callers.add(200, secret, None, 1, now);
        }
        assert_eq!(callers.0.len(), 10);
    }
}
