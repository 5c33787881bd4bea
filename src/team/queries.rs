//! What the Team page asks beyond who is here.

use diesel::PgConnection;

use crate::{
    error::{AppError, AppResult},
    users::{Member, Viewer, queries},
};

/// One row of the Team page.
///
/// # Errors
/// [`AppError::NotFound`]; [`AppError::Forbidden`] unless an administrator asks.
pub fn find(conn: &mut PgConnection, viewer: &Viewer, id: i64) -> AppResult<Member> {
    queries::list(conn, viewer)?
        .into_iter()
        .find(|member| member.user.id == id)
        .ok_or(AppError::NotFound)
}
