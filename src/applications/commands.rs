//! Changing applications: administrators only.

use diesel::{PgConnection, prelude::*};
use serde_json::json;

use super::model::Application;
use crate::{
    audit::{self, Action, Subject},
    changes::Change,
    credentials::{self, Secret},
    error::{AppError, AppResult},
    schema::applications,
    text,
    users::Viewer,
};

/// Adds an application. Its secret is shown this once.
///
/// # Errors
/// [`AppError::Forbidden`]; [`AppError::Unprocessable`] for the name;
/// violates `applications_name` when another one looks the same.
pub fn create(
    conn: &mut PgConnection,
    viewer: &Viewer,
    name: &str,
) -> AppResult<(Application, Secret)> {
    let viewer = viewer.confirm_administrator(conn)?;
    let name = text::parse_name("Name", name, 100).map_err(AppError::Unprocessable)?;
    let secret = Secret::for_application();
    let application: Application = diesel::insert_into(applications::table)
        .values((
            applications::app_id.eq(credentials::app_id()),
            applications::name.eq(&name),
            applications::name_skeleton.eq(text::look(&name)),
            applications::secret_hash.eq(secret.hash().as_bytes()),
            applications::created_by.eq(viewer.id),
        ))
        .returning(Application::as_returning())
        .get_result(conn)?;
    let subject = Subject { id: &application.app_id, name: &application.name };
    audit::record(conn, &viewer, Action::ApplicationCreated, subject, json!({}))?;
    Ok((application, secret))
}

/// Gives an application another name. Nothing is written when it has that name already.
///
/// # Errors
/// As [`create`], and [`AppError::NotFound`].
pub fn rename(
    conn: &mut PgConnection,
    viewer: &Viewer,
    app_id: &str,
    name: &str,
) -> AppResult<Application> {
    let viewer = viewer.confirm_administrator(conn)?;
    let name = text::parse_name("Name", name, 100).map_err(AppError::Unprocessable)?;
    let before: Application = applications::table
        .filter(applications::app_id.eq(app_id))
        .select(Application::as_select())
        .for_update()
        .first(conn)?;
    if before.name == name {
        return Ok(before);
    }
    diesel::update(applications::table.find(before.id))
        .set((applications::name.eq(&name), applications::name_skeleton.eq(text::look(&name))))
        .execute(conn)?;
    let subject = Subject { id: &before.app_id, name: &name };
    let details = json!({ "name": [before.name, name] });
    audit::record(conn, &viewer, Action::ApplicationRenamed, subject, details)?;
    Change::Application(before.id).announce(conn)?;
    Ok(Application { name, ..before })
}
