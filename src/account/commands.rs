//! What one does to one's own account.

use diesel::PgConnection;

use crate::{
    error::{AppError, AppResult},
    sign_in,
    users::{
        Origin, User, Viewer,
        commands::{hold, set_password},
        links::{self, Purpose},
        queries,
    },
};

/// Whoever the link lets choose a password.
pub fn find_by_link(conn: &mut PgConnection, origin: Origin, token: &str) -> AppResult<Viewer> {
    match links::peek(conn, token)? {
        Purpose::Password(user_id) => load(conn, user_id, origin),
        Purpose::Setup => Err(AppError::LinkGone),
    }
}

/// Uses the link up: the password is set, every session of the person ends.
pub fn choose_password(
    conn: &mut PgConnection,
    origin: Origin,
    token: &str,
    hash: &str,
) -> AppResult<User> {
    let Purpose::Password(user_id) = links::peek(conn, token)? else {
        return Err(AppError::LinkGone);
    };
    // First the person, then the link, as whoever disables them or makes another link does.
    hold(conn, user_id)?;
    links::use_up(conn, token)?;
    let viewer = load(conn, user_id, origin)?;
    let user = set_password(conn, &viewer, user_id, hash)?;
    sign_in::record(conn, origin, user_id)?;
    Ok(user)
}

/// The hash of the viewer's own password.
pub fn own_hash(conn: &mut PgConnection, viewer: &Viewer) -> AppResult<Option<String>> {
    Ok(queries::sign_in(conn, &viewer.email)?.and_then(|found| found.password_hash))
}

fn load(conn: &mut PgConnection, user_id: i64, origin: Origin) -> AppResult<Viewer> {
    Viewer::load(conn, user_id, origin).map_err(|error| match error {
        AppError::SignInRequired => AppError::LinkGone,
        other => other,
    })
}
