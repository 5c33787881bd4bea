//! Who breaks? What used keys lately, for every question whose answer may stop somebody's program.

use std::{collections::BTreeMap, net::IpAddr};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{PgConnection, prelude::*};
use ipnet::IpNet;

use super::{Key, KeyChanges, Permissions, queries, spaced};
use crate::{
    error::{AppError, AppResult},
    schema::{customers, permissions},
    text,
    usage::{self, Kind, Use},
    web::Moment,
};

/// Of very many keys, those used last are looked at.
const LOOKED_AT: usize = 500;
/// So many callers are named.
const NAMED: usize = 3;

/// What used one key or several in the last 24 hours and 7 days.
#[derive(Debug, Clone)]
pub struct WhoBreaks {
    pub day: Span,
    pub week: Span,
    /// The latest request that was answered with yes.
    pub last_used_at: Option<DateTime<Utc>>,
    /// The most frequent callers of the week.
    pub named: Vec<Caller>,
    /// Something was asked in the last hour.
    pub is_in_use: bool,
    /// How many keys this is about.
    pub keys: usize,
    /// Only so many of them were looked at: those used last.
    pub looked_at: Option<usize>,
}

/// Some time until now.
#[derive(Debug, Clone, Default)]
pub struct Span {
    pub accepted: i64,
    pub refused: i64,
    pub callers: i64,
    /// There are more than can be told apart, or some whose address is not told.
    pub are_more: bool,
}

/// A caller of the week.
#[derive(Debug, Clone)]
pub struct Caller {
    pub address: String,
    pub requests: String,
    pub last_seen_at: DateTime<Utc>,
}

impl WhoBreaks {
    /// What used these keys.
    ///
    /// # Errors
    /// When Postgres cannot be asked.
    pub fn of(conn: &mut PgConnection, keys: &[Key], now: DateTime<Utc>) -> AppResult<Self> {
        let (day, week) = (now - TimeDelta::days(1), now - TimeDelta::days(7));
        let mut looked_at: Vec<&Key> = keys.iter().collect();
        looked_at.sort_by_key(|key| std::cmp::Reverse(key.last_used_at));
        looked_at.truncate(LOOKED_AT);
        let ids: Vec<i64> = looked_at.iter().map(|key| key.id).collect();
        let uses = usage::uses_of(conn, &ids, week)?;
        let span = |conn: &mut PgConnection, since| -> AppResult<Span> {
            let totals = usage::totals_of(conn, &ids, since)?;
            let seen = |one: &&Use| one.accepted + one.refused > 0 && one.last_seen_at >= since;
            let of = |kind| uses.iter().filter(move |one| one.is(kind)).filter(seen);
            let callers = of(Kind::Caller).filter(|one| !one.is_rest()).count();
            let are_more =
                of(Kind::Caller).any(Use::is_rest) || of(Kind::NoCaller).next().is_some();
            let (accepted, refused) = (totals.valid, totals.refused);
            Ok(Span { accepted, refused, callers: callers as i64, are_more })
        };
        let named = uses
            .iter()
            .filter(|one| one.is(Kind::Caller) && !one.is_rest())
            .take(NAMED)
            .map(|one| Caller {
                address: one.value.clone(),
                requests: about(one),
                last_seen_at: one.last_seen_at,
            })
            .collect();
        Ok(Self {
            day: span(conn, day)?,
            week: span(conn, week)?,
            last_used_at: keys.iter().filter_map(|key| key.last_used_at).max(),
            named,
            is_in_use: usage::were_asked_about(conn, &ids, now - TimeDelta::hours(1))?,
            keys: keys.len(),
            looked_at: (keys.len() > ids.len()).then_some(ids.len()),
        })
    }

    /// Nothing in a week.
    pub fn is_quiet(&self) -> bool {
        self.week.accepted + self.week.refused == 0
    }

    pub fn last_used(&self) -> Option<Moment> {
        self.last_used_at.map(Moment::seen_now)
    }

    pub fn is_one(&self) -> bool {
        self.keys == 1
    }
}

impl Span {
    /// “1 204”
    pub fn requests(&self) -> String {
        spaced(self.accepted)
    }

    pub fn refusals(&self) -> String {
        spaced(self.refused)
    }

    /// “2”, “50 and others”
    pub fn callers(&self) -> String {
        match (self.callers, self.are_more) {
            (0, true) => "not told".into(),
            (callers, true) => format!("{} and others", spaced(callers)),
            (callers, false) => spaced(callers),
        }
    }
}

/// “1 204”, or “about 1 204” where a sample was logged.
fn about(one: &Use) -> String {
    let requests = spaced(one.accepted + one.refused);
    if one.is_about { format!("about {requests}") } else { requests }
}

/// What has to be typed before something that is in use is stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed {
    /// What has to be typed: a name, or how many keys they are.
    pub wanted: String,
    /// “the key’s name”
    pub what: &'static str,
    pub error: Option<String>,
}

impl Typed {
    /// What is asked, if something was asked of these keys in the last hour.
    pub fn name_of(what: &'static str, wanted: &str, who: &WhoBreaks) -> Option<Self> {
        who.is_in_use.then(|| Self { wanted: wanted.to_owned(), what, error: None })
    }

    /// With what is wrong with what was typed; nothing typed is no mistake yet.
    pub fn wrong(mut self, typed: &str) -> Self {
        self.error = Some(if typed.trim().is_empty() {
            format!("It was used within the last hour. Type {} to go on.", self.what)
        } else {
            format!("That is not {}. Type it as it is written above.", self.what)
        });
        self
    }
}

/// Refuses to stop what was used within the last hour unless its name was typed.
///
/// # Errors
/// [`AppError::NotTyped`], to be asked again.
pub fn must_be_typed(
    conn: &mut PgConnection,
    keys: &[i64],
    wanted: &str,
    typed: &str,
) -> AppResult<()> {
    if text::tidy(typed) == text::tidy(wanted)
        || !usage::were_asked_about(conn, keys, Utc::now() - TimeDelta::hours(1))?
    {
        return Ok(());
    }
    Err(AppError::NotTyped)
}

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
