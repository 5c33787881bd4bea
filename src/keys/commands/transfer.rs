//! Giving a key to somebody else.

use diesel::{PgConnection, prelude::*};
use serde_json::{Value, json};

use super::{finish, refuse_revoked, take};
use crate::{
    audit::Action,
    error::{AppError, AppResult},
    keys::{Key, Permissions, queries},
    schema::{keys, users},
    users::{Origin, Viewer},
};

/// Gives a key to somebody else; `None`: to the operator, so that only administrators see it. Nothing else of it
/// changes.
///
/// # Errors
/// [`AppError::NotFound`]; [`AppError::Forbidden`] unless an administrator asks; [`AppError::Conflict`] when it is
/// revoked; [`AppError::Unprocessable`] when that person may not hold it; a constraint: `keys_name` when they have a
/// live key that looks the same.
pub fn transfer(
    conn: &mut PgConnection,
    viewer: &Viewer,
    public_key: &str,
    owner_id: Option<i64>,
) -> AppResult<Key> {
    let (viewer, key) = take(conn, viewer, public_key)?;
    if !viewer.is_administrator() {
        return Err(AppError::Forbidden);
    }
    refuse_revoked(&key)?;
    let receiver = owner_id.map(|id| receiver(conn, id)).transpose()?;
    if let Some(receiver) = &receiver {
        refuse_beyond(receiver, &key, &queries::holdings_of(conn, &key)?.ids)?;
    }
    if key.owner_id == owner_id {
        return Ok(key);
    }
    diesel::update(keys::table.find(key.id)).set(keys::owner_id.eq(owner_id)).execute(conn)?;
    let details = details(&key, receiver.as_ref());
    finish(conn, &viewer, &key, Action::KeyTransferred, details)
}

/// Whoever gets a key, as they are now; role and grant are held still until the transaction ends.
pub(super) fn receiver(conn: &mut PgConnection, user_id: i64) -> AppResult<Viewer> {
    let nobody = || AppError::Unprocessable("Choose somebody from the list.".into());
    let is_there: Option<bool> = users::table
        .find(user_id)
        .select(users::disabled_at.is_null())
        .for_share()
        .first(conn)
        .optional()?;
    if is_there != Some(true) {
        return Err(nobody());
    }
    let receiver = Viewer::load(conn, user_id, Origin::default())?;
    match receiver.confirm_api_access(conn) {
        Err(AppError::NoApiAccess) => {
            Err(AppError::Unprocessable(format!("{} has no API access.", receiver.name)))
        }
        confirmed => confirmed,
    }
}

/// Nobody comes to hold what they may not hand out.
pub(super) fn refuse_beyond(receiver: &Viewer, key: &Key, held: &Permissions) -> AppResult<()> {
    if receiver.covers(key.environment_id, held) {
        return Ok(());
    }
    Err(AppError::Unprocessable(format!(
        "{} holds more than the API access of {} covers. Widen it first, or choose somebody else.",
        key.name, receiver.name
    )))
}

/// What the trail says of a transfer.
pub(super) fn details(key: &Key, receiver: Option<&Viewer>) -> Value {
    let name = receiver.map_or("Operator", |receiver| &receiver.name);
    let id = receiver.and_then(|receiver| receiver.id);
    json!({ "owner": [key.owner_name(), name], "owner_id": [key.owner_id, id] })
}
