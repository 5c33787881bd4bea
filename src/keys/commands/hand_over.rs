//! What becomes of the keys of somebody who loses API access.

use chrono::{DateTime, Utc};
use diesel::{PgConnection, prelude::*};
use serde_json::{Value, json};

use super::{record, regenerate::end_overlap_by, transfer::receiver, turned};
use crate::{
    audit::Action,
    error::{AppError, AppResult},
    keys::{Key, Permissions, Status, queries},
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

/// Does that to every live key of a person and returns those that changed, as they were. Belongs after the
/// withdrawal, in its transaction: from then on the person makes no new ones.
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
    keys::table
        .filter(keys::owner_id.eq(owner_id).and(keys::deleted_at.is_null()))
        .select(keys::id)
        .order(keys::id)
        .for_no_key_update()
        .load::<i64>(conn)?;
    let live = queries::live_with_ids(conn, &viewer, owner_id, Utc::now())?;
    match handover {
        Handover::Leave => Ok(Vec::new()),
        Handover::Transfer(to) => transfer(conn, &viewer, owner_id, live, to),
        Handover::Expire(at) => expire(conn, &viewer, live, at),
        Handover::Disable => disable(conn, &viewer, live),
    }
}

fn transfer(
    conn: &mut PgConnection,
    viewer: &Viewer,
    owner_id: i64,
    live: Vec<(Key, Permissions)>,
    to: Option<i64>,
) -> AppResult<Vec<Key>> {
    if to == Some(owner_id) {
        return Err(AppError::Unprocessable("Choose somebody else.".into()));
    }
    let receiver = to.map(|id| receiver(conn, id)).transpose()?;
    if let Some(receiver) = &receiver {
        for (key, held) in &live {
            super::transfer::refuse_beyond(receiver, key, held)?;
        }
    }
    let moved: Vec<Key> = live.into_iter().map(|(key, _)| key).collect();
    for key in &moved {
        // One by one: the constraint does not say whose name it was.
        diesel::update(keys::table.find(key.id))
            .set(keys::owner_id.eq(to))
            .execute(conn)
            .map_err(|error| taken(error.into(), key))?;
    }
    tell(conn, viewer, &moved, Action::KeyTransferred, |key| {
        super::transfer::details(key, receiver.as_ref())
    })?;
    Ok(moved)
}

/// Never later than it would have ended anyway.
fn expire(
    conn: &mut PgConnection,
    viewer: &Viewer,
    live: Vec<(Key, Permissions)>,
    at: DateTime<Utc>,
) -> AppResult<Vec<Key>> {
    let later = |key: &Key| key.expires_at.is_none_or(|expiry| expiry > at);
    let shortened: Vec<Key> = live.into_iter().map(|(key, _)| key).filter(later).collect();
    let ids: Vec<i64> = shortened.iter().map(|key| key.id).collect();
    for id in &ids {
        end_overlap_by(conn, *id, Some(at))?;
    }
    diesel::update(keys::table.filter(keys::id.eq_any(ids)))
        .set((keys::expires_at.eq(at), keys::version.eq(keys::version + 1)))
        .execute(conn)?;
    let details = |key: &Key| json!({ "expires_at": [key.expires_at, at] });
    tell(conn, viewer, &shortened, Action::KeyUpdated, details)?;
    Ok(shortened)
}

fn disable(
    conn: &mut PgConnection,
    viewer: &Viewer,
    live: Vec<(Key, Permissions)>,
) -> AppResult<Vec<Key>> {
    let works = |key: &Key| key.disabled_at.is_none();
    let stopped: Vec<Key> = live.into_iter().map(|(key, _)| key).filter(works).collect();
    let ids: Vec<i64> = stopped.iter().map(|key| key.id).collect();
    diesel::update(keys::table.filter(keys::id.eq_any(ids)))
        .set(keys::disabled_at.eq(Utc::now()))
        .execute(conn)?;
    let details = |key: &Key| turned(key, Status::Inactive.slug());
    tell(conn, viewer, &stopped, Action::KeyDisabled, details)?;
    Ok(stopped)
}

fn tell(
    conn: &mut PgConnection,
    viewer: &Viewer,
    changed: &[Key],
    action: Action,
    details: impl Fn(&Key) -> Value,
) -> AppResult<()> {
    changed.iter().try_for_each(|key| record(conn, viewer, key, action, details(key)))
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
