//! Changing applications: administrators only.

use chrono::{DateTime, Utc};
use diesel::{PgConnection, prelude::*};
use serde_json::{Value, json};

use super::{model::Application, queries};
use crate::{
    audit::{self, Action, Subject},
    credentials::{self, Secret},
    error::{AppError, AppResult},
    keys::is_active,
    schema::{applications, keys},
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
    let details = json!({ "name": application.name });
    audit::record(conn, &viewer, Action::ApplicationCreated, subject, details)?;
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
    let before = take(conn, app_id)?;
    if before.name == name {
        return Ok(before);
    }
    diesel::update(applications::table.find(before.id))
        .set((applications::name.eq(&name), applications::name_skeleton.eq(text::look(&name))))
        .execute(conn)?;
    let subject = Subject { id: &before.app_id, name: &name };
    let details = json!({ "name": [before.name, name] });
    audit::record(conn, &viewer, Action::ApplicationRenamed, subject, details)?;
    Ok(Application { name, ..before })
}

/// Gives an application a new App Secret; the old one stops now. `made` is when the one that the page showed was made,
/// so that of several rotations at once one wins: nobody is shown a secret that is dead already.
///
/// # Errors
/// [`AppError::Forbidden`]; [`AppError::NotFound`]; [`AppError::Conflict`] when it was rotated meanwhile or is archived.
pub fn rotate(
    conn: &mut PgConnection,
    viewer: &Viewer,
    app_id: &str,
    made: DateTime<Utc>,
) -> AppResult<(Application, Secret)> {
    let viewer = viewer.confirm_administrator(conn)?;
    let before = take(conn, app_id)?;
    if before.secret_created_at != made {
        return Err(AppError::Conflict(
            "The App Secret was rotated meanwhile, and nothing was done now. Open the application to see how it is.".into(),
        ));
    }
    refuse_archived(&before.name, before.archived_at)?;
    let secret = Secret::for_application();
    let application = diesel::update(applications::table.find(before.id))
        .set((
            applications::secret_hash.eq(secret.hash().as_bytes()),
            applications::secret_created_at.eq(Utc::now()),
            applications::secret_last_used_at.eq(None::<DateTime<Utc>>),
        ))
        .returning(Application::as_returning())
        .get_result(conn)?;
    let details = json!({ "secret_made_at": [made, application.secret_created_at] });
    record(conn, &viewer, &application, Action::ApplicationSecretRotated, details)?;
    Ok((application, secret))
}

/// Takes an application off the list: no new keys, no App Secret. Archiving twice keeps the first date.
///
/// # Errors
/// [`AppError::Forbidden`]; [`AppError::NotFound`]; [`AppError::Conflict`] while active keys belong to it.
pub fn archive(conn: &mut PgConnection, viewer: &Viewer, app_id: &str) -> AppResult<Application> {
    let viewer = viewer.confirm_administrator(conn)?;
    // Held still: whoever makes or enables a key of it holds it too.
    let before = take(conn, app_id)?;
    if before.is_archived() {
        return Ok(before);
    }
    let active: i64 = keys::table
        .filter(keys::application_id.eq(before.id))
        .filter(is_active(Utc::now()))
        .count()
        .get_result(conn)?;
    if active > 0 {
        return Err(AppError::Conflict(
            "Active keys belong to this application. Revoke or disable them first.".into(),
        ));
    }
    set_archived(conn, &viewer, before.id, Some(Utc::now()), Action::ApplicationArchived)
}

/// Brings an archived application back, with the App Secret it had.
///
/// # Errors
/// [`AppError::Forbidden`]; [`AppError::NotFound`].
pub fn restore(conn: &mut PgConnection, viewer: &Viewer, app_id: &str) -> AppResult<Application> {
    let viewer = viewer.confirm_administrator(conn)?;
    let before = take(conn, app_id)?;
    if !before.is_archived() {
        return Ok(before);
    }
    set_archived(conn, &viewer, before.id, None, Action::ApplicationRestored)
}

/// Keeps an application from being archived until the transaction ends: one of its keys is about to become active.
///
/// # Errors
/// [`AppError::NotFound`]; [`AppError::Conflict`] when it is archived.
pub fn must_be_open(conn: &mut PgConnection, application_id: i64) -> AppResult<()> {
    let (name, archived_at): (String, Option<DateTime<Utc>>) = applications::table
        .find(application_id)
        .select((applications::name, applications::archived_at))
        .for_share()
        .first(conn)?;
    refuse_archived(&name, archived_at)
}

fn refuse_archived(name: &str, archived_at: Option<DateTime<Utc>>) -> AppResult<()> {
    if archived_at.is_none() {
        return Ok(());
    }
    Err(AppError::Conflict(format!("{name} is archived. An administrator can restore it.")))
}

/// Reads an application and holds it still until the transaction ends.
fn take(conn: &mut PgConnection, app_id: &str) -> AppResult<Application> {
    if !queries::is_app_id_like(app_id) {
        return Err(AppError::NotFound);
    }
    Ok(applications::table
        .filter(applications::app_id.eq(app_id))
        .select(Application::as_select())
        .for_update()
        .first(conn)?)
}

fn set_archived(
    conn: &mut PgConnection,
    viewer: &Viewer,
    id: i64,
    archived_at: Option<DateTime<Utc>>,
    action: Action,
) -> AppResult<Application> {
    let application = diesel::update(applications::table.find(id))
        .set(applications::archived_at.eq(archived_at))
        .returning(Application::as_returning())
        .get_result(conn)?;
    let details = json!({ "archived": [archived_at.is_none(), archived_at.is_some()] });
    record(conn, viewer, &application, action, details)?;
    Ok(application)
}

fn record(
    conn: &mut PgConnection,
    viewer: &Viewer,
    application: &Application,
    action: Action,
    details: Value,
) -> AppResult<()> {
    let subject = Subject { id: &application.app_id, name: &application.name };
    audit::record(conn, viewer, action, subject, details)
}
