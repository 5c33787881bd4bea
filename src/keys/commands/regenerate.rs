//! A new secret for a key.

use chrono::Utc;
use diesel::{PgConnection, prelude::*};
use serde_json::json;

use super::{finish, issue, may_regenerate, refuse_key_beyond_grant, refuse_revoked, take};
use crate::{
    audit::Action,
    credentials::Secret,
    error::{AppError, AppResult},
    keys::{Key, Status},
    schema::{environments, key_secrets, keys},
    users::Viewer,
};

/// Gives a key a new secret and nothing else; the old one stops now. `version` is the one the page was drawn with,
/// so that of several regenerations at once one wins: nobody is shown a secret that is dead already.
///
/// # Errors
/// [`AppError::NotFound`]; [`AppError::Forbidden`] for a manager where the policy leaves it to administrators;
/// [`AppError::BeyondGrant`] when it holds more than the viewer may hand out; [`AppError::Conflict`] when the key is
/// revoked, has expired, or was changed meanwhile.
pub fn regenerate(
    conn: &mut PgConnection,
    viewer: &Viewer,
    public_key: &str,
    version: Option<i32>,
) -> AppResult<(Key, Secret)> {
    let (viewer, key) = take(conn, viewer, public_key)?;
    if !may_regenerate(conn, &viewer)? {
        return Err(AppError::Forbidden);
    }
    // A new secret of a key is as good as a new key.
    refuse_key_beyond_grant(conn, &viewer, &key)?;
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
