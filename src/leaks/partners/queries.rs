//! Reading partners. The pages are for administrators; whoever takes a report asks for its partner.

use diesel::{PgConnection, prelude::*};

use super::Partner;
use crate::{
    error::{AppError, AppResult},
    schema::leak_partners,
    users::Viewer,
};

/// All of them, by name.
///
/// # Errors
/// [`AppError::Forbidden`].
pub fn list(conn: &mut PgConnection, viewer: &Viewer) -> AppResult<Vec<Partner>> {
    must_administrate(viewer)?;
    Ok(leak_partners::table
        .filter(leak_partners::removed_at.is_null())
        .order((leak_partners::name, leak_partners::id))
        .select(Partner::as_select())
        .load(conn)?)
}

/// The partner of that id.
///
/// # Errors
/// [`AppError::NotFound`], [`AppError::Forbidden`].
pub fn find(conn: &mut PgConnection, viewer: &Viewer, id: i64) -> AppResult<Partner> {
    must_administrate(viewer)?;
    Ok(leak_partners::table
        .filter(leak_partners::id.eq(id).and(leak_partners::removed_at.is_null()))
        .select(Partner::as_select())
        .first(conn)?)
}

/// The partner whose key is called that, if it may report.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn find_by_key_id(conn: &mut PgConnection, key_id: &str) -> AppResult<Option<Partner>> {
    // Postgres takes no NUL, and forms no such key.
    if key_id.is_empty() || !key_id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(None);
    }
    Ok(leak_partners::table
        .filter(leak_partners::key_id.eq(key_id).and(leak_partners::removed_at.is_null()))
        .select(Partner::as_select())
        .first(conn)
        .optional()?)
}

fn must_administrate(viewer: &Viewer) -> AppResult<()> {
    if viewer.is_administrator() { Ok(()) } else { Err(AppError::Forbidden) }
}
