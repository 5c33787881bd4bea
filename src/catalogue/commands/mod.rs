//! Changing the catalogue: administrators only, one at a time.

mod permissions;
mod sections;

use diesel::PgConnection;
use serde_json::{Value, json};

use crate::{
    audit::{self, Action, Subject},
    error::AppResult,
    scopes::{Permission, Section},
    settings,
    users::Viewer,
};

pub use permissions::{
    NewPermission, PermissionChanges, add_permission, move_permission, publish, restore_permission,
    retire_permission, update_permission, withhold,
};
pub use sections::{add_section, move_section, rename_section, restore_section, retire_section};

/// One change at a time: order and uniqueness concern all of it.
fn begin(conn: &mut PgConnection, viewer: &Viewer) -> AppResult<Viewer> {
    let viewer = viewer.confirm_administrator(conn)?;
    settings::hold(conn)?;
    Ok(viewer)
}

/// What something happened to.
trait Named {
    fn subject_id(&self) -> String;
    fn subject_name(&self) -> &str;
}

impl Named for Section {
    fn subject_id(&self) -> String {
        self.subject()
    }

    fn subject_name(&self) -> &str {
        &self.name
    }
}

impl Named for Permission {
    fn subject_id(&self) -> String {
        self.subject()
    }

    fn subject_name(&self) -> &str {
        &self.label
    }
}

/// Writes what happened.
fn record(
    conn: &mut PgConnection,
    viewer: &Viewer,
    action: Action,
    named: &impl Named,
    details: Value,
) -> AppResult<()> {
    let subject = Subject { id: &named.subject_id(), name: named.subject_name() };
    audit::record(conn, viewer, action, subject, details)
}

/// `{"label": ["old", "new"]}` for what differs.
fn difference(fields: &[(&str, &str, &str)]) -> Value {
    fields
        .iter()
        .filter(|(_, was, is)| was != is)
        .map(|(field, was, is)| ((*field).to_owned(), json!([was, is])))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
