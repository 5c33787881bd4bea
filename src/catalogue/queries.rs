//! Reading one section or permission, and who holds it.

use chrono::Utc;
use diesel::{PgConnection, dsl::exists, prelude::*};

use crate::{
    error::{AppError, AppResult},
    keys::is_active,
    schema::{key_permissions, key_sections, keys, permissions},
    scopes::{self, Permission, Section},
};

/// The section of that id, with its permissions.
///
/// # Errors
/// [`AppError::NotFound`].
pub fn find_section(conn: &mut PgConnection, id: i64) -> AppResult<Section> {
    let catalogue = scopes::catalogue(conn)?;
    catalogue.into_iter().find(|section| section.id == id).ok_or(AppError::NotFound)
}

/// The permission of that id.
///
/// # Errors
/// [`AppError::NotFound`].
pub fn find_permission(conn: &mut PgConnection, id: i64) -> AppResult<Permission> {
    Ok(permissions::table.find(id).select(Permission::as_select()).first(conn)?)
}

/// How many active keys hold a permission: by itself, with its section, or with everything.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn holders(conn: &mut PgConnection, permission: &Permission) -> AppResult<i64> {
    let single = key_permissions::table.filter(
        key_permissions::key_id.eq(keys::id).and(key_permissions::permission_id.eq(permission.id)),
    );
    let whole = key_sections::table.filter(
        key_sections::key_id.eq(keys::id).and(key_sections::section_id.eq(permission.section_id)),
    );
    let held = keys::all_permissions.or(exists(single)).or(exists(whole));
    Ok(keys::table.filter(is_active(Utc::now())).filter(held).count().get_result(conn)?)
}

/// How many active keys hold a section whole, or everything, or something in it.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn section_holders(conn: &mut PgConnection, section: &Section) -> AppResult<i64> {
    let ids: Vec<i64> = section.permissions.iter().map(|permission| permission.id).collect();
    let single = key_permissions::table.filter(
        key_permissions::key_id.eq(keys::id).and(key_permissions::permission_id.eq_any(ids)),
    );
    let whole = key_sections::table
        .filter(key_sections::key_id.eq(keys::id).and(key_sections::section_id.eq(section.id)));
    let held = keys::all_permissions.or(exists(single)).or(exists(whole));
    Ok(keys::table.filter(is_active(Utc::now())).filter(held).count().get_result(conn)?)
}
