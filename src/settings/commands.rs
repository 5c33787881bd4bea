//! Changing policies and wording.

use diesel::{PgConnection, prelude::*};
use serde_json::{Map, json};

use super::model::{self, Policies, Settings};
use crate::{
    audit::{self, Action, Subject},
    error::AppResult,
    presets::Wording,
    schema::settings,
    users::Viewer,
};

/// Decides what applies to everybody. Nothing is written when nothing changes.
///
/// # Errors
/// [`crate::error::AppError::Forbidden`] unless an administrator asks.
pub fn update_policies(
    conn: &mut PgConnection,
    viewer: &Viewer,
    policies: Policies,
) -> AppResult<Settings> {
    let viewer = viewer.confirm_administrator(conn)?;
    let before: Settings =
        settings::table.select(Settings::as_select()).for_update().first(conn)?;
    let mut details = Map::new();
    for (field, was, is) in [
        (
            "new_key_all_permissions",
            before.new_key_all_permissions,
            policies.new_key_all_permissions,
        ),
        ("managers_may_revoke", before.managers_may_revoke, policies.managers_may_revoke),
        (
            "managers_may_regenerate",
            before.managers_may_regenerate,
            policies.managers_may_regenerate,
        ),
    ] {
        if was != is {
            details.insert(field.into(), json!([was, is]));
        }
    }
    if before.default_lifetime_days != policies.default_lifetime_days {
        let days = json!([before.default_lifetime_days, policies.default_lifetime_days]);
        details.insert("default_lifetime_days".into(), days);
    }
    if details.is_empty() {
        return Ok(before);
    }
    diesel::update(settings::table)
        .set((
            settings::new_key_all_permissions.eq(policies.new_key_all_permissions),
            settings::managers_may_revoke.eq(policies.managers_may_revoke),
            settings::managers_may_regenerate.eq(policies.managers_may_regenerate),
            settings::default_lifetime_days.eq(policies.default_lifetime_days),
        ))
        .execute(conn)?;
    let subject = Subject { id: "settings", name: "Settings" };
    audit::record(conn, &viewer, Action::SettingsUpdated, subject, details.into())?;
    let Policies {
        new_key_all_permissions,
        managers_may_revoke,
        managers_may_regenerate,
        default_lifetime_days,
    } = policies;
    Ok(Settings {
        new_key_all_permissions,
        managers_may_revoke,
        managers_may_regenerate,
        default_lifetime_days,
        ..before
    })
}

/// Decides what things are called, and where people find them. Nothing is written when nothing changes.
///
/// # Errors
/// [`crate::error::AppError::Forbidden`] unless an administrator asks.
pub fn update_wording(
    conn: &mut PgConnection,
    viewer: &Viewer,
    wording: &Wording,
) -> AppResult<Settings> {
    let viewer = viewer.confirm_administrator(conn)?;
    let before = model::hold(conn)?;
    let api_url = wording.api_url.as_ref().unwrap_or(&before.api_url);
    let details: Map<_, _> = [
        ("product_name", &before.product_name, &wording.product_name),
        ("keys_section", &before.keys_section, &wording.keys_section),
        ("keys_title", &before.keys_title, &wording.keys_title),
        ("create_label", &before.create_label, &wording.create_label),
        ("keys_path", &before.keys_path, &wording.path),
        ("api_url", &before.api_url, api_url),
    ]
    .into_iter()
    .filter(|(_, was, is)| was != is)
    .map(|(field, was, is)| (field.to_owned(), json!([was, is])))
    .collect();
    if details.is_empty() {
        return Ok(before);
    }
    diesel::update(settings::table)
        .set((
            settings::product_name.eq(&wording.product_name),
            settings::keys_section.eq(&wording.keys_section),
            settings::keys_title.eq(&wording.keys_title),
            settings::create_label.eq(&wording.create_label),
            settings::keys_path.eq(&wording.path),
            settings::api_url.eq(api_url),
        ))
        .execute(conn)?;
    let subject = Subject { id: "settings", name: "Settings" };
    audit::record(conn, &viewer, Action::SettingsUpdated, subject, details.into())?;
    model::load(conn)
}
