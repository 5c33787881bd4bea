//! Adding people, their roles, their passwords. A new password or role ends the person's sessions.

use chrono::Utc;
use diesel::{PgConnection, prelude::*};
use serde_json::json;

use super::{
    NewUser, Role, User, Viewer,
    links::{self, Purpose},
    parse_email,
    standing::Held,
};
use crate::{
    access,
    audit::{self, Action, Subject},
    credentials::Secret,
    error::{AppError, AppResult},
    schema::{api_access, one_time_links, sessions, users},
    text,
};

/// Adds a person, who has no password yet.
///
/// # Errors
/// [`AppError::Forbidden`] unless an administrator asks; [`AppError::Unprocessable`] for e-mail or name;
/// violates `users_email` when the address is known.
pub fn add(conn: &mut PgConnection, viewer: &Viewer, new: &NewUser) -> AppResult<User> {
    let viewer = viewer.confirm_administrator(conn)?;
    let email = parse_email(&new.email).map_err(AppError::Unprocessable)?;
    let name = text::parse_name("Name", &new.name, 100).map_err(AppError::Unprocessable)?;
    let user: User = diesel::insert_into(users::table)
        .values((users::email.eq(&email), users::name.eq(&name), users::role.eq(new.role.slug())))
        .returning(User::as_returning())
        .get_result(conn)?;
    let details = json!({ "email": email, "role": new.role.slug() });
    record(conn, &viewer, &user, Action::UserCreated, details)?;
    if new.api_access && new.role != Role::Administrator {
        access::grant(conn, &viewer, user.id)?;
    }
    Ok(user)
}

/// A link with which the person chooses a password, once. Earlier ones stop working.
///
/// # Errors
/// [`AppError::Forbidden`] unless an administrator asks, [`AppError::NotFound`],
/// [`AppError::Conflict`] for somebody who is disabled.
pub fn create_password_link(
    conn: &mut PgConnection,
    viewer: &Viewer,
    user_id: i64,
) -> AppResult<Secret> {
    let held = Held::of_both(conn, viewer, user_id)?;
    let viewer = viewer.confirm_administrator(conn)?;
    let user = held.person(user_id)?;
    if user.disabled_at.is_some() {
        return Err(AppError::Conflict(format!(
            "{} is disabled, and a link would not work. Enable them first.",
            user.name
        )));
    }
    let link = links::create(conn, Purpose::Password(user.id))?;
    record(conn, &viewer, &user, Action::UserLinkCreated, json!({}))?;
    Ok(link)
}

/// Gives a person another role. Somebody has to be able to administrate, so the last administrator stays one.
///
/// # Errors
/// [`AppError::Forbidden`], [`AppError::NotFound`], [`AppError::Conflict`] for the last administrator.
pub fn change_role(
    conn: &mut PgConnection,
    viewer: &Viewer,
    user_id: i64,
    role: Role,
) -> AppResult<User> {
    let held = Held::of_change(conn, user_id)?;
    let viewer = viewer.confirm_administrator(conn)?;
    let user = held.person(user_id)?;
    if user.role == role {
        return Ok(user);
    }
    held.somebody_else_administrates(&user)?;
    diesel::update(users::table.find(user_id)).set(users::role.eq(role.slug())).execute(conn)?;
    // A grant belongs to the role it was given for: who becomes a manager again is granted access again, or not.
    let withdrawn = diesel::update(
        api_access::table
            .filter(api_access::user_id.eq(user_id).and(api_access::withdrawn_at.is_null())),
    )
    .set((api_access::withdrawn_by.eq(viewer.id), api_access::withdrawn_at.eq(Utc::now())))
    .execute(conn)?;
    let session_stamp = end_sessions(conn, user_id)?;
    let mut details = json!({ "role": [user.role.slug(), role.slug()] });
    if withdrawn > 0 {
        details["api_access"] = json!([true, false]);
    }
    record(conn, &viewer, &user, Action::UserRoleChanged, details)?;
    Ok(User { role, session_stamp, ..user })
}

