//! Stopping a key, for a while or for good.

use chrono::{DateTime, Utc};
use diesel::{PgConnection, prelude::*};

use super::{finish, may_revoke, record, refuse_key_beyond_grant, refuse_revoked, take, turned};
use crate::{
    applications,
    audit::Action,
    error::{AppError, AppResult},
    keys::{Key, Status},
    schema::keys,
    text,
    users::Viewer,
};

/// Stops a key until it is enabled. Disabling twice keeps the first date.
///
/// # Errors
/// [`AppError::NotFound`]; [`AppError::Conflict`] when it is revoked.
pub fn disable(conn: &mut PgConnection, viewer: &Viewer, public_key: &str) -> AppResult<Key> {
    let (viewer, key) = take(conn, viewer, public_key)?;
    refuse_revoked(&key)?;
    if key.disabled_at.is_some() {
        return Ok(key);
    }
    diesel::update(keys::table.find(key.id)).set(keys::disabled_at.eq(Utc::now())).execute(conn)?;
    let details = turned(&key, Status::Inactive.slug());
    finish(conn, &viewer, &key, Action::KeyDisabled, details)
}

/// Lets a disabled key work again.
///
/// # Errors
/// As [`disable`]; [`AppError::BeyondGrant`] when it holds more than the viewer may hand out; [`AppError::Conflict`]
/// also when its application is archived.
pub fn enable(conn: &mut PgConnection, viewer: &Viewer, public_key: &str) -> AppResult<Key> {
    let (viewer, key) = take(conn, viewer, public_key)?;
    refuse_key_beyond_grant(conn, &viewer, &key)?;
    refuse_revoked(&key)?;
    if key.disabled_at.is_none() {
        return Ok(key);
    }
    applications::must_be_open(conn, key.application_id)?;
    diesel::update(keys::table.find(key.id))
        .set(keys::disabled_at.eq(None::<DateTime<Utc>>))
        .execute(conn)?;
    let enabled = Key { disabled_at: None, ..key.clone() };
    let details = turned(&key, enabled.status(Utc::now()).slug());
    finish(conn, &viewer, &key, Action::KeyEnabled, details)
}

/// Ends a key for good. Revoking twice keeps the first date.
///
/// # Errors
/// [`AppError::NotFound`]; [`AppError::Forbidden`] for a manager where the policy leaves it to administrators;
/// [`AppError::Unprocessable`] when the reason cannot be shown.
pub fn revoke(
    conn: &mut PgConnection,
    viewer: &Viewer,
    public_key: &str,
    reason: Option<&str>,
) -> AppResult<Key> {
    let (viewer, key) = take(conn, viewer, public_key)?;
    if !may_revoke(conn, &viewer)? {
        return Err(AppError::Forbidden);
    }
    if key.revoked_at.is_some() {
        return Ok(key);
    }
    let reason = parse_reason(reason)?;
    diesel::update(keys::table.find(key.id))
        .set((keys::revoked_at.eq(Utc::now()), keys::revoke_reason.eq(&reason)))
        .execute(conn)?;
    let mut details = turned(&key, Status::Revoked.slug());
    if let Some(reason) = reason {
        details["reason"] = reason.into();
    }
    finish(conn, &viewer, &key, Action::KeyRevoked, details)
}

/// A reason as it is kept; an empty one is none.
pub(super) fn parse_reason(typed: Option<&str>) -> AppResult<Option<String>> {
    let reason = typed.map(text::tidy).filter(|reason| !reason.is_empty());
    if reason
        .as_ref()
        .is_some_and(|reason| reason.chars().count() > 200 || !text::is_showable(reason))
    {
        return Err(AppError::Unprocessable(
            "Reason must be at most 200 characters that can be shown.".into(),
        ));
    }
    Ok(reason)
}

/// Takes a key off the list. Its row and its trail stay.
///
/// # Errors
/// [`AppError::NotFound`]; [`AppError::Forbidden`] unless an administrator asks; [`AppError::Conflict`] while it is active.
pub fn delete(conn: &mut PgConnection, viewer: &Viewer, public_key: &str) -> AppResult<Key> {
    let (viewer, key) = take(conn, viewer, public_key)?;
    if !viewer.is_administrator() {
        return Err(AppError::Forbidden);
    }
    if key.status(Utc::now()) == Status::Active {
        return Err(AppError::Conflict(
            "This key is active: somebody may be using it. Revoke or disable it first.".into(),
        ));
    }
    diesel::update(keys::table.find(key.id)).set(keys::deleted_at.eq(Utc::now())).execute(conn)?;
    record(conn, &viewer, &key, Action::KeyDeleted, turned(&key, "deleted"))?;
    Ok(key)
}
