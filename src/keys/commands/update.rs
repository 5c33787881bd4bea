//! Changing what a key may do.

use chrono::Utc;
use diesel::{PgConnection, prelude::*};

use super::{
    describe, difference, grant, limit, record, refuse_beyond_grant, refuse_revoked,
    regenerate::end_overlap_by,
    restrict::{refuse_long_life, set_customers, take_environment},
    retired::refuse_retired,
    take,
};
use crate::{
    applications,
    audit::Action,
    error::{AppError, AppResult},
    keys::{Key, KeyChanges, Status, queries},
    schema::{key_limits, key_permissions, key_sections, keys},
    text,
    users::Viewer,
};

/// What became of an edit.
#[derive(Debug)]
pub enum Edited {
    /// The key as it now is.
    Saved(Box<Key>),
    /// Somebody else saved it since the form was opened: nothing was changed.
    Stale(Box<Key>),
}

/// Changes name, note, permissions, limits, expiry and restrictions; the secret stays. `version` is the one the form
/// was opened with. An end that stays as it is stays allowed, whatever the policy became meanwhile.
///
/// # Errors
/// [`AppError::NotFound`]; [`AppError::Conflict`] when the key is revoked, or has expired and `revive` is not said by
/// an administrator; otherwise as [`create`].
pub fn update(
    conn: &mut PgConnection,
    viewer: &Viewer,
    public_key: &str,
    version: i32,
    changes: &KeyChanges,
    revive: bool,
) -> AppResult<Edited> {
    let (viewer, key) = take(conn, viewer, public_key)?;
    let now = Utc::now();
    refuse_revoked(&key)?;
    if key.version != version {
        return Ok(Edited::Stale(Box::new(key)));
    }
    let revives =
        key.status(now) == Status::Expired && changes.expires_at.is_none_or(|expiry| expiry > now);
    if revives && !(revive && viewer.is_administrator()) {
        return Err(AppError::Conflict(
            "This key has expired. Only an administrator brings it back, and has to say so.".into(),
        ));
    }
    if revives {
        applications::must_be_open(conn, key.application_id)?;
    }
    if changes.permissions.is_empty() {
        return Err(AppError::Unprocessable("Choose at least one permission.".into()));
    }
    // The key as it will be, so that whoever only renames a key beyond their grant is refused too.
    refuse_beyond_grant(conn, &viewer, key.environment_id, &changes.permissions)?;
    if changes.expires_at != key.expires_at {
        refuse_long_life(&take_environment(conn, key.environment_id)?, changes.expires_at)?;
    }
    refuse_retired(conn, &changes.permissions, Some(&key))?;
    let before = describe(conn, &key)?;
    let is_given_more = changes.permissions.add_to(&queries::holdings_of(conn, &key)?.ids);
    diesel::update(keys::table.find(key.id))
        .set((
            keys::name.eq(&changes.name),
            keys::name_skeleton.eq(text::look(&changes.name)),
            keys::note.eq(&changes.note),
            keys::all_permissions.eq(changes.permissions.all),
            keys::expires_at.eq(changes.expires_at),
            keys::allowed_ips.eq(&changes.allowed_ips),
            keys::excluded_ips.eq(&changes.excluded_ips),
            keys::allowed_origins.eq(&changes.allowed_origins),
            keys::version.eq(keys::version + 1),
            is_given_more.then(|| keys::permissions_at.eq(now)),
        ))
        .execute(conn)?;
    diesel::delete(key_sections::table.filter(key_sections::key_id.eq(key.id))).execute(conn)?;
    diesel::delete(key_permissions::table.filter(key_permissions::key_id.eq(key.id)))
        .execute(conn)?;
    diesel::delete(key_limits::table.filter(key_limits::key_id.eq(key.id))).execute(conn)?;
    grant(conn, key.id, &changes.permissions)?;
    limit(conn, key.id, &changes.limits)?;
    set_customers(conn, key.id, &changes.customers)?;
    end_overlap_by(conn, key.id, changes.expires_at)?;
    let saved = queries::find(conn, &viewer, public_key)?;
    let after = describe(conn, &saved)?;
    record(conn, &viewer, &saved, Action::KeyUpdated, difference(&before, &after))?;
    Ok(Edited::Saved(Box::new(saved)))
}
