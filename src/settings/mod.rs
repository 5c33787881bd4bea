//! Wording and policies of this installation.

use diesel::{PgConnection, prelude::*};

use crate::{error::AppResult, schema::settings};

/// The one row.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = settings, check_for_backend(diesel::pg::Pg))]
pub struct Settings {
    pub preset: Option<String>,
    pub product_name: String,
    pub keys_section: String,
    pub keys_title: String,
    pub create_label: String,
    pub new_key_all_permissions: bool,
    pub managers_may_revoke: bool,
}

/// Reads the settings.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn load(conn: &mut PgConnection) -> AppResult<Settings> {
    Ok(settings::table.select(Settings::as_select()).first(conn)?)
}
