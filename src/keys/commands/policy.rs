//! What the policies in Settings leave to administrators.

use diesel::PgConnection;

use crate::{error::AppResult, settings, users::Viewer};

/// What the policies let the viewer do to the keys they see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct May {
    pub revoke: bool,
    pub regenerate: bool,
}

/// What the policies let the viewer do.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn may(conn: &mut PgConnection, viewer: &Viewer) -> AppResult<May> {
    if viewer.is_administrator() {
        return Ok(May { revoke: true, regenerate: true });
    }
    let settings = settings::load(conn)?;
    Ok(May { revoke: settings.managers_may_revoke, regenerate: settings.managers_may_regenerate })
}

/// Whether the viewer may revoke the keys they see.
///
/// # Errors
/// As [`may`].
pub fn may_revoke(conn: &mut PgConnection, viewer: &Viewer) -> AppResult<bool> {
    Ok(may(conn, viewer)?.revoke)
}

/// Whether the viewer may regenerate the keys they see, as far as their grant covers them.
///
/// # Errors
/// As [`may`].
pub fn may_regenerate(conn: &mut PgConnection, viewer: &Viewer) -> AppResult<bool> {
    Ok(may(conn, viewer)?.regenerate)
}
