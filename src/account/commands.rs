//! What one does to one's own account.

use chrono_tz::Tz;
use diesel::{PgConnection, prelude::*};
use serde_json::json;
use uuid::Uuid;

use crate::{
    audit::Action,
    error::{AppError, AppResult},
    schema::users,
    sign_in, text,
    users::{
        Origin, User, Viewer,
        commands::{hold, next_stamp, record, set_password},
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

/// Gives the viewer another name.
///
/// # Errors
/// [`AppError::Forbidden`] for the operator, [`AppError::Unprocessable`] for the name.
pub(super) fn rename(conn: &mut PgConnection, viewer: &Viewer, name: &str) -> AppResult<User> {
    let user = hold(conn, viewer.id.ok_or(AppError::Forbidden)?)?;
    let name = text::parse_name("Name", name, 100).map_err(AppError::Unprocessable)?;
    if user.name == name {
        return Ok(user);
    }
    diesel::update(users::table.find(user.id)).set(users::name.eq(&name)).execute(conn)?;
    let details = json!({ "name": [user.name, name] });
    let user = User { name, ..user };
    record(conn, viewer, &user, Action::UserRenamed, details)?;
    Ok(user)
}

/// Shows times to the viewer in another zone from then on. A taste, not an act: the trail does not tell it.
///
/// # Errors
/// [`AppError::Forbidden`] for the operator.
pub(super) fn choose_time_zone(
    conn: &mut PgConnection,
    viewer: &Viewer,
    zone: Tz,
) -> AppResult<()> {
    let user = hold(conn, viewer.id.ok_or(AppError::Forbidden)?)?;
    diesel::update(users::table.find(user.id))
        .set(users::time_zone.eq(zone.name()))
        .execute(conn)?;
    Ok(())
}

/// Ends the viewer's sessions except the one with that mark, also those that are about to begin. Returns how many
/// there were, and the stamp under which the one that stays goes on.
///
/// # Errors
/// [`AppError::Forbidden`] for the operator.
pub(super) fn end_other_sessions(
    conn: &mut PgConnection,
    viewer: &Viewer,
    mark: Option<Uuid>,
) -> AppResult<(usize, i32)> {
    let user = hold(conn, viewer.id.ok_or(AppError::Forbidden)?)?;
    let stamp = next_stamp(conn, user.id)?;
    let ended = sign_in::delete_others(conn, user.id, mark)?;
    record(conn, viewer, &user, Action::OtherSessionsEnded, json!({ "ended": ended }))?;
    Ok((ended, stamp))
}

fn load(conn: &mut PgConnection, user_id: i64, origin: Origin) -> AppResult<Viewer> {
    Viewer::load(conn, user_id, origin).map_err(|error| match error {
        AppError::SignInRequired => AppError::LinkGone,
        other => other,
    })
}
