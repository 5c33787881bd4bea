//! Granting and withdrawing. Each takes effect with the person's next request: access is never kept in a session.

use chrono::Utc;
use diesel::{PgConnection, prelude::*};
use serde_json::json;

use crate::{
    audit::{self, Action, Subject},
    error::{AppError, AppResult},
    schema::{api_access, users},
    users::{Role, User, Viewer},
};

/// Gives a marketplace manager API access. Granting twice keeps the first date.
///
/// # Errors
/// [`AppError::Forbidden`] unless an administrator asks, [`AppError::NotFound`],
/// [`AppError::Conflict`] for administrators, who need no grant.
pub fn grant(conn: &mut PgConnection, viewer: &Viewer, user_id: i64) -> AppResult<User> {
    let viewer = viewer.confirm_administrator(conn)?;
    let user = hold(conn, user_id)?;
    if user.role == Role::Administrator {
        return Err(AppError::Conflict("Administrators have API access without a grant.".into()));
    }
    let granted = diesel::insert_into(api_access::table)
        .values((api_access::user_id.eq(user_id), api_access::granted_by.eq(viewer.id)))
        .on_conflict_do_nothing()
        .execute(conn)?;
    if granted == 1 {
        record(conn, &viewer, &user, Action::AccessGranted)?;
    }
    Ok(user)
}

/// Takes API access back. The person's keys go on working; nobody but administrators manages them then.
///
/// # Errors
/// [`AppError::Forbidden`] unless an administrator asks, [`AppError::NotFound`].
pub fn withdraw(conn: &mut PgConnection, viewer: &Viewer, user_id: i64) -> AppResult<User> {
    let viewer = viewer.confirm_administrator(conn)?;
    let user = hold(conn, user_id)?;
    let withdrawn = diesel::update(
        api_access::table
            .filter(api_access::user_id.eq(user_id).and(api_access::withdrawn_at.is_null())),
    )
    .set((api_access::withdrawn_by.eq(viewer.id), api_access::withdrawn_at.eq(Utc::now())))
    .execute(conn)?;
    if withdrawn == 1 {
        record(conn, &viewer, &user, Action::AccessWithdrawn)?;
    }
    Ok(user)
}

/// The person, whom nobody else changes until the transaction ends.
fn hold(conn: &mut PgConnection, user_id: i64) -> AppResult<User> {
    Ok(users::table.find(user_id).select(User::as_select()).for_update().first(conn)?)
}

fn record(conn: &mut PgConnection, viewer: &Viewer, user: &User, action: Action) -> AppResult<()> {
    let subject = Subject { id: &user.subject(), name: &user.name };
    audit::record(conn, viewer, action, subject, json!({}))
}
