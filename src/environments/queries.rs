//! Reading environments. Everybody with API access may know all of them.

use diesel::{PgConnection, prelude::*};

use super::{Environment, Mode};
use crate::{error::AppResult, schema::environments};

/// All of them, in their order.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn list(conn: &mut PgConnection) -> AppResult<Vec<Environment>> {
    Ok(environments::table
        .select(Environment::as_select())
        .order((environments::position, environments::id))
        .load(conn)?)
}

/// The ids of all environments of a mode.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn ids_in(conn: &mut PgConnection, mode: Mode) -> AppResult<Vec<i64>> {
    Ok(environments::table
        .filter(environments::mode.eq(mode.slug()))
        .select(environments::id)
        .load(conn)?)
}

/// The environment of that id.
///
/// # Errors
/// [`crate::error::AppError::NotFound`].
pub fn find(conn: &mut PgConnection, id: i64) -> AppResult<Environment> {
    Ok(environments::table.find(id).select(Environment::as_select()).first(conn)?)
}

/// The environment of that slug, if there is one.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn find_by_slug(conn: &mut PgConnection, slug: &str) -> AppResult<Option<Environment>> {
    Ok(environments::table
        .filter(environments::slug.eq(slug))
        .select(Environment::as_select())
        .first(conn)
        .optional()?)
}
