//! Reading gateways: administrators only.

use diesel::{PgConnection, prelude::*};

use super::Gateway;
use crate::{
    error::{AppError, AppResult},
    schema::{environments, gateways},
    users::Viewer,
};

/// All of them: those that may ask first, then the revoked ones; by environment and name.
///
/// # Errors
/// [`AppError::Forbidden`].
pub fn list(conn: &mut PgConnection, viewer: &Viewer) -> AppResult<Vec<Gateway>> {
    must_administrate(viewer)?;
    Ok(gateways::table
        .inner_join(environments::table)
        .select(Gateway::as_select())
        .order((
            gateways::revoked_at.is_not_null(),
            environments::position,
            gateways::name_skeleton,
            gateways::id,
        ))
        .load(conn)?)
}

/// The gateway of that id.
///
/// # Errors
/// [`AppError::NotFound`], [`AppError::Forbidden`].
pub fn find(conn: &mut PgConnection, viewer: &Viewer, id: i64) -> AppResult<Gateway> {
    must_administrate(viewer)?;
    Ok(gateways::table
        .inner_join(environments::table)
        .filter(gateways::id.eq(id))
        .select(Gateway::as_select())
        .first(conn)?)
}

/// The gateways with these ids, revoked ones too.
///
/// # Errors
/// [`AppError::Forbidden`].
pub fn by_ids(conn: &mut PgConnection, viewer: &Viewer, ids: &[i64]) -> AppResult<Vec<Gateway>> {
    must_administrate(viewer)?;
    Ok(gateways::table
        .inner_join(environments::table)
        .filter(gateways::id.eq_any(ids))
        .select(Gateway::as_select())
        .load(conn)?)
}

fn must_administrate(viewer: &Viewer) -> AppResult<()> {
    if viewer.is_administrator() { Ok(()) } else { Err(AppError::Forbidden) }
}
