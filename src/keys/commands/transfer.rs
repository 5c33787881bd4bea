//! Giving a key to somebody else.

use diesel::{PgConnection, prelude::*};
use serde_json::json;

use super::{finish, refuse_revoked, take};
use crate::{
    audit::Action,
    error::{AppError, AppResult},
    keys::{Key, queries},
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
    give(conn, &viewer, &key, receiver.as_ref())
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

pub(super) fn give(
    conn: &mut PgConnection,
    viewer: &Viewer,
    key: &Key,
    receiver: Option<&Viewer>,
) -> AppResult<Key> {
    if let Some(receiver) = receiver {
        let held = queries::holdings_of(conn, key)?.ids;
        if !receiver.covers(key.environment_id, &held) {
            return Err(AppError::Unprocessable(format!(
                "{} holds more than the API access of {} covers. Widen it first, or choose somebody else.",
                key.name, receiver.name
            )));
        }
    }
    let owner_id = receiver.and_then(|receiver| receiver.id);
    if key.owner_id == owner_id {
        return Ok(key.clone());
    }
    diesel::update(keys::table.find(key.id)).set(keys::owner_id.eq(owner_id)).execute(conn)?;
    let name = receiver.map_or("Operator", |receiver| &receiver.name);
    let details =
        json!({ "owner": [key.owner_name(), name], "owner_id": [key.owner_id, owner_id] });
    finish(conn, viewer, key, Action::KeyTransferred, details)
}
