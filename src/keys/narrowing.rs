//! What an edit takes away from a key and was used: permissions, addresses, customers.

use std::{collections::BTreeMap, net::IpAddr};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{PgConnection, prelude::*};
use ipnet::IpNet;

use super::{Key, KeyChanges, Permissions, queries, spaced};
use crate::{
    error::AppResult,
    schema::{customers, permissions},
    usage::{self, Kind, Use},
    web::Moment,
};

/// Something that an edit takes away and that was used in the last seven days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// A permission, an address, a customer.
    pub what: String,
    pub is_code: bool,
    /// “1 204”, “about 1 204”; not known of what was needed longer ago than the log goes.
    pub requests: Option<String>,
    pub last_used_at: Option<DateTime<Utc>>,
}

/// What an edit takes away and was used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Narrowed {
    pub permissions: Vec<Lost>,
    pub addresses: Vec<Lost>,
    pub customers: Vec<Lost>,
}

impl Narrowed {
    /// Compares a key with what it is to become, and with what used it in the last seven days.
    ///
    /// # Errors
    /// When Postgres cannot be asked.
    pub fn of(
        conn: &mut PgConnection,
        key: &Key,
        held: &Permissions,
        changes: &KeyChanges,
        now: DateTime<Utc>,
    ) -> AppResult<Self> {
        let week = now - TimeDelta::days(7);
        let restrictions = queries::restrictions_of(conn, key)?;
        let before = Ranges::parse(&restrictions.allowed_ips, &restrictions.excluded_ips);
        let after =
            Ranges { allowed: changes.allowed_ips.clone(), excluded: changes.excluded_ips.clone() };
        let named: Vec<String> = customers::table
            .filter(customers::id.eq_any(&changes.customers))
            .select(customers::external_id)
            .load(conn)?;
        let uses = usage::uses_of(conn, &[key.id], week)?;
        let used = |kind| uses.iter().filter(move |one| one.is(kind) && one.accepted > 0);

        let removed = removed_slugs(conn, held, &changes.permissions)?;
        let mut lost: BTreeMap<String, Lost> = BTreeMap::new();
        for used in usage::permissions_used(conn, key.id, week)? {
            if removed.contains(&used.slug) {
                let last_used_at = Some(used.last_used_at);
                let what = used.slug.clone();
                lost.insert(used.slug, Lost { what, is_code: true, requests: None, last_used_at });
            }
        }
        for one in used(Kind::Scope).filter(|one| removed.contains(&one.value)) {
            lost.insert(one.value.clone(), Lost::of(one, one.value.clone(), true));
        }

        let mut addresses = Vec::new();
        if before != after {
            for one in used(Kind::Caller) {
                match one.value.parse::<IpAddr>() {
                    Ok(ip) if before.admit(ip) && !after.admit(ip) => {
                        addresses.push(Lost::of(one, one.value.clone(), true));
                    }
                    Ok(_) => {}
                    Err(_) => {
                        addresses.push(Lost::of(one, "other addresses, perhaps".into(), false))
                    }
                }
            }
            if before.are_open() && !after.are_open() {
                let untold = "requests whose address the gateway does not tell".to_owned();
                addresses
                    .extend(used(Kind::NoCaller).map(|one| Lost::of(one, untold.clone(), false)));
            }
        }

        let mut customers = Vec::new();
        let was_open = restrictions.customers.is_empty();
        let narrows = !named.is_empty()
            && (was_open || restrictions.customers.iter().any(|one| !named.contains(one)));
        if narrows {
            for one in used(Kind::Customer) {
                let was = was_open || restrictions.customers.contains(&one.value);
                if one.is_rest() {
                    customers.push(Lost::of(one, "other customers, perhaps".into(), false));
                } else if was && !named.contains(&one.value) {
                    customers.push(Lost::of(one, one.value.clone(), true));
                }
            }
            if was_open {
                let untold = "requests that name no customer".to_owned();
                customers
                    .extend(used(Kind::NoCustomer).map(|one| Lost::of(one, untold.clone(), false)));
            }
        }
        Ok(Self { permissions: lost.into_values().collect(), addresses, customers })
    }

    /// Nothing that is taken away was used.
    pub fn is_harmless(&self) -> bool {
        self.permissions.is_empty() && self.addresses.is_empty() && self.customers.is_empty()
    }

    /// What is lost, with its heading.
    pub fn groups(&self) -> Vec<(&'static str, &[Lost])> {
        [
            ("Permissions", self.permissions.as_slice()),
            ("Addresses", self.addresses.as_slice()),
            ("Customers", self.customers.as_slice()),
        ]
        .into_iter()
        .filter(|(_, lost)| !lost.is_empty())
        .collect()
    }
}

impl Lost {
    fn of(one: &Use, what: String, is_code: bool) -> Self {
        let requests = spaced(one.accepted);
        let requests = if one.is_about { format!("about {requests}") } else { requests };
        Self { what, is_code, requests: Some(requests), last_used_at: one.last_accepted_at }
    }

    pub fn last_used(&self) -> Option<Moment> {
        self.last_used_at.map(Moment::seen_now)
    }
}

/// From where a key works.
#[derive(Debug, PartialEq, Eq)]
struct Ranges {
    allowed: Vec<IpNet>,
    excluded: Vec<IpNet>,
}

impl Ranges {
    fn parse(allowed: &[String], excluded: &[String]) -> Self {
        let parse =
            |ranges: &[String]| ranges.iter().filter_map(|range| range.parse().ok()).collect();
        Self { allowed: parse(allowed), excluded: parse(excluded) }
    }

    fn are_open(&self) -> bool {
        self.allowed.is_empty() && self.excluded.is_empty()
    }

    fn admit(&self, ip: IpAddr) -> bool {
        let within = |ranges: &[IpNet]| ranges.iter().any(|range| range.contains(&ip));
        (self.allowed.is_empty() || within(&self.allowed)) && !within(&self.excluded)
    }
}

/// The slugs of what was held and will not be.
fn removed_slugs(
    conn: &mut PgConnection,
    before: &Permissions,
    after: &Permissions,
) -> AppResult<Vec<String>> {
    if after.all || before == after {
        return Ok(Vec::new());
    }
    let catalogue: Vec<(i64, i64, String)> = permissions::table
        .select((permissions::id, permissions::section_id, permissions::slug))
        .load(conn)?;
    let holds = |held: &Permissions, id: &i64, section: &i64| {
        held.all || held.sections.contains(section) || held.permissions.contains(id)
    };
    Ok(catalogue
        .into_iter()
        .filter(|(id, section, _)| holds(before, id, section) && !holds(after, id, section))
        .map(|(_, _, slug)| slug)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions_go_before_what_is_allowed() {
        let ranges = Ranges::parse(&["10.0.0.0/8".into()], &["10.1.0.0/16".into()]);
        for (ip, is_admitted) in [("10.2.0.1", true), ("10.1.0.1", false), ("192.0.2.1", false)] {
            assert_eq!(ranges.admit(ip.parse().unwrap()), is_admitted, "{ip}");
        }
        assert!(Ranges::parse(&[], &[]).admit("2001:db8::1".parse().unwrap()));
    }
}
