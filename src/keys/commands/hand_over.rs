//! What becomes of the keys of somebody who loses API access.

use chrono::{DateTime, Utc};
use diesel::{PgConnection, prelude::*};
use serde_json::json;

use super::{
    disable, finish,
    transfer::{give, receiver},
};
use crate::{
    audit::Action,
    error::{AppError, AppResult},
    keys::{Key, queries},
    schema::keys,
    users::Viewer,
};

/// What becomes of all live keys of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handover {
    /// They go on working; only administrators manage them.
    Leave,
    /// They belong to somebody else; `None`: to the operator.
    Transfer(Option<i64>),
    /// They end then, unless they end before.
    Expire(DateTime<Utc>),
    /// They stop until somebody enables them.
    Disable,
}

/// Does that to every live key of a person and returns those that changed. Belongs after the withdrawal, in its
/// transaction: from then on the person makes no new ones.
///
/// # Errors
/// [`AppError::Forbidden`] unless an administrator asks; [`AppError::Unprocessable`] when somebody else may not hold
/// one of them, or has one that looks the same.
pub fn hand_over(
    conn: &mut PgConnection,
    viewer: &Viewer,
    owner_id: i64,
    handover: Handover,
) -> AppResult<Vec<Key>> {
    let viewer = viewer.confirm_administrator(conn)?;
    if handover == Handover::Leave {
        return Ok(Vec::new());
    }
    let to = match handover {
        Handover::Transfer(Some(id)) if id == owner_id => {
            return Err(AppError::Unprocessable("Choose somebody else.".into()));
        }
        Handover::Transfer(Some(id)) => Some(receiver(conn, id)?),
        _ => None,
    };
    keys::table
        .filter(keys::owner_id.eq(owner_id).and(keys::deleted_at.is_null()))
        .select(keys::id)
        .order(keys::id)
        .for_update()
        .load::<i64>(conn)?;
    let mut changed = Vec::new();
    for key in queries::live_of(conn, &viewer, owner_id, Utc::now())? {
        let after = match handover {
            Handover::Leave => key.clone(),
            Handover::Transfer(_) => {
                give(conn, &viewer, &key, to.as_ref()).map_err(|error| taken(error, &key))?
            }
            Handover::Expire(at) => expire(conn, &viewer, &key, at)?,
            Handover::Disable => disable(conn, &viewer, &key.public_key)?,
        };
        if after != key {
            changed.push(after);
        }
    }
    Ok(changed)
}

/// Never later than it would have ended anyway.
fn expire(
    conn: &mut PgConnection,
    viewer: &Viewer,
    key: &Key,
    at: DateTime<Utc>,
) -> AppResult<Key> {
    if key.expires_at.is_some_and(|expiry| expiry <= at) {
        return Ok(key.clone());
    }
    diesel::update(keys::table.find(key.id))
        .set((keys::expires_at.eq(at), keys::version.eq(keys::version + 1)))
        .execute(conn)?;
    let details = json!({ "expires_at": [key.expires_at, at] });
    finish(conn, viewer, key, Action::KeyUpdated, details)
}

fn taken(error: AppError, key: &Key) -> AppError {
    if error.violates("keys_name") {
        return AppError::Unprocessable(format!(
            "They have a key already that looks like {} in {}, {}. Rename one of the two first, or choose somebody else.",
            key.name, key.application.name, key.environment.name
        ));
    }
    error
}
