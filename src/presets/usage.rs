//! What is in use, by slug: it stays whatever a preset says. A grant is no use: what goes, goes out of grants too.

use std::collections::HashSet;

use diesel::{
    PgConnection,
    dsl::{exists, not},
    prelude::*,
};

use crate::{
    error::AppResult,
    schema::{
        environments, gateways, key_permissions, key_resets, key_sections, keys, permissions,
        sections,
    },
};

/// Environments with keys, also deleted ones, or gateways.
pub fn environments(conn: &mut PgConnection) -> AppResult<HashSet<String>> {
    let used = exists(keys::table.filter(keys::environment_id.eq(environments::id)))
        .or(exists(gateways::table.filter(gateways::environment_id.eq(environments::id))))
        .or(exists(key_resets::table.filter(key_resets::environment_id.eq(environments::id))));
    Ok(environments::table
        .filter(used)
        .select(environments::slug)
        .load(conn)?
        .into_iter()
        .collect())
}

/// Environments in which no key was ever made: prefix and mode can still change.
pub fn without_keys(conn: &mut PgConnection) -> AppResult<HashSet<String>> {
    let made = exists(keys::table.filter(keys::environment_id.eq(environments::id)));
    Ok(environments::table
        .filter(not(made))
        .select(environments::slug)
        .load(conn)?
        .into_iter()
        .collect())
}

/// Sections that a key holds whole.
pub fn sections(conn: &mut PgConnection) -> AppResult<HashSet<String>> {
    let used = exists(key_sections::table.filter(key_sections::section_id.eq(sections::id)));
    Ok(sections::table.filter(used).select(sections::slug).load(conn)?.into_iter().collect())
}

/// Permissions that a key holds by themselves.
pub fn permissions(conn: &mut PgConnection) -> AppResult<HashSet<String>> {
    let used =
        exists(key_permissions::table.filter(key_permissions::permission_id.eq(permissions::id)));
    Ok(permissions::table.filter(used).select(permissions::slug).load(conn)?.into_iter().collect())
}
