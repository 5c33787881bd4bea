//! What the start page asks.

use chrono::{TimeDelta, Utc};
use diesel::{
    PgConnection,
    dsl::sql,
    prelude::*,
    sql_types::{Bool, Integer},
};

use crate::{
    counted::{self, Count},
    environments::ids_in,
    error::AppResult,
    keys::queries::in_time,
    schema::{applications, keys, users},
    users::{Role, Viewer},
};

/// The viewer's keys, by status.
#[derive(Debug)]
pub struct KeyCounts {
    pub active: Count,
    pub inactive: Count,
    pub expired: Count,
    pub revoked: Count,
    /// Active ones that end within 30 days.
    pub expiring: Count,
    /// Active ones that nobody ever used.
    pub unused: Count,
}

impl KeyCounts {
    pub fn total(&self) -> Count {
        [self.active, self.inactive, self.expired, self.revoked].into_iter().sum()
    }
}

/// Administrators count all keys, everybody else their own; of the mode they look at.
///
/// # Errors
/// When Postgres cannot be asked in time.
pub fn count_keys(conn: &mut PgConnection, viewer: &Viewer) -> AppResult<KeyCounts> {
    let now = Utc::now();
    let environments = match viewer.mode {
        Some(mode) => Some(ids_in(conn, mode)?),
        None => None,
    };
    let seen = || {
        let mut seen = keys::table.into_boxed().filter(keys::deleted_at.is_null());
        if !viewer.is_administrator() {
            seen = seen.filter(keys::owner_id.eq(viewer.id));
        }
        if let Some(environments) = &environments {
            seen = seen.filter(keys::environment_id.eq_any(environments.clone()));
        }
        seen.select(sql::<Integer>("1"))
    };
    let in_force = || seen().filter(keys::revoked_at.is_null());
    let lives = || {
        in_force().filter(keys::expires_at.is_null().or(keys::expires_at.gt(now)).assume_not_null())
    };
    let month = now + TimeDelta::days(30);
    let asked = [
        lives().filter(keys::disabled_at.is_null()),
        lives().filter(keys::disabled_at.is_not_null()),
        in_force().filter(keys::expires_at.le(now).assume_not_null()),
        seen().filter(keys::revoked_at.is_not_null()),
        in_force()
            .filter(keys::disabled_at.is_null())
            .filter(keys::expires_at.gt(now).and(keys::expires_at.le(month)).assume_not_null()),
        // As the index has it.
        lives()
            .filter(keys::disabled_at.is_null())
            .filter(sql::<Bool>("coalesce(keys.last_used_at, '-infinity') = '-infinity'")),
    ];
    let counts = in_time(conn, |conn| {
        let most = counted::how_far(conn, &seen())?;
        counted::count(conn, &asked, most)
    })?;
    let mut counts = counts.into_iter();
    let mut next = || counts.next().unwrap_or(Count::Exactly(0));
    Ok(KeyCounts {
        active: next(),
        inactive: next(),
        expired: next(),
        revoked: next(),
        expiring: next(),
        unused: next(),
    })
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
    in_time(conn, |conn| Ok(any.first::<i64>(conn).optional()?.is_some()))
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
