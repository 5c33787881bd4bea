//! Who may sign in: disabling and enabling people. Somebody has to be able to administrate, whatever is changed.

use chrono::Utc;
use diesel::{PgConnection, prelude::*};
use serde_json::json;

use super::{
    Role, User, Viewer,
    commands::{end_sessions, record},
};
use crate::{
    audit::Action,
    error::{AppError, AppResult},
    schema::{one_time_links, users},
};

/// Stops a person: signed out everywhere at once, and signing in is answered like a wrong password. What they own
/// stays, and their keys go on working. Disabling twice keeps the first date.
///
/// # Errors
/// [`AppError::Forbidden`], [`AppError::NotFound`], [`AppError::Conflict`] for oneself and the last administrator.
pub fn disable(conn: &mut PgConnection, viewer: &Viewer, user_id: i64) -> AppResult<User> {
    let held = Held::of_change(conn, user_id)?;
    let viewer = viewer.confirm_administrator(conn)?;
    let user = held.person(user_id)?;
    if user.disabled_at.is_some() {
        return Ok(user);
    }
    if viewer.id == Some(user_id) {
        return Err(AppError::Conflict(
            "You cannot disable yourself. Ask another administrator.".into(),
        ));
    }
    held.somebody_else_administrates(&user)?;
    let disabled_at = Some(Utc::now());
    diesel::update(users::table.find(user_id))
        .set(users::disabled_at.eq(disabled_at))
        .execute(conn)?;
    diesel::delete(one_time_links::table.filter(one_time_links::user_id.eq(user_id)))
        .execute(conn)?;
    let session_stamp = end_sessions(conn, user_id)?;
    record(conn, &viewer, &user, Action::UserDisabled, json!({ "disabled": [false, true] }))?;
    Ok(User { disabled_at, session_stamp, ..user })
}

/// Lets a person sign in again, with the password they had.
///
/// # Errors
/// [`AppError::Forbidden`], [`AppError::NotFound`].
pub fn enable(conn: &mut PgConnection, viewer: &Viewer, user_id: i64) -> AppResult<User> {
    let held = Held::of_change(conn, user_id)?;
    let viewer = viewer.confirm_administrator(conn)?;
    let user = held.person(user_id)?;
    if user.disabled_at.is_none() {
        return Ok(user);
    }
    diesel::update(users::table.find(user_id))
        .set(users::disabled_at.eq(None::<chrono::DateTime<Utc>>))
        .execute(conn)?;
    record(conn, &viewer, &user, Action::UserEnabled, json!({ "disabled": [true, false] }))?;
    Ok(User { disabled_at: None, ..user })
}

/// People whom nobody else changes until the transaction ends. Everybody holds administrators first, by id, and then
/// the others: two who change each other wait for each other in turn instead of for ever.
pub struct Held(Vec<(User, bool)>);

impl Held {
    /// The person and all administrators: whether one is left depends on every one of them.
    pub(super) fn of_change(conn: &mut PgConnection, user_id: i64) -> AppResult<Self> {
        let people = users::table
            .filter(users::role.eq(Role::Administrator.slug()).or(users::id.eq(user_id)))
            .select((User::as_select(), users::password_hash.is_not_null()))
            .order((users::role, users::id))
            .for_no_key_update()
            .load(conn)?;
        Ok(Self(people))
    }

    /// The person and whoever does something to them.
    ///
    /// # Errors
    /// When Postgres cannot be asked.
    pub fn of_both(conn: &mut PgConnection, viewer: &Viewer, user_id: i64) -> AppResult<Self> {
        let people = users::table
            .filter(users::id.eq(user_id).or(users::id.nullable().eq(viewer.id)))
            .select((User::as_select(), users::password_hash.is_not_null()))
            .order((users::role, users::id))
            .for_no_key_update()
            .load(conn)?;
        Ok(Self(people))
    }

    /// One of them.
    ///
    /// # Errors
    /// [`AppError::NotFound`]
    pub fn person(&self, user_id: i64) -> AppResult<User> {
        let found = self.0.iter().find(|(user, _)| user.id == user_id);
        found.map(|(user, _)| user.clone()).ok_or(AppError::NotFound)
    }

    /// Whether an administrator may be taken away: another one has to be able to sign in.
    ///
    /// # Errors
    /// [`AppError::Conflict`] for the last one.
    pub(super) fn somebody_else_administrates(&self, user: &User) -> AppResult<()> {
        let is_left = self.0.iter().any(|(other, has_password)| {
            other.id != user.id
                && other.role == Role::Administrator
                && other.disabled_at.is_none()
                && *has_password
        });
        if user.role == Role::Administrator && !is_left {
            return Err(AppError::Conflict(
                "This is the last administrator who can sign in. Make somebody else one first."
                    .into(),
            ));
        }
        Ok(())
    }
}
