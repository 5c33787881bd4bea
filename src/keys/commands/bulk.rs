//! Stopping many keys at once: all of them or none.

use chrono::{DateTime, Utc};
use diesel::{PgConnection, prelude::*};

use super::{may_revoke, status::parse_reason, turned};
use crate::{
    audit::{self, Action},
    error::{AppError, AppResult},
    jobs::{self, NewJob, Work},
    keys::{
        Key, Status, queries,
        selection::{AT_ONCE, BulkAct, Plan, Selection, fingerprint},
        stopping::Bulk,
    },
    schema::keys,
    users::Viewer,
};

/// So many are changed by one statement.
const IN_A_STATEMENT: usize = 500;

/// What became of it.
#[derive(Debug)]
pub enum Outcome {
    /// What was done, and what was left alone.
    Done(Plan),
    /// These are many: the job of this id does it.
    Later(i64),
    /// Other keys match now than when it was asked: nothing was changed.
    Stale,
}

/// Disables or revokes every key of a selection, in one transaction; of many keys, asks for a job that does the same.
/// `seen` is what the summary was drawn of.
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
    let viewer = confirm(conn, viewer, act)?;
    let reason = parse_reason(Some(reason))?;
    let now = Utc::now();
    let ids = queries::select(conn, &viewer, selection, now)?;
    if selection.is_by_filter() && fingerprint(&ids) != seen {
        return Ok(Outcome::Stale);
    }
    if ids.len() > AT_ONCE {
        // Who presses twice gets one job.
        let key = format!("bulk {:?} {} {}", viewer.id, act.slug(), fingerprint(&ids));
        let work = Work::Bulk(Bulk { act, ids, reason });
        let asked = jobs::start(conn, &viewer, NewJob::of(&viewer, work).once(key))?;
        return Ok(Outcome::Later(asked.id));
    }
    let plan = stop(conn, &viewer, act, &ids, reason.as_deref(), now, |_| AppResult::Ok(()))?;
    if plan.gone > 0 {
        // One of them was deleted a moment ago.
        return Err(AppError::NotFound);
    }
    Ok(Outcome::Done(plan))
}

/// [`stop_all`] for the job that was asked for: exactly these keys, as far as they are still the viewer's. `told` hears
/// how many are done, and may stop it: then none is.
///
/// # Errors
/// [`AppError::NoApiAccess`], [`AppError::Forbidden`]; what `told` answers.
pub fn stop_these<E: From<AppError>>(
    conn: &mut PgConnection,
    viewer: &Viewer,
    bulk: &Bulk,
    told: impl FnMut(usize) -> Result<(), E>,
) -> Result<Plan, E> {
    let viewer = confirm(conn, viewer, bulk.act)?;
    stop(conn, &viewer, bulk.act, &bulk.ids, bulk.reason.as_deref(), Utc::now(), told)
}

fn confirm(conn: &mut PgConnection, viewer: &Viewer, act: BulkAct) -> AppResult<Viewer> {
    let viewer = viewer.confirm_api_access(conn)?;
    if act == BulkAct::Revoke && !may_revoke(conn, &viewer)? {
        return Err(AppError::Forbidden);
    }
    Ok(viewer)
}

/// In the order of their ids, so that two of these wait for each other instead of for ever.
fn stop<E: From<AppError>>(
    conn: &mut PgConnection,
    viewer: &Viewer,
    act: BulkAct,
    ids: &[i64],
    reason: Option<&str>,
    now: DateTime<Utc>,
    mut told: impl FnMut(usize) -> Result<(), E>,
) -> Result<Plan, E> {
    let mut plan = Plan::of(act, Vec::new());
    let mut done = 0;
    for some in ids.chunks(IN_A_STATEMENT) {
        told(done)?;
        plan.extend(stop_some(conn, viewer, act, some, reason, now)?);
        done += some.len();
    }
    told(done)?;
    Ok(plan)
}

fn stop_some(
    conn: &mut PgConnection,
    viewer: &Viewer,
    act: BulkAct,
    ids: &[i64],
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> AppResult<Plan> {
    let held: Vec<i64> = keys::table
        .filter(keys::id.eq_any(ids))
        .order(keys::id)
        .select(keys::id)
        .for_no_key_update()
        .load(conn)?;
    let found = queries::by_ids(conn, viewer, &held)?;
    let gone = ids.len() - found.len();
    let plan = Plan { gone, ..Plan::of(act, found) };
    let changing: Vec<i64> = plan.changing.iter().map(|key| key.id).collect();
    let rows = keys::table.filter(keys::id.eq_any(&changing));
    let (action, reason) = match act {
        BulkAct::Disable => {
            diesel::update(rows).set(keys::disabled_at.eq(now)).execute(conn)?;
            (Action::KeyDisabled, None)
        }
        BulkAct::Revoke => {
            diesel::update(rows)
                .set((keys::revoked_at.eq(now), keys::revoke_reason.eq(reason)))
                .execute(conn)?;
            (Action::KeyRevoked, reason)
        }
    };
    let becomes = if act == BulkAct::Disable { Status::Inactive } else { Status::Revoked };
    let event = |key: &Key| {
        let mut details = turned(key, becomes.slug());
        if let Some(reason) = reason {
            details["reason"] = reason.into();
        }
        (key.public_key.clone(), key.name.clone(), details)
    };
    audit::record_each(conn, viewer, action, plan.changing.iter().map(event).collect())?;
    Ok(plan)
}
