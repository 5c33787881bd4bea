//! Everything that happens to a key. Each act checks again who asks, in the transaction that changes, writes its
//! event there, and announces the change to whoever verifies.

use chrono::{DateTime, Utc};
use diesel::{PgConnection, prelude::*};
use serde_json::{Value, json};

use super::{Key, KeyChanges, Limit, NewKey, Permissions, Status, queries};
use crate::{
    audit::{self, Action, Subject},
    changes::Change,
    credentials::{Secret, public_key},
    error::{AppError, AppResult},
    schema::{
        environments, key_customers, key_limits, key_permissions, key_secrets, key_sections, keys,
    },
    settings, text,
    users::Viewer,
};

/// Makes a key. The secret exists only in what is returned.
///
/// # Errors
/// [`AppError::NoApiAccess`]; [`AppError::Forbidden`] for a manager who names another owner;
/// [`AppError::Unprocessable`] without a permission; a constraint: `keys_name` when the owner has a live key that
/// looks the same in that application and environment.
pub fn create(conn: &mut PgConnection, viewer: &Viewer, new: &NewKey) -> AppResult<(Key, Secret)> {
    let viewer = viewer.confirm_api_access(conn)?;
    if !viewer.is_administrator() && new.owner_id != viewer.id {
        return Err(AppError::Forbidden);
    }
    if new.permissions.is_empty() {
        return Err(AppError::Unprocessable("Choose at least one permission.".into()));
    }
    let prefix: String =
        environments::table.find(new.environment_id).select(environments::prefix).first(conn)?;
    let public_key = public_key(&prefix);
    let id: i64 = diesel::insert_into(keys::table)
        .values((
            keys::public_key.eq(&public_key),
            keys::name.eq(&new.name),
            keys::name_skeleton.eq(text::look(&new.name)),
            keys::note.eq(&new.note),
            keys::application_id.eq(new.application_id),
            keys::environment_id.eq(new.environment_id),
            keys::owner_id.eq(new.owner_id),
            keys::all_permissions.eq(new.permissions.all),
            keys::allowed_ips.eq(&new.allowed_ips),
            keys::expires_at.eq(new.expires_at),
        ))
        .returning(keys::id)
        .get_result(conn)?;
    grant(conn, id, &new.permissions)?;
    limit(conn, id, &new.limits)?;
    let customers: Vec<_> = new
        .customers
        .iter()
        .map(|customer| (key_customers::key_id.eq(id), key_customers::customer_id.eq(customer)))
        .collect();
    diesel::insert_into(key_customers::table)
        .values(customers)
        .on_conflict_do_nothing()
        .execute(conn)?;
    let secret = issue(conn, id, &prefix)?;
    let key = queries::find(conn, &viewer, &public_key)?;
    let details = describe(conn, &key)?;
    record(conn, &viewer, &key, Action::KeyCreated, details)?;
    Ok((key, secret))
}

/// What became of an edit.
#[derive(Debug)]
pub enum Edited {
    /// The key as it now is.
    Saved(Box<Key>),
    /// Somebody else saved it since the form was opened: nothing was changed.
    Stale(Box<Key>),
}

/// Changes name, note, permissions, limits and expiry; the secret stays. `version` is the one the form was opened with.
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
    if changes.permissions.is_empty() {
        return Err(AppError::Unprocessable("Choose at least one permission.".into()));
    }
    let before = describe(conn, &key)?;
    diesel::update(keys::table.find(key.id))
        .set((
            keys::name.eq(&changes.name),
            keys::name_skeleton.eq(text::look(&changes.name)),
            keys::note.eq(&changes.note),
            keys::all_permissions.eq(changes.permissions.all),
            keys::expires_at.eq(changes.expires_at),
            keys::version.eq(keys::version + 1),
        ))
        .execute(conn)?;
    diesel::delete(key_sections::table.filter(key_sections::key_id.eq(key.id))).execute(conn)?;
    diesel::delete(key_permissions::table.filter(key_permissions::key_id.eq(key.id)))
        .execute(conn)?;
    diesel::delete(key_limits::table.filter(key_limits::key_id.eq(key.id))).execute(conn)?;
    grant(conn, key.id, &changes.permissions)?;
    limit(conn, key.id, &changes.limits)?;
    let saved = queries::find(conn, &viewer, public_key)?;
    let after = describe(conn, &saved)?;
    record(conn, &viewer, &saved, Action::KeyUpdated, difference(&before, &after))?;
    Ok(Edited::Saved(Box::new(saved)))
}

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
    finish(conn, &viewer, &key, Action::KeyDisabled, json!({}))
}

