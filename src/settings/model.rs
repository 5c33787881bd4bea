//! The one row of settings.

use diesel::{PgConnection, prelude::*};

use crate::{error::AppResult, schema::settings};

/// What this installation calls things, and what it allows.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = settings, check_for_backend(diesel::pg::Pg))]
pub struct Settings {
    /// The preset that was applied last; `None` until one is chosen.
    pub preset: Option<String>,
    pub product_name: String,
    /// The heading in the navigation under which API Keys stands.
    pub keys_section: String,
    /// The title of the list of keys.
    pub keys_title: String,
    /// What the button says that begins a new key.
    pub create_label: String,
    /// The wizard starts with All permissions switched on.
    pub new_key_all_permissions: bool,
    /// Marketplace managers may revoke their own keys; otherwise only administrators revoke.
    pub managers_may_revoke: bool,
    /// Marketplace managers may regenerate their own keys; otherwise only administrators do.
    pub managers_may_regenerate: bool,
    /// The lifetime that the wizard suggests, in days.
    pub default_lifetime_days: i32,
    /// Another address of the list of keys; without the slash at the front.
    pub keys_path: String,
    /// The platform's own API, for example requests; may be empty.
    pub api_url: String,
    /// Accepted requests are logged too, and not only refusals.
    pub logs_accepted: bool,
    /// So many accepted requests of a key are logged each second; of more, one in a hundred.
    pub logs_per_second: i32,
    /// Days after which logged requests are forgotten.
    pub logs_kept_days: i32,
    /// Kinds of notices that are not made, as stored.
    pub notices_off: Vec<String>,
}

impl Settings {
    /// What the button says that makes the key at the end: a noun becomes an act.
    pub fn create_verb(&self) -> String {
        if self.create_label.starts_with("Create") {
            self.create_label.clone()
        } else {
            format!("Create {}", self.create_label)
        }
    }
}

/// What an administrator decides for everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policies {
    pub new_key_all_permissions: bool,
    pub managers_may_revoke: bool,
    pub managers_may_regenerate: bool,
    /// In days.
    pub default_lifetime_days: i32,
}

/// Reads the settings.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn load(conn: &mut PgConnection) -> AppResult<Settings> {
    Ok(settings::table.select(Settings::as_select()).first(conn)?)
}

/// Reads the settings and holds them until the transaction ends: whoever changes settings, environments or the
/// catalogue does so one after the other.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn hold(conn: &mut PgConnection) -> AppResult<Settings> {
    Ok(settings::table.select(Settings::as_select()).for_update().first(conn)?)
}
