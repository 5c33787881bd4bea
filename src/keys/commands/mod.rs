//! Everything that happens to a key. Each act checks again who asks, in the transaction that changes, writes its
//! event there; triggers tell whoever verifies.

mod bulk;
mod create;
mod hand_over;
mod policy;
mod recover;
mod regenerate;
mod reset;
mod restrict;
mod retired;
mod status;
mod transfer;
mod update;

use chrono::Utc;
use diesel::{PgConnection, prelude::*};
use serde_json::{Value, json};

use super::{Key, Limit, Permissions, queries};
use crate::{
    access::Refusal,
    audit::{self, Action, Subject, difference},
    credentials::Secret,
    error::{AppError, AppResult},
    schema::{key_limits, key_permissions, key_secrets, key_sections, keys},
    users::Viewer,
};

pub use bulk::{Outcome, stop_all, stop_these};
pub use create::create;
pub use hand_over::{Handover, hand_over};
pub use policy::{May, may, may_regenerate, may_revoke};
pub use recover::{keep, reveal};
pub use regenerate::{extend_overlap, finish_overlap, regenerate};
pub use reset::reset;
pub use restrict::{may_end, unchanged};
pub use status::{delete, disable, enable, revoke};
pub use transfer::transfer;
pub use update::{Edited, update};

/// Reads viewer and key as they are now and holds both still until the transaction ends.
///
/// # Errors
/// [`AppError::NotFound`], [`AppError::NoApiAccess`].
pub fn take(
    conn: &mut PgConnection,
    viewer: &Viewer,
    public_key: &str,
) -> AppResult<(Viewer, Key)> {
    let viewer = viewer.confirm_api_access(conn)?;
    let key = queries::find(conn, &viewer, public_key)?;
    // Not `for update`, which would meet whoever only refers to the key, such as the counting of its use.
    // Only after it is known to be the viewer's to see: waiting for somebody else's row would tell that it exists.
    keys::table.find(key.id).select(keys::id).for_no_key_update().first::<i64>(conn)?;
    let key = queries::find(conn, &viewer, public_key)?;
    Ok((viewer, key))
}

/// Nothing changes a revoked key any more.
pub(in crate::keys) fn refuse_revoked(key: &Key) -> AppResult<()> {
    if key.revoked_at.is_some() {
        return Err(AppError::Conflict(
            "This key is revoked for good. Create a new one instead.".into(),
        ));
    }
    Ok(())
}

/// Nobody makes, changes or brings to life a key that holds more than they may hand out. Belongs after
/// [`Viewer::confirm_api_access`], which holds the grant still.
pub(in crate::keys) fn refuse_beyond_grant(
    conn: &mut PgConnection,
    viewer: &Viewer,
    environment_id: i64,
    permissions: &Permissions,
) -> AppResult<()> {
    if viewer.covers(environment_id, permissions) {
        return Ok(());
    }
    let refusal = Refusal::of(conn, viewer, environment_id, permissions)?;
    Err(AppError::BeyondGrant(Box::new(refusal)))
}

/// [`refuse_beyond_grant`] for a key as it is.
pub(in crate::keys) fn refuse_key_beyond_grant(
    conn: &mut PgConnection,
    viewer: &Viewer,
    key: &Key,
) -> AppResult<()> {
    if viewer.is_administrator() {
        return Ok(());
    }
    let held = queries::holdings_of(conn, key)?.ids;
    refuse_beyond_grant(conn, viewer, key.environment_id, &held)
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
    audit::record(conn, viewer, action, Subject { id: &key.public_key, name: &key.name }, details)
}

/// What becomes of a key that stops, goes on or goes.
fn turned(key: &Key, into: &str) -> Value {
    json!({ "status": [key.status(Utc::now()).slug(), into] })
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
        "excluded_ips": restrictions.excluded_ips,
        "allowed_origins": restrictions.allowed_origins,
    }))
}
