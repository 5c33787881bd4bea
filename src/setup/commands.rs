//! What the link does, all at once or not at all.

use diesel::PgConnection;
use serde_json::json;

use super::forms::NewInstallation;
use crate::{
    audit::{self, Action, Subject},
    error::{AppError, AppResult},
    presets, sign_in,
    users::{
        NewUser, Origin, Role, User, Viewer,
        commands::{add, set_password},
        links::{self, Purpose},
    },
};

/// Whether the link still sets up an installation.
pub(super) fn check_link(conn: &mut PgConnection, token: &str) -> AppResult<()> {
    match links::peek(conn, token)? {
        Purpose::Setup => Ok(()),
        Purpose::Password(_) => Err(AppError::LinkGone),
    }
}

/// Uses the link up: preset, first administrator, password.
pub(super) fn set_up(
    conn: &mut PgConnection,
    origin: Origin,
    new: &NewInstallation,
    password_hash: &str,
) -> AppResult<User> {
    if links::use_up(conn, &new.token)? != Purpose::Setup {
        return Err(AppError::LinkGone);
    }
    let operator = Viewer { origin, ..Viewer::operator() };
    presets::apply(conn, &operator, &new.preset.slug)?;
    let administrator = NewUser {
        email: new.email.clone(),
        name: new.name.clone(),
        role: Role::Administrator,
        api_access: false,
    };
    let user = add(conn, &operator, &administrator)?;
    let user = set_password(conn, &operator, user.id, password_hash)?;
    let viewer = Viewer::load(conn, user.id, origin)?;
    let subject = Subject { id: "settings", name: "Settings" };
    let details = json!({ "preset": new.preset.slug });
    audit::record(conn, &viewer, Action::InstallationSetUp, subject, details)?;
    sign_in::record(conn, origin, user.id)?;
    Ok(user)
}
