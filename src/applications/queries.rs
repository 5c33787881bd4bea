//! Reading applications. Everybody with API access sees all of them; to anybody else there are none.

use diesel::{PgConnection, dsl, prelude::*};

use super::Application;
use crate::{
    error::{AppError, AppResult},
    schema::applications,
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
/// [`AppError::NotFound`], [`AppError::NoApiAccess`].
pub fn find(conn: &mut PgConnection, viewer: &Viewer, app_id: &str) -> AppResult<Application> {
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
