//! Reading applications. Everybody with API access sees all of them; to anybody else there are none.

use std::collections::HashMap;

use chrono::Utc;
use diesel::{PgConnection, dsl, prelude::*};

use super::Application;
use crate::{
    error::{AppError, AppResult},
    keys::is_active,
    schema::{applications, keys},
    users::Viewer,
};

type Applications = dsl::Select<applications::table, dsl::AsSelect<Application, diesel::pg::Pg>>;

fn visible_to(viewer: &Viewer) -> AppResult<Applications> {
    if viewer.has_api_access() {
        Ok(applications::table.select(Application::as_select()))
    } else {
        Err(AppError::NoApiAccess)
    }
}

/// All of them, by name.
///
/// # Errors
/// [`AppError::NoApiAccess`].
pub fn list(conn: &mut PgConnection, viewer: &Viewer) -> AppResult<Vec<Application>> {
    Ok(visible_to(viewer)?.order((applications::name_skeleton, applications::id)).load(conn)?)
}

/// The application of that App ID.
///
/// # Errors
/// [`AppError::NotFound`], also for what cannot be an App ID; [`AppError::NoApiAccess`].
pub fn find(conn: &mut PgConnection, viewer: &Viewer, app_id: &str) -> AppResult<Application> {
    if !app_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err(AppError::NotFound);
    }
    Ok(visible_to(viewer)?.filter(applications::app_id.eq(app_id)).first(conn)?)
}

/// The application of exactly that name.
///
/// # Errors
/// [`AppError::NotFound`], [`AppError::NoApiAccess`].
pub fn find_by_name(
    conn: &mut PgConnection,
    viewer: &Viewer,
    name: &str,
) -> AppResult<Application> {
    Ok(visible_to(viewer)?.filter(applications::name.eq(name)).first(conn)?)
}

type ActiveKeys<'a> = keys::BoxedQuery<'a, diesel::pg::Pg>;

/// How many active keys the viewer sees, by application.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn count_active_keys(conn: &mut PgConnection, viewer: &Viewer) -> AppResult<HashMap<i64, i64>> {
    let mut counted = keys::table
        .group_by(keys::application_id)
        .select((keys::application_id, dsl::count_star()))
        .filter(is_active(Utc::now()))
        .into_boxed();
    if !viewer.is_administrator() {
        counted = counted.filter(keys::owner_id.eq(viewer.id));
    }
    Ok(counted.load::<(i64, i64)>(conn)?.into_iter().collect())
}

/// How many active keys of one application the viewer sees.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn count_active_keys_of(
    conn: &mut PgConnection,
    viewer: &Viewer,
    application_id: i64,
) -> AppResult<i64> {
    let mut counted: ActiveKeys<'_> = keys::table.into_boxed();
    counted = counted.filter(keys::application_id.eq(application_id)).filter(is_active(Utc::now()));
    if !viewer.is_administrator() {
        counted = counted.filter(keys::owner_id.eq(viewer.id));
    }
    Ok(counted.count().get_result(conn)?)
}
