//! What the Team page asks beyond who is here.

use chrono::Utc;
use diesel::{PgConnection, dsl::sql, prelude::*, sql_types::Integer};

use crate::{
    counted::{self, Count, MOST},
    error::{AppError, AppResult},
    keys::{is_active, queries::in_time},
    schema::keys,
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

/// How many keys of a person are active: they go on working when their owner is disabled.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn count_active_keys_of(conn: &mut PgConnection, owner_id: i64) -> AppResult<Count> {
    let active = keys::table
        .filter(keys::owner_id.eq(owner_id))
        .filter(is_active(Utc::now()))
        .select(sql::<Integer>("1"));
    Ok(in_time(conn, |conn| counted::count(conn, &[active], MOST))?.into_iter().sum())
}
