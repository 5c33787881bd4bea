//! Changing permissions.

use chrono::{DateTime, Utc};
use diesel::{PgConnection, prelude::*};
use serde_json::json;

use super::{begin, difference, record};
use crate::{
    audit::Action,
    catalogue::queries,
    error::AppResult,
    order::{Direction, moved, place},
    schema::permissions,
    scopes::{Access, Permission},
    users::Viewer,
};

/// A permission about to be added. It is not browser-safe: that is a decision of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPermission {
    pub section_id: i64,
    pub slug: String,
    pub label: String,
    pub description: String,
    pub access: Access,
}

/// What an edit may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionChanges {
    pub label: String,
    pub description: String,
    pub access: Access,
}

/// Adds a permission, as the last of its section. Keys that hold the whole section hold it at once.
///
/// # Errors
/// [`crate::error::AppError::Forbidden`]; [`crate::error::AppError::NotFound`] for the section; violates
/// `permissions_slug` when another has the slug.
pub fn add_permission(
    conn: &mut PgConnection,
    viewer: &Viewer,
    new: &NewPermission,
) -> AppResult<Permission> {
    let viewer = begin(conn, viewer)?;
    let section = queries::find_section(conn, new.section_id)?;
    let last: Option<i32> = permissions::table
        .filter(permissions::section_id.eq(section.id))
        .select(diesel::dsl::max(permissions::position))
        .first(conn)?;
    let id: i64 = diesel::insert_into(permissions::table)
        .values((
            permissions::section_id.eq(section.id),
            permissions::slug.eq(&new.slug),
            permissions::label.eq(&new.label),
            permissions::description.eq(&new.description),
            permissions::access.eq(new.access.slug()),
            permissions::position.eq(last.unwrap_or_default() + 1),
        ))
        .returning(permissions::id)
        .get_result(conn)?;
    let permission = queries::find_permission(conn, id)?;
    let details = json!({ "section": section.slug, "access": new.access.slug() });
    record(conn, &viewer, Action::PermissionCreated, &permission, details)?;
    Ok(permission)
}

/// Changes the words of a permission and its access type. Nothing is written when nothing changes.
///
/// # Errors
/// [`crate::error::AppError::Forbidden`], [`crate::error::AppError::NotFound`].
pub fn update_permission(
    conn: &mut PgConnection,
    viewer: &Viewer,
    id: i64,
    changes: &PermissionChanges,
) -> AppResult<Permission> {
    let viewer = begin(conn, viewer)?;
    let before = hold(conn, id)?;
    let details = difference(&[
        ("label", &before.label, &changes.label),
        ("description", &before.description, &changes.description),
        ("access", before.access.slug(), changes.access.slug()),
    ]);
    if details == json!({}) {
        return Ok(before);
    }
    diesel::update(permissions::table.find(id))
        .set((
            permissions::label.eq(&changes.label),
            permissions::description.eq(&changes.description),
            permissions::access.eq(changes.access.slug()),
        ))
        .execute(conn)?;
    let permission = queries::find_permission(conn, id)?;
    record(conn, &viewer, Action::PermissionUpdated, &permission, details)?;
    Ok(permission)
}

/// Moves a permission past its neighbour in the section.
///
/// # Errors
/// As [`update_permission`].
pub fn move_permission(
    conn: &mut PgConnection,
    viewer: &Viewer,
    id: i64,
    to: Direction,
) -> AppResult<Permission> {
    let viewer = begin(conn, viewer)?;
    let permission = hold(conn, id)?;
    let order: Vec<i64> = permissions::table
        .filter(permissions::section_id.eq(permission.section_id))
        .order((permissions::position, permissions::id))
        .select(permissions::id)
        .load(conn)?;
    let was = place(&order, id);
    let Some(order) = moved(order, id, to) else { return Ok(permission) };
    for (id, position) in order.iter().zip(1..) {
        diesel::update(permissions::table.find(id))
            .set(permissions::position.eq(position))
            .execute(conn)?;
    }
    let details = json!({ "position": [was, place(&order, id)] });
    record(conn, &viewer, Action::PermissionUpdated, &permission, details)?;
    Ok(permission)
}

/// Lets the public key alone do this, for every key that holds it.
///
/// # Errors
/// As [`update_permission`].
pub fn publish(conn: &mut PgConnection, viewer: &Viewer, id: i64) -> AppResult<Permission> {
    set_publishable(conn, viewer, id, true)
}

/// From now on the secret is needed again; public keys alone are refused at once.
///
/// # Errors
/// As [`update_permission`].
pub fn withhold(conn: &mut PgConnection, viewer: &Viewer, id: i64) -> AppResult<Permission> {
    set_publishable(conn, viewer, id, false)
}

fn set_publishable(
    conn: &mut PgConnection,
    viewer: &Viewer,
    id: i64,
    publishable: bool,
) -> AppResult<Permission> {
    let viewer = begin(conn, viewer)?;
    let before = hold(conn, id)?;
    if before.publishable == publishable {
        return Ok(before);
    }
    diesel::update(permissions::table.find(id))
        .set(permissions::publishable.eq(publishable))
        .execute(conn)?;
    let action = if publishable { Action::PermissionPublished } else { Action::PermissionWithheld };
    let details = json!({
        "browser_safe": [!publishable, publishable],
        "keys": queries::holders(conn, &before)?,
    });
    record(conn, &viewer, action, &before, details)?;
    queries::find_permission(conn, id)
}

/// It is not granted from now on; keys that hold it keep it. Retiring twice keeps the first date.
///
/// # Errors
/// As [`update_permission`].
pub fn retire_permission(
    conn: &mut PgConnection,
    viewer: &Viewer,
    id: i64,
) -> AppResult<Permission> {
    let viewer = begin(conn, viewer)?;
    let before = hold(conn, id)?;
    if before.retired_at.is_some() {
        return Ok(before);
    }
    set_retired(conn, id, Some(Utc::now()))?;
    let details = json!({ "retired": [false, true], "keys": queries::holders(conn, &before)? });
    record(conn, &viewer, Action::PermissionRetired, &before, details)?;
    queries::find_permission(conn, id)
}

/// Lets a retired permission be granted again.
///
/// # Errors
/// As [`update_permission`].
pub fn restore_permission(
    conn: &mut PgConnection,
    viewer: &Viewer,
    id: i64,
) -> AppResult<Permission> {
    let viewer = begin(conn, viewer)?;
    let before = hold(conn, id)?;
    if before.retired_at.is_none() {
        return Ok(before);
    }
    set_retired(conn, id, None)?;
    record(
        conn,
        &viewer,
        Action::PermissionRestored,
        &before,
        json!({ "retired": [true, false] }),
    )?;
    queries::find_permission(conn, id)
}

fn set_retired(conn: &mut PgConnection, id: i64, at: Option<DateTime<Utc>>) -> AppResult<()> {
    diesel::update(permissions::table.find(id))
        .set(permissions::retired_at.eq(at))
        .execute(conn)?;
    Ok(())
}

/// The permission, which is granted to no key until the transaction ends.
fn hold(conn: &mut PgConnection, id: i64) -> AppResult<Permission> {
    permissions::table.find(id).select(permissions::id).for_update().first::<i64>(conn)?;
    queries::find_permission(conn, id)
}