/// Replaces a person's password by one whose hash this is, for administrators and for themself.
///
/// # Errors
/// [`AppError::Forbidden`], [`AppError::NotFound`].
pub fn set_password(
    conn: &mut PgConnection,
    viewer: &Viewer,
    user_id: i64,
    hash: &str,
) -> AppResult<User> {
    if viewer.id != Some(user_id) {
        viewer.confirm_administrator(conn)?;
    }
    let user = hold(conn, user_id)?;
    replace_password(conn, viewer, user, hash)
}

/// Replaces the viewer's own password. `known` is the hash of the one they gave as their current password: of two who
/// know an old password, the slower one does not undo what the other did.
///
/// # Errors
/// [`AppError::Forbidden`] for the operator, who has no password; [`AppError::Conflict`] when it was changed meanwhile.
pub fn change_own_password(
    conn: &mut PgConnection,
    viewer: &Viewer,
    known: &str,
    hash: &str,
) -> AppResult<User> {
    let user = hold(conn, viewer.id.ok_or(AppError::Forbidden)?)?;
    let stored: Option<String> =
        users::table.find(user.id).select(users::password_hash).first(conn)?;
    if stored.as_deref() != Some(known) {
        return Err(AppError::Conflict(
            "Your password was changed meanwhile. Sign in with the new one.".into(),
        ));
    }
    replace_password(conn, viewer, user, hash)
}

/// Keeps the same password under today's parameters. Not a change anybody has to know of; lost when another came first.
///
/// # Errors
/// When Postgres refuses.
pub fn rehash(conn: &mut PgConnection, user_id: i64, old: &str, new: &str) -> AppResult<()> {
    diesel::update(users::table.find(user_id).filter(users::password_hash.eq(old)))
        .set(users::password_hash.eq(new))
        .execute(conn)?;
    Ok(())
}

fn replace_password(
    conn: &mut PgConnection,
    viewer: &Viewer,
    user: User,
    hash: &str,
) -> AppResult<User> {
    diesel::update(users::table.find(user.id)).set(users::password_hash.eq(hash)).execute(conn)?;
    diesel::delete(one_time_links::table.filter(one_time_links::user_id.eq(user.id)))
        .execute(conn)?;
    let session_stamp = end_sessions(conn, user.id)?;
    record(conn, viewer, &user, Action::UserPasswordChanged, json!({}))?;
    Ok(User { session_stamp, ..user })
}

/// Signs a person out everywhere. A session that somebody is about to begin cannot be deleted yet; it has the old
/// stamp, and is over before it is saved. Returns the new one.
pub(super) fn end_sessions(conn: &mut PgConnection, user_id: i64) -> AppResult<i32> {
    diesel::delete(sessions::table.filter(sessions::user_id.eq(user_id))).execute(conn)?;
    next_stamp(conn, user_id)
}

/// From now on every session that was begun before is over, saved or not.
pub(crate) fn next_stamp(conn: &mut PgConnection, user_id: i64) -> AppResult<i32> {
    Ok(diesel::update(users::table.find(user_id))
        .set(users::session_stamp.eq(users::session_stamp + 1))
        .returning(users::session_stamp)
        .get_result(conn)?)
}

/// The person, whom nobody else changes until the transaction ends.
pub(crate) fn hold(conn: &mut PgConnection, user_id: i64) -> AppResult<User> {
    Ok(users::table.find(user_id).select(User::as_select()).for_update().first(conn)?)
}

pub(crate) fn record(
    conn: &mut PgConnection,
    viewer: &Viewer,
    user: &User,
    action: Action,
    details: serde_json::Value,
) -> AppResult<()> {
    let subject = Subject { id: &user.subject(), name: &user.name };
    audit::record(conn, viewer, action, subject, details)
}
