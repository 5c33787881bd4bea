//! Making a key.

use diesel::{PgConnection, prelude::*};

use super::{
    describe, grant, issue, limit, record, refuse_beyond_grant,
    restrict::{refuse_long_life, set_customers},
    retired::refuse_retired,
};
use crate::{
    applications,
    audit::Action,
    credentials::{Secret, public_key},
    environments,
    error::{AppError, AppResult},
    keys::{Key, NewKey, queries},
    schema::keys,
    text,
    users::Viewer,
};

/// Makes a key. The secret exists only in what is returned.
///
/// # Errors
/// [`AppError::NoApiAccess`]; [`AppError::Forbidden`] for a manager who names another owner;
/// [`AppError::BeyondGrant`] for more than the viewer may hand out; [`AppError::Unprocessable`] without a permission,
/// with a retired one or in a retired environment, with an end the environment's policy does not allow, or with a
/// customer that does not exist; [`AppError::Conflict`] when the application is archived; a constraint: `keys_name`
/// when the owner has a live key that
/// looks the same in that application and environment.
pub fn create(conn: &mut PgConnection, viewer: &Viewer, new: &NewKey) -> AppResult<(Key, Secret)> {
    let viewer = viewer.confirm_api_access(conn)?;
    if !viewer.is_administrator() && new.owner_id != viewer.id {
        return Err(AppError::Forbidden);
    }
    if new.permissions.is_empty() {
        return Err(AppError::Unprocessable("Choose at least one permission.".into()));
    }
    refuse_beyond_grant(conn, &viewer, new.environment_id, &new.permissions)?;
    applications::must_be_open(conn, new.application_id)?;
    // Held still, so that prefix and policy are those of the environment when the key is there.
    let environment = environments::take(conn, new.environment_id)?;
    refuse_long_life(&environment, new.expires_at)?;
    refuse_retired(conn, &new.permissions, None)?;
    let prefix = environment.prefix;
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
            keys::excluded_ips.eq(&new.excluded_ips),
            keys::allowed_origins.eq(&new.allowed_origins),
            keys::expires_at.eq(new.expires_at),
        ))
        .returning(keys::id)
        .get_result(conn)?;
    grant(conn, id, &new.permissions)?;
    limit(conn, id, &new.limits)?;
    set_customers(conn, id, &new.customers)?;
    let secret = issue(conn, id, &prefix)?;
    let key = queries::find(conn, &viewer, &public_key)?;
    let details = describe(conn, &key)?;
    record(conn, &viewer, &key, Action::KeyCreated, details)?;
    Ok((key, secret))
}