/// Lets a disabled key work again.
///
/// # Errors
/// As [`disable`].
pub fn enable(conn: &mut PgConnection, viewer: &Viewer, public_key: &str) -> AppResult<Key> {
    let (viewer, key) = take(conn, viewer, public_key)?;
    refuse_revoked(&key)?;
    if key.disabled_at.is_none() {
        return Ok(key);
    }
    diesel::update(keys::table.find(key.id))
        .set(keys::disabled_at.eq(None::<DateTime<Utc>>))
        .execute(conn)?;
    finish(conn, &viewer, &key, Action::KeyEnabled, json!({}))
}

/// Gives a key a new secret and nothing else; the old one stops now. `version` is the one the page was drawn with,
/// so that of several regenerations at once one wins: nobody is shown a secret that is dead already.
///
/// # Errors
/// [`AppError::NotFound`]; [`AppError::Conflict`] when the key is revoked, has expired, or was changed meanwhile.
pub fn regenerate(
    conn: &mut PgConnection,
    viewer: &Viewer,
    public_key: &str,
    version: Option<i32>,
) -> AppResult<(Key, Secret)> {
    let (viewer, key) = take(conn, viewer, public_key)?;
    refuse_revoked(&key)?;
    let now = Utc::now();
    if key.status(now) == Status::Expired {
        return Err(AppError::Conflict(
            "This key has expired. Extend it first, or create a new one.".into(),
        ));
    }
    if version.is_some_and(|version| version != key.version) {
        return Err(AppError::Conflict(
            "This key was changed or regenerated meanwhile, and nothing was done now. Open it to see how it is.".into(),
        ));
    }
    diesel::update(
        key_secrets::table
            .filter(key_secrets::key_id.eq(key.id).and(key_secrets::ends_at.is_null())),
    )
    .set(key_secrets::ends_at.eq(now))
    .execute(conn)?;
    let prefix: String =
        environments::table.find(key.environment_id).select(environments::prefix).first(conn)?;
    let secret = issue(conn, key.id, &prefix)?;
    diesel::update(keys::table.find(key.id))
        .set(keys::version.eq(keys::version + 1))
        .execute(conn)?;
    let details = json!({ "secret": [key.secret.masked, secret.masked()] });
    Ok((finish(conn, &viewer, &key, Action::KeyRegenerated, details)?, secret))
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
    let reason = reason.map(text::tidy).filter(|reason| !reason.is_empty());
    if reason
        .as_ref()
        .is_some_and(|reason| reason.chars().count() > 200 || !text::is_showable(reason))
    {
        return Err(AppError::Unprocessable(
            "Reason must be at most 200 characters that can be shown.".into(),
        ));
    }
    diesel::update(keys::table.find(key.id))
        .set((keys::revoked_at.eq(Utc::now()), keys::revoke_reason.eq(&reason)))
        .execute(conn)?;
    let details = reason.map_or_else(|| json!({}), |reason| json!({ "reason": reason }));
    finish(conn, &viewer, &key, Action::KeyRevoked, details)
}

/// Whether the viewer may revoke the keys they see.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn may_revoke(conn: &mut PgConnection, viewer: &Viewer) -> AppResult<bool> {
    Ok(viewer.is_administrator() || settings::load(conn)?.managers_may_revoke)
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
    record(conn, &viewer, &key, Action::KeyDeleted, json!({}))?;
    Ok(key)
}

/// Reads viewer and key as they are now and holds both still until the transaction ends.
fn take(conn: &mut PgConnection, viewer: &Viewer, public_key: &str) -> AppResult<(Viewer, Key)> {
    let viewer = viewer.confirm_api_access(conn)?;
    let key = queries::find(conn, &viewer, public_key)?;
    // Only after it is known to be the viewer's to see: waiting for somebody else's row would tell that it exists.
    keys::table.find(key.id).select(keys::id).for_update().first::<i64>(conn)?;
    let key = queries::find(conn, &viewer, public_key)?;
    Ok((viewer, key))
}

