//! Reading environments. Everybody with API access may know all of them.

use std::collections::HashMap;

use diesel::{
    PgConnection,
    dsl::{count_star, exists, sql},
    prelude::*,
    sql_types::Integer,
};

use super::{Environment, Mode};
use crate::{
    counted::{self, Count, MOST},
    error::{AppError, AppResult},
    keys::queries::in_time,
    schema::{environments, gateways, keys},
};

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

/// Those that take new keys and gateways, in their order.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn list_open(conn: &mut PgConnection) -> AppResult<Vec<Environment>> {
    Ok(list(conn)?.into_iter().filter(|environment| !environment.is_retired()).collect())
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
/// [`AppError::NotFound`].
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

/// The environment of that id, for something new in it. It cannot be retired or get another prefix until the
/// transaction ends.
///
/// # Errors
/// [`AppError::NotFound`]; [`AppError::Unprocessable`] when it is retired.
pub fn take(conn: &mut PgConnection, id: i64) -> AppResult<Environment> {
    environments::table.find(id).select(environments::id).for_share().first::<i64>(conn)?;
    let environment = find(conn, id)?;
    if environment.is_retired() {
        return Err(AppError::Unprocessable(format!(
            "{} is retired: it takes no new keys and gateways. Choose another environment.",
            environment.name
        )));
    }
    Ok(environment)
}

/// Whether any key was ever made in it; those that were deleted count, their public keys are still in the trail.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn has_keys(conn: &mut PgConnection, id: i64) -> AppResult<bool> {
    let made = keys::table.filter(keys::environment_id.eq(id));
    Ok(diesel::select(exists(made)).get_result(conn)?)
}

/// An environment with what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub environment: Environment,
    /// On the list of keys, whatever their status.
    pub keys: Count,
    /// That may ask.
    pub gateways: i64,
}

/// All of them, in their order, with what is in each.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn list_with_counts(conn: &mut PgConnection) -> AppResult<Vec<Listed>> {
    let environments = list(conn)?;
    let made_in = |environment: &Environment| {
        keys::table
            .filter(keys::deleted_at.is_null())
            .filter(keys::environment_id.eq(environment.id))
            .select(sql::<Integer>("1"))
    };
    let asked: Vec<_> = environments.iter().map(made_in).collect();
    let keys = in_time(conn, |conn| counted::count(conn, &asked, MOST))?;
    let gateways: HashMap<i64, i64> = gateways::table
        .filter(gateways::revoked_at.is_null())
        .group_by(gateways::environment_id)
        .select((gateways::environment_id, count_star()))
        .load(conn)?
        .into_iter()
        .collect();
    Ok(environments
        .into_iter()
        .zip(keys)
        .map(|(environment, keys)| Listed {
            keys,
            gateways: gateways.get(&environment.id).copied().unwrap_or_default(),
            environment,
        })
        .collect())
}
