//! Stopping many keys at once: all of them or none.

use chrono::Utc;
use diesel::{PgConnection, prelude::*};

use super::{may_revoke, status::parse_reason, turned};
use crate::{
    audit::{self, Action},
    error::{AppError, AppResult},
    keys::{
        Key, Status, queries,
        selection::{BulkAct, Plan, Selection, fingerprint},
    },
    schema::keys,
    users::Viewer,
};

/// What became of it.
#[derive(Debug)]
pub enum Outcome {
    /// What was done, and what was left alone.
    Done(Plan),
    /// Other keys match now than when it was asked: nothing was changed.
    Stale,
}

/// Disables or revokes every key of a selection, in one transaction. `seen` is what the summary was drawn of.
///
/// # Errors
/// [`AppError::NotFound`] when one of them is not the viewer's; [`AppError::Forbidden`] to revoke where the policy leaves
/// it to administrators; [`AppError::Unprocessable`] for too many keys, or a reason that cannot be shown.
pub fn stop_all(
    conn: &mut PgConnection,
    viewer: &Viewer,
    act: BulkAct,
    selection: &Selection,
    seen: &str,
    reason: &str,
) -> AppResult<Outcome> {
    let viewer = viewer.confirm_api_access(conn)?;
    if act == BulkAct::Revoke && !may_revoke(conn, &viewer)? {
        return Err(AppError::Forbidden);
    }
    let reason = parse_reason(Some(reason))?;
    let now = Utc::now();
    let ids = queries::select(conn, &viewer, selection, now)?;
    if selection.is_by_filter() && fingerprint(&ids) != seen {
        return Ok(Outcome::Stale);
    }
    // In the order of their ids, so that two of these wait for each other instead of for ever.
    let held: Vec<i64> = keys::table
        .filter(keys::id.eq_any(&ids))
        .order(keys::id)
        .select(keys::id)
        .for_no_key_update()
        .load(conn)?;
    let found = queries::by_ids(conn, &viewer, &held)?;
    if found.len() != ids.len() {
        // One of them was deleted a moment ago.
        return Err(AppError::NotFound);
    }
    let plan = Plan::of(act, found);
    let changing: Vec<i64> = plan.changing.iter().map(|key| key.id).collect();
    let rows = keys::table.filter(keys::id.eq_any(&changing));
    let (action, reason) = match act {
        BulkAct::Disable => {
            diesel::update(rows).set(keys::disabled_at.eq(now)).execute(conn)?;
            (Action::KeyDisabled, None)
        }
        BulkAct::Revoke => {
            diesel::update(rows)
                .set((keys::revoked_at.eq(now), keys::revoke_reason.eq(&reason)))
                .execute(conn)?;
            (Action::KeyRevoked, reason)
        }
    };
    let becomes = if act == BulkAct::Disable { Status::Inactive } else { Status::Revoked };
    let event = |key: &Key| {
        let mut details = turned(key, becomes.slug());
        if let Some(reason) = &reason {
            details["reason"] = reason.as_str().into();
        }
        (key.public_key.clone(), key.name.clone(), details)
    };
    audit::record_each(conn, &viewer, action, plan.changing.iter().map(event).collect())?;
    Ok(Outcome::Done(plan))
}
