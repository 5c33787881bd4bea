//! Reading the catalogue. Everybody with API access may know all of it.

use chrono::{DateTime, Utc};
use diesel::{PgConnection, prelude::*};

use super::{Permission, Section};
use crate::{
    error::AppResult,
    schema::{permissions, sections},
};

/// All sections with their permissions, in their order.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn catalogue(conn: &mut PgConnection) -> AppResult<Vec<Section>> {
    let named: Vec<(i64, String, String, Option<DateTime<Utc>>)> = sections::table
        .select((sections::id, sections::slug, sections::name, sections::retired_at))
        .order((sections::position, sections::id))
        .load(conn)?;
    let mut permissions: Vec<Permission> = permissions::table
        .select(Permission::as_select())
        .order((permissions::position, permissions::id))
        .load(conn)?;
    Ok(named
        .into_iter()
        .map(|(id, slug, name, retired_at)| {
            let (own, others) =
                permissions.drain(..).partition(|permission| permission.section_id == id);
            permissions = others;
            Section { id, slug, name, retired_at, permissions: own }
        })
        .collect())
}

/// The permission of that slug, spelled exactly so.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn find(conn: &mut PgConnection, slug: &str) -> AppResult<Option<Permission>> {
    Ok(permissions::table
        .filter(permissions::slug.eq(slug))
        .select(Permission::as_select())
        .first(conn)
        .optional()?)
}

/// The id of the section of that slug, spelled exactly so.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn find_section(conn: &mut PgConnection, slug: &str) -> AppResult<Option<i64>> {
    Ok(sections::table
        .filter(sections::slug.eq(slug))
        .select(sections::id)
        .first(conn)
        .optional()?)
}
