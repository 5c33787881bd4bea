//! Making a key.

use diesel::{PgConnection, prelude::*};

use super::{describe, grant, issue, limit, record};
use crate::{
    applications,
    audit::Action,
    credentials::{Secret, public_key},
    error::{AppError, AppResult},
    keys::{Key, NewKey, queries},
    schema::{environments, key_customers, keys},
    text,
    users::Viewer,
};

/// Makes a key. The secret exists only in what is returned.
///
/// # Errors
/// [`AppError::NoApiAccess`]; [`AppError::Forbidden`] for a manager who names another owner;
/// [`AppError::Unprocessable`] without a permission;
/// [`AppError::Conflict`] when the application is archived; a constraint: `keys_name` when the owner has a live key that
/// looks the same in that application and environment.
pub fn create(conn: &mut PgConnection, viewer: &Viewer, new: &NewKey) -> AppResult<(Key, Secret)> {
    let viewer = viewer.confirm_api_access(conn)?;
    if !viewer.is_administrator() && new.owner_id != viewer.id {
        return Err(AppError::Forbidden);
    }
    if new.permissions.is_empty() {
        return Err(AppError::Unprocessable("Choose at least one permission.".into()));
    }
    applications::must_be_open(conn, new.application_id)?;
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
