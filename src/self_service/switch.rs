//! Letting an application manage its own keys: administrators only, off until one of them switches it on.

use chrono::{DateTime, Utc};
use diesel::{PgConnection, prelude::*};
use serde_json::json;

use crate::{
    applications::{self as apps, Application},
    audit::{self, Action, Subject},
    error::AppResult,
    schema::applications,
    users::Viewer,
};

/// Since when an application may; `None`: it may not.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn permitted_since(
    conn: &mut PgConnection,
    application: &Application,
) -> AppResult<Option<DateTime<Utc>>> {
    Ok(applications::table
        .find(application.id)
        .select(applications::manages_keys_since)
        .first(conn)?)
}

/// Lets an application list its keys and regenerate them. Doing it twice keeps the first date.
///
/// # Errors
/// [`crate::error::AppError::Forbidden`] unless an administrator asks; [`crate::error::AppError::NotFound`].
pub fn permit(conn: &mut PgConnection, viewer: &Viewer, app_id: &str) -> AppResult<Application> {
    set(conn, viewer, app_id, Some(Utc::now()))
}

/// No longer, from the next request on.
///
/// # Errors
/// As [`permit`].
pub fn forbid(conn: &mut PgConnection, viewer: &Viewer, app_id: &str) -> AppResult<Application> {
    set(conn, viewer, app_id, None)
}

fn set(
    conn: &mut PgConnection,
    viewer: &Viewer,
    app_id: &str,
    since: Option<DateTime<Utc>>,
) -> AppResult<Application> {
    let viewer = viewer.confirm_administrator(conn)?;
    let application = apps::find(conn, &viewer, app_id)?;
    let is_other = applications::manages_keys_since.is_null().eq(since.is_some());
    let changed = diesel::update(applications::table.find(application.id).filter(is_other))
        .set(applications::manages_keys_since.eq(since))
        .execute(conn)?;
    if changed > 0 {
        let action = match since {
            Some(_) => Action::ApplicationKeysPermitted,
            None => Action::ApplicationKeysForbidden,
        };
        let subject = Subject { id: &application.app_id, name: &application.name };
        let details = json!({ "manages_keys": [since.is_none(), since.is_some()] });
        audit::record(conn, &viewer, action, subject, details)?;
    }
    Ok(application)
}
