//! What keys hold, and for whom and from where they may be used.

use std::collections::HashMap;

use diesel::{PgConnection, prelude::*};
use ipnet::IpNet;

use crate::{
    error::AppResult,
    keys::{Key, Limit, Permissions},
    schema::{
        customers, key_customers, key_limits, key_permissions, key_sections, keys, permissions,
        sections,
    },
};

/// What a key holds, by the names that pages show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Slug and name of whole sections.
    pub sections: Vec<(String, String)>,
    /// Slug and label of single permissions.
    pub permissions: Vec<(String, String)>,
    pub limits: Vec<Limit>,
    /// The same by the catalogue's ids, for what a grant covers.
    pub ids: Permissions,
    /// Slugs of those sections and permissions that are granted to nobody any more.
    pub retired_sections: Vec<String>,
    pub retired_permissions: Vec<String>,
}

/// For whom and from where a key may be used; empty: for anybody, from anywhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restrictions {
    /// The platform's own ids.
    pub customers: Vec<String>,
    /// IP ranges.
    pub allowed_ips: Vec<String>,
    /// IP ranges: never from there.
    pub excluded_ips: Vec<String>,
    /// Web origins from which the public key alone is accepted.
    pub allowed_origins: Vec<String>,
}

impl Restrictions {
    /// Whether the allowed ranges include every address there is.
    pub fn allows_everywhere(&self) -> bool {
        self.allowed_ips.iter().any(|range| range.ends_with("/0"))
    }
}

/// How a key is restricted.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn restrictions_of(conn: &mut PgConnection, key: &Key) -> AppResult<Restrictions> {
    let customers = key_customers::table
        .inner_join(customers::table)
        .filter(key_customers::key_id.eq(key.id))
        .order(customers::external_id)
        .select(customers::external_id)
        .load(conn)?;
    let (allowed_ips, excluded_ips, allowed_origins): (Vec<IpNet>, Vec<IpNet>, Vec<String>) =
        keys::table
            .find(key.id)
            .select((keys::allowed_ips, keys::excluded_ips, keys::allowed_origins))
            .first(conn)?;
    let spelled = |ranges: Vec<IpNet>| ranges.iter().map(ToString::to_string).collect();
    Ok(Restrictions {
        customers,
        allowed_ips: spelled(allowed_ips),
        excluded_ips: spelled(excluded_ips),
        allowed_origins,
    })
}

/// How these keys are restricted, by their ids; those that are not are left out.
///
/// # Errors
/// When Postgres cannot be asked.
pub(super) fn restrictions_of_each(
    conn: &mut PgConnection,
    of: &[Key],
) -> AppResult<HashMap<i64, Restrictions>> {
    let ids: Vec<i64> = of.iter().map(|key| key.id).collect();
    let mut all: HashMap<i64, Restrictions> = HashMap::new();
    let restricted: Vec<(i64, String)> = key_customers::table
        .inner_join(customers::table)
        .filter(key_customers::key_id.eq_any(&ids))
        .order(customers::external_id)
        .select((key_customers::key_id, customers::external_id))
        .load(conn)?;
    for (id, customer) in restricted {
        all.entry(id).or_default().customers.push(customer);
    }
    type Places = (i64, Vec<IpNet>, Vec<IpNet>, Vec<String>);
    let places: Vec<Places> = keys::table
        .filter(keys::id.eq_any(&ids))
        .select((keys::id, keys::allowed_ips, keys::excluded_ips, keys::allowed_origins))
        .load(conn)?;
    let spelled = |ranges: Vec<IpNet>| ranges.iter().map(ToString::to_string).collect();
    for (id, allowed_ips, excluded_ips, allowed_origins) in places {
        let restrictions = all.entry(id).or_default();
        restrictions.allowed_ips = spelled(allowed_ips);
        restrictions.excluded_ips = spelled(excluded_ips);
        restrictions.allowed_origins = allowed_origins;
    }
    Ok(all)
}

/// What one key holds.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn holdings_of(conn: &mut PgConnection, key: &Key) -> AppResult<Holdings> {
    Ok(holdings(conn, std::slice::from_ref(key))?.remove(&key.id).unwrap_or_default())
}

/// What each of these keys holds, by their ids; those that hold nothing are left out.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn holdings_of_all(conn: &mut PgConnection, keys: &[Key]) -> AppResult<HashMap<i64, Holdings>> {
    holdings(conn, keys)
}

pub(super) fn holdings(
    conn: &mut PgConnection,
    found: &[Key],
) -> AppResult<HashMap<i64, Holdings>> {
    let ids: Vec<i64> = found.iter().map(|key| key.id).collect();
    let mut all: HashMap<i64, Holdings> = HashMap::new();
    for key in found.iter().filter(|key| key.all_permissions) {
        all.entry(key.id).or_default().ids.all = true;
    }
    type Held = (i64, i64, bool, (String, String));
    let held: Vec<Held> = key_sections::table
        .inner_join(sections::table)
        .filter(key_sections::key_id.eq_any(&ids))
        .order((sections::position, sections::id))
        .select((
            key_sections::key_id,
            sections::id,
            sections::retired_at.is_not_null(),
            (sections::slug, sections::name),
        ))
        .load(conn)?;
    for (id, section_id, is_retired, section) in held {
        let held = all.entry(id).or_default();
        held.retired_sections.extend(is_retired.then(|| section.0.clone()));
        held.sections.push(section);
        held.ids.sections.push(section_id);
    }
    let held: Vec<Held> = key_permissions::table
        .inner_join(permissions::table.inner_join(sections::table))
        .filter(key_permissions::key_id.eq_any(&ids))
        .order((sections::position, permissions::position, permissions::id))
        .select((
            key_permissions::key_id,
            permissions::id,
            permissions::retired_at.is_not_null().or(sections::retired_at.is_not_null()),
            (permissions::slug, permissions::label),
        ))
        .load(conn)?;
    for (id, permission_id, is_retired, permission) in held {
        let held = all.entry(id).or_default();
        held.retired_permissions.extend(is_retired.then(|| permission.0.clone()));
        held.permissions.push(permission);
        held.ids.permissions.push(permission_id);
    }
    let held: Vec<(i64, i32, i32)> = key_limits::table
        .filter(key_limits::key_id.eq_any(&ids))
        .order(key_limits::per_seconds)
        .select((key_limits::key_id, key_limits::requests, key_limits::per_seconds))
        .load(conn)?;
    for (id, requests, per_seconds) in held {
        all.entry(id).or_default().limits.push(Limit { requests, per_seconds });
    }
    Ok(all)
}