/// Nothing changes a revoked key any more.
pub(super) fn refuse_revoked(key: &Key) -> AppResult<()> {
    if key.revoked_at.is_some() {
        return Err(AppError::Conflict(
            "This key is revoked for good. Create a new one instead.".into(),
        ));
    }
    Ok(())
}

fn finish(
    conn: &mut PgConnection,
    viewer: &Viewer,
    key: &Key,
    action: Action,
    details: Value,
) -> AppResult<Key> {
    record(conn, viewer, key, action, details)?;
    queries::find(conn, viewer, &key.public_key)
}

fn record(
    conn: &mut PgConnection,
    viewer: &Viewer,
    key: &Key,
    action: Action,
    details: Value,
) -> AppResult<()> {
    audit::record(conn, viewer, action, Subject { id: &key.public_key, name: &key.name }, details)?;
    Change::Key(key.id).announce(conn)
}

fn issue(conn: &mut PgConnection, key_id: i64, prefix: &str) -> AppResult<Secret> {
    let secret = Secret::for_key(prefix);
    diesel::insert_into(key_secrets::table)
        .values((
            key_secrets::key_id.eq(key_id),
            key_secrets::hash.eq(secret.hash().as_bytes()),
            key_secrets::masked.eq(secret.masked()),
        ))
        .execute(conn)?;
    Ok(secret)
}

fn grant(conn: &mut PgConnection, key_id: i64, permissions: &Permissions) -> AppResult<()> {
    let sections: Vec<_> = permissions
        .sections
        .iter()
        .map(|section| (key_sections::key_id.eq(key_id), key_sections::section_id.eq(section)))
        .collect();
    diesel::insert_into(key_sections::table)
        .values(sections)
        .on_conflict_do_nothing()
        .execute(conn)?;
    let single: Vec<_> = permissions
        .permissions
        .iter()
        .map(|permission| {
            (key_permissions::key_id.eq(key_id), key_permissions::permission_id.eq(permission))
        })
        .collect();
    diesel::insert_into(key_permissions::table)
        .values(single)
        .on_conflict_do_nothing()
        .execute(conn)?;
    Ok(())
}

fn limit(conn: &mut PgConnection, key_id: i64, limits: &[Limit]) -> AppResult<()> {
    let limits: Vec<_> = limits
        .iter()
        .map(|limit| {
            (
                key_limits::key_id.eq(key_id),
                key_limits::per_seconds.eq(limit.per_seconds),
                key_limits::requests.eq(limit.requests),
            )
        })
        .collect();
    diesel::insert_into(key_limits::table).values(limits).execute(conn)?;
    Ok(())
}

/// What the trail says of a key: everything an edit can change.
fn describe(conn: &mut PgConnection, key: &Key) -> AppResult<Value> {
    let held = queries::holdings_of(conn, key)?;
    let restrictions = queries::restrictions_of(conn, key)?;
    let slugs =
        |named: &[(String, String)]| named.iter().map(|(slug, _)| slug.clone()).collect::<Vec<_>>();
    Ok(json!({
        "name": key.name,
        "note": key.note,
        "all_permissions": key.all_permissions,
        "sections": slugs(&held.sections),
        "permissions": slugs(&held.permissions),
        "limits": held.limits.iter().map(Limit::short).collect::<Vec<_>>(),
        "expires_at": key.expires_at,
        "customers": restrictions.customers,
        "allowed_ips": restrictions.allowed_ips,
    }))
}

/// `{"name": ["old", "new"]}` for what differs.
fn difference(before: &Value, after: &Value) -> Value {
    let (Some(before), Some(after)) = (before.as_object(), after.as_object()) else {
        return json!({});
    };
    after
        .iter()
        .filter(|(field, value)| before.get(*field) != Some(value))
        .map(|(field, value)| (field.clone(), json!([before.get(field), value])))
        .collect()
}
