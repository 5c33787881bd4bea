//! What the start page asks.

use chrono::{TimeDelta, Utc};
use diesel::{PgConnection, dsl::count, prelude::*};

use crate::{
    environments::ids_in,
    error::AppResult,
    schema::{applications, keys, users},
    users::{Role, Viewer},
};

/// The viewer's keys, by status.
#[derive(Debug, Queryable)]
pub struct KeyCounts {
    pub active: i64,
    pub inactive: i64,
    pub expired: i64,
    pub revoked: i64,
    /// Active ones that end within 30 days.
    pub expiring: i64,
    /// Active ones that nobody ever used.
    pub unused: i64,
}

impl KeyCounts {
    pub fn total(&self) -> i64 {
        self.active + self.inactive + self.expired + self.revoked
    }
}

/// Administrators count all keys, everybody else their own; of the mode they look at.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn count_keys(conn: &mut PgConnection, viewer: &Viewer) -> AppResult<KeyCounts> {
    let now = Utc::now();
    let is_revoked = || keys::revoked_at.is_not_null();
    let is_expired = || keys::revoked_at.is_null().and(keys::expires_at.le(now).assume_not_null());
    let is_there = || {
        keys::revoked_at
            .is_null()
            .and(keys::expires_at.is_null().or(keys::expires_at.gt(now).assume_not_null()))
    };
    let mut counted = keys::table
        .filter(keys::deleted_at.is_null())
        .select((
            count(keys::id).aggregate_filter(is_there().and(keys::disabled_at.is_null())),
            count(keys::id).aggregate_filter(is_there().and(keys::disabled_at.is_not_null())),
            count(keys::id).aggregate_filter(is_expired()),
            count(keys::id).aggregate_filter(is_revoked()),
            count(keys::id).aggregate_filter(
                is_there()
                    .and(keys::disabled_at.is_null())
                    .and(keys::expires_at.le(now + TimeDelta::days(30)).assume_not_null()),
            ),
            count(keys::id).aggregate_filter(
                is_there().and(keys::disabled_at.is_null()).and(keys::last_used_at.is_null()),
            ),
        ))
        .into_boxed();
    if !viewer.is_administrator() {
        counted = counted.filter(keys::owner_id.eq(viewer.id));
    }
    if let Some(mode) = viewer.mode {
        counted = counted.filter(keys::environment_id.eq_any(ids_in(conn, mode)?));
    }
    Ok(counted.first(conn)?)
}

/// Whether the viewer has any key, of whichever mode.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn has_any_key(conn: &mut PgConnection, viewer: &Viewer) -> AppResult<bool> {
    let mut any = keys::table.filter(keys::deleted_at.is_null()).select(keys::id).into_boxed();
    if !viewer.is_administrator() {
        any = any.filter(keys::owner_id.eq(viewer.id));
    }
    Ok(any.first::<i64>(conn).optional()?.is_some())
}

/// # Errors
/// When Postgres cannot be asked.
pub fn count_applications(conn: &mut PgConnection) -> AppResult<i64> {
    Ok(applications::table.count().get_result(conn)?)
}

/// Some of those who can grant API access: name and e-mail.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn administrators(conn: &mut PgConnection) -> AppResult<Vec<(String, String)>> {
    Ok(users::table
        .filter(users::role.eq(Role::Administrator.slug()))
        .order((users::name, users::id))
        .limit(5)
        .select((users::name, users::email))
        .load(conn)?)
}
