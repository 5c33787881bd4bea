//! Changing environments: administrators only. Each act holds the row still, so that no key is made meanwhile under
//! a prefix or in an environment that it is about to lose.

use chrono::{DateTime, Utc};
use diesel::{PgConnection, prelude::*};
use serde_json::{Map, Value, json};

use super::{Environment, Mode, model::NewEnvironment, queries};
use crate::{
    audit::{self, Action, Subject},
    error::{AppError, AppResult},
    order::{Direction, moved, place},
    schema::environments,
    settings,
    users::Viewer,
};

/// What an edit may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    pub name: String,
    /// `None`: as it is.
    pub prefix_and_mode: Option<(String, Mode)>,
    pub longest_days: Option<i32>,
    pub allows_never: bool,
}

/// Adds an environment, as the last of them.
///
/// # Errors
/// [`AppError::Forbidden`]; violates `environments_slug` or `environments_prefix` when another has it.
pub fn create(
    conn: &mut PgConnection,
    viewer: &Viewer,
    new: &NewEnvironment,
) -> AppResult<Environment> {
    let viewer = begin(conn, viewer)?;
    let last: Option<i32> =
        environments::table.select(diesel::dsl::max(environments::position)).first(conn)?;
    let id: i64 = diesel::insert_into(environments::table)
        .values((
            environments::slug.eq(&new.slug),
            environments::name.eq(&new.name),
            environments::prefix.eq(&new.prefix),
            environments::mode.eq(new.mode.slug()),
            environments::longest_days.eq(new.longest_days),
            environments::allows_never.eq(new.allows_never),
            environments::position.eq(last.unwrap_or_default() + 1),
        ))
        .returning(environments::id)
        .get_result(conn)?;
    let details = json!({
        "prefix": new.prefix,
        "mode": new.mode.slug(),
        "longest_days": new.longest_days,
        "allows_never": new.allows_never,
    });
    finish(conn, &viewer, id, Action::EnvironmentCreated, details)
}

/// Changes name and policy; prefix and mode only while no key was ever made in it. Nothing is written when nothing
/// changes.
///
/// # Errors
/// As [`create`]; [`AppError::NotFound`]; [`AppError::Conflict`] when prefix or mode are fixed.
pub fn update(
    conn: &mut PgConnection,
    viewer: &Viewer,
    id: i64,
    changes: &Changes,
) -> AppResult<Environment> {
    let viewer = begin(conn, viewer)?;
    let before = hold(conn, id)?;
    let (prefix, mode) =
        changes.prefix_and_mode.clone().unwrap_or((before.prefix.clone(), before.mode));
    if (&prefix, mode) != (&before.prefix, before.mode) && queries::has_keys(conn, id)? {
        return Err(AppError::Conflict(format!(
            "Keys have been made in {} meanwhile, so its prefix and mode are fixed. Nothing was changed.",
            before.name
        )));
    }
    let after = Environment {
        name: changes.name.clone(),
        prefix,
        mode,
        longest_days: changes.longest_days,
        allows_never: changes.allows_never,
        ..before.clone()
    };
    let details = difference(&before, &after);
    if details.is_empty() {
        return Ok(before);
    }
    diesel::update(environments::table.find(id))
        .set((
            environments::name.eq(&after.name),
            environments::prefix.eq(&after.prefix),
            environments::mode.eq(after.mode.slug()),
            environments::longest_days.eq(after.longest_days),
            environments::allows_never.eq(after.allows_never),
        ))
        .execute(conn)?;
    finish(conn, &viewer, id, Action::EnvironmentUpdated, details.into())
}

/// Moves an environment past its neighbour. The first stays when it is moved up, the last when down.
///
/// # Errors
/// [`AppError::Forbidden`], [`AppError::NotFound`].
pub fn reorder(
    conn: &mut PgConnection,
    viewer: &Viewer,
    id: i64,
    to: Direction,
) -> AppResult<Environment> {
    let viewer = begin(conn, viewer)?;
    let before = hold(conn, id)?;
    let order: Vec<i64> = environments::table
        .order((environments::position, environments::id))
        .select(environments::id)
        .load(conn)?;
    let was = place(&order, id);
    let Some(order) = moved(order, id, to) else { return Ok(before) };
    for (id, position) in order.iter().zip(1..) {
        diesel::update(environments::table.find(id))
            .set(environments::position.eq(position))
            .execute(conn)?;
    }
    let details = json!({ "position": [was, place(&order, id)] });
    finish(conn, &viewer, id, Action::EnvironmentUpdated, details)
}

/// From now on it takes no new keys and gateways; those it has go on. Retiring twice keeps the first date.
///
/// # Errors
/// [`AppError::Forbidden`], [`AppError::NotFound`].
pub fn retire(conn: &mut PgConnection, viewer: &Viewer, id: i64) -> AppResult<Environment> {
    let viewer = begin(conn, viewer)?;
    let before = hold(conn, id)?;
    if before.retired_at.is_some() {
        return Ok(before);
    }
    diesel::update(environments::table.find(id))
        .set(environments::retired_at.eq(Utc::now()))
        .execute(conn)?;
    finish(conn, &viewer, id, Action::EnvironmentRetired, json!({ "retired": [false, true] }))
}

/// Lets a retired one take keys and gateways again.
///
/// # Errors
/// [`AppError::Forbidden`], [`AppError::NotFound`].
pub fn restore(conn: &mut PgConnection, viewer: &Viewer, id: i64) -> AppResult<Environment> {
    let viewer = begin(conn, viewer)?;
    let before = hold(conn, id)?;
    if before.retired_at.is_none() {
        return Ok(before);
    }
    diesel::update(environments::table.find(id))
        .set(environments::retired_at.eq(None::<DateTime<Utc>>))
        .execute(conn)?;
    finish(conn, &viewer, id, Action::EnvironmentRestored, json!({ "retired": [true, false] }))
}

/// One change at a time: order and uniqueness concern all of them.
fn begin(conn: &mut PgConnection, viewer: &Viewer) -> AppResult<Viewer> {
    let viewer = viewer.confirm_administrator(conn)?;
    settings::hold(conn)?;
    Ok(viewer)
}

fn hold(conn: &mut PgConnection, id: i64) -> AppResult<Environment> {
    environments::table.find(id).select(environments::id).for_update().first::<i64>(conn)?;
    queries::find(conn, id)
}

fn finish(
    conn: &mut PgConnection,
    viewer: &Viewer,
    id: i64,
    action: Action,
    details: Value,
) -> AppResult<Environment> {
    let environment = queries::find(conn, id)?;
    let subject = Subject { id: &environment.subject(), name: &environment.name };
    audit::record(conn, viewer, action, subject, details)?;
    Ok(environment)
}

fn difference(before: &Environment, after: &Environment) -> Map<String, Value> {
    let facts = |environment: &Environment| {
        [
            ("name", json!(environment.name)),
            ("prefix", json!(environment.prefix)),
            ("mode", json!(environment.mode.slug())),
            ("longest_days", json!(environment.longest_days)),
            ("allows_never", json!(environment.allows_never)),
        ]
    };
    facts(before)
        .into_iter()
        .zip(facts(after))
        .filter(|(was, is)| was != is)
        .map(|((field, was), (_, is))| (field.to_owned(), json!([was, is])))
        .collect()
}
