//! Applying a preset: what it has is added or brought up to date, what it lacks goes unless a key or gateway uses it.

use std::collections::HashSet;

use diesel::{PgConnection, prelude::*, result::Error as DieselError, upsert::excluded};
use serde_json::json;

use super::model::{self, Preset};
use crate::{
    audit::{self, Action, Subject},
    changes::Change,
    error::{AppError, AppResult},
    schema::{
        api_access_environments, api_access_permissions, api_access_sections, environments,
        gateways, key_permissions, key_sections, keys, permissions, sections, settings,
    },
    users::Viewer,
};

/// What applying a preset did.
#[derive(Debug)]
pub struct Applied {
    pub preset: &'static Preset,
    pub environments: Outcome,
    pub sections: Outcome,
    pub permissions: Outcome,
}

/// The slugs that came, went, or stayed although the preset lacks them, because something uses them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub added: Vec<String>,
    pub removed: Vec<String>,
    pub kept: Vec<String>,
}

impl Outcome {
    /// `wanted` are the preset's, `before` those that were there, in order; `used` must stay.
    fn of(wanted: &[&str], before: &[String], used: &HashSet<String>) -> Self {
        let lacking = || before.iter().filter(|slug| !wanted.contains(&slug.as_str()));
        Self {
            added: wanted
                .iter()
                .filter(|slug| !before.iter().any(|known| known == **slug))
                .map(ToString::to_string)
                .collect(),
            removed: lacking().filter(|slug| !used.contains(*slug)).cloned().collect(),
            kept: lacking().filter(|slug| used.contains(*slug)).cloned().collect(),
        }
    }
}

/// Applies the preset of that slug.
///
/// # Errors
/// [`AppError::Forbidden`] unless an administrator asks, [`AppError::Unprocessable`] when there is no such preset.
pub fn apply(conn: &mut PgConnection, viewer: &Viewer, slug: &str) -> AppResult<Applied> {
    let viewer = viewer.confirm_administrator(conn)?;
    let preset = model::find(slug).ok_or_else(|| {
        let known: Vec<&str> = model::list().iter().map(|preset| preset.slug.as_str()).collect();
        AppError::Unprocessable(format!(
            "There is no such preset. Choose one of {}.",
            known.join(", ")
        ))
    })?;
    let before: Option<String> =
        settings::table.select(settings::preset).for_update().first(conn)?;
    let applied = Applied {
        preset,
        environments: apply_environments(conn, preset)?,
        sections: Outcome::default(),
        permissions: Outcome::default(),
    };
    let applied = apply_catalogue(conn, preset, applied)?;
    diesel::update(settings::table)
        .set((
            settings::preset.eq(&preset.slug),
            settings::product_name.eq(&preset.wording.product_name),
            settings::keys_section.eq(&preset.wording.keys_section),
            settings::keys_title.eq(&preset.wording.keys_title),
            settings::create_label.eq(&preset.wording.create_label),
            settings::new_key_all_permissions.eq(preset.policy.new_key_all_permissions),
            settings::managers_may_revoke.eq(preset.policy.managers_may_revoke),
            settings::managers_may_regenerate.eq(preset.policy.managers_may_regenerate),
        ))
        .execute(conn)?;
    let details = json!({
        "preset": [before, &preset.slug],
        "added": applied.permissions.added,
        "removed": applied.permissions.removed,
        "kept": applied.permissions.kept,
    });
    let subject = Subject { id: "settings", name: "Settings" };
    audit::record(conn, &viewer, Action::PresetApplied, subject, details)?;
    Change::Catalogue.announce(conn)?;
    Ok(applied)
}

/// What [`apply`] would do. It is done and taken back, so that what is announced and what happens cannot differ.
///
/// # Errors
/// As [`apply`].
pub fn preview(conn: &mut PgConnection, viewer: &Viewer, slug: &str) -> AppResult<Applied> {
    let mut applied = None;
    let undone = conn.transaction(|conn| {
        applied = Some(apply(conn, viewer, slug)?);
        Err::<(), AppError>(DieselError::RollbackTransaction.into())
    });
    match (applied, undone) {
        (Some(applied), _) => Ok(applied),
        (None, Err(error)) => Err(error),
        (None, Ok(())) => Err(AppError::NotFound),
    }
}

/// Applies the default preset when none was ever applied: nothing can be granted without a catalogue.
///
/// # Errors
/// As [`apply`].
pub fn ensure_default(conn: &mut PgConnection, viewer: &Viewer) -> AppResult<Option<Applied>> {
    let chosen: Option<String> = settings::table.select(settings::preset).first(conn)?;
    match chosen {
        Some(_) => Ok(None),
        None => apply(conn, viewer, model::DEFAULT).map(Some),
    }
}

/// An environment keeps its prefix and mode for life: keys were made with them.
fn apply_environments(conn: &mut PgConnection, preset: &Preset) -> AppResult<Outcome> {
    let wanted: Vec<&str> = preset.environments.iter().map(|row| row.slug.as_str()).collect();
    let before: Vec<String> =
        environments::table.select(environments::slug).order(environments::position).load(conn)?;
    let by_keys = environments::table
        .filter(diesel::dsl::exists(keys::table.filter(keys::environment_id.eq(environments::id))))
        .select(environments::slug)
        .load::<String>(conn)?;
    let by_gateways = environments::table
        .inner_join(gateways::table)
        .select(environments::slug)
        .distinct()
        .load::<String>(conn)?;
    let outcome = Outcome::of(&wanted, &before, &by_keys.into_iter().chain(by_gateways).collect());

    // What goes, goes out of grants too; it widens none of them.
    let gone = environments::table
        .filter(environments::slug.eq_any(&outcome.removed))
        .select(environments::id);
    diesel::delete(
        api_access_environments::table.filter(api_access_environments::environment_id.eq_any(gone)),
    )
    .execute(conn)?;
    diesel::delete(environments::table.filter(environments::slug.eq_any(&outcome.removed)))
        .execute(conn)?;
    let rows: Vec<_> = preset
        .environments
        .iter()
        .zip(1..)
        .map(|(row, position)| {
            (
                environments::slug.eq(&row.slug),
                environments::name.eq(&row.name),
                environments::prefix.eq(&row.prefix),
                environments::mode.eq(row.mode.slug()),
                environments::position.eq(position),
            )
        })
        .collect();
    diesel::insert_into(environments::table)
        .values(rows)
        .on_conflict(environments::slug)
        .do_update()
        .set((
            environments::name.eq(excluded(environments::name)),
            environments::position.eq(excluded(environments::position)),
        ))
        .execute(conn)?;
    for (slug, position) in outcome.kept.iter().zip(preset.environments.len() as i32 + 1..) {
        diesel::update(environments::table.filter(environments::slug.eq(slug)))
            .set(environments::position.eq(position))
            .execute(conn)?;
    }
    Ok(outcome)
}

/// A permission is used when a key holds it or its whole section, a section when a key holds it or a permission stays in it.
fn apply_catalogue(
    conn: &mut PgConnection,
    preset: &Preset,
    applied: Applied,
) -> AppResult<Applied> {
    let wanted = || preset.sections.iter().flat_map(|section| &section.permissions);
    let wanted_sections: Vec<&str> = preset.sections.iter().map(|row| row.slug.as_str()).collect();
    let wanted_permissions: Vec<&str> = wanted().map(|row| row.slug.as_str()).collect();
    let sections_before: Vec<String> =
        sections::table.select(sections::slug).order(sections::position).load(conn)?;
    let permissions_before: Vec<(String, String)> = permissions::table
        .inner_join(sections::table)
        .select((permissions::slug, sections::slug))
        .order((sections::position, permissions::position))
        .load(conn)?;
    let held_sections: HashSet<String> = sections::table
        .filter(diesel::dsl::exists(
            key_sections::table.filter(key_sections::section_id.eq(sections::id)),
        ))
        .select(sections::slug)
        .load(conn)?
        .into_iter()
        .collect();
    let held_permissions: HashSet<String> = permissions::table
        .filter(diesel::dsl::exists(
            key_permissions::table.filter(key_permissions::permission_id.eq(permissions::id)),
        ))
        .select(permissions::slug)
        .load(conn)?
        .into_iter()
        .collect();

    let used_permissions = permissions_before
        .iter()
        .filter(|(slug, section)| {
            held_permissions.contains(slug) || held_sections.contains(section)
        })
        .map(|(slug, _)| slug.clone())
        .collect();
    let slugs_before: Vec<String> =
        permissions_before.iter().map(|(slug, _)| slug.clone()).collect();
    let permissions = Outcome::of(&wanted_permissions, &slugs_before, &used_permissions);
    let used_sections = permissions_before
        .iter()
        .filter(|(slug, _)| permissions.kept.contains(slug))
        .map(|(_, section)| section.clone())
        .chain(held_sections)
        .collect();
    let sections = Outcome::of(&wanted_sections, &sections_before, &used_sections);

    let gone = permissions::table
        .filter(permissions::slug.eq_any(&permissions.removed))
        .select(permissions::id);
    diesel::delete(
        api_access_permissions::table.filter(api_access_permissions::permission_id.eq_any(gone)),
    )
    .execute(conn)?;
    diesel::delete(permissions::table.filter(permissions::slug.eq_any(&permissions.removed)))
        .execute(conn)?;
    put_sections(conn, preset, &sections.kept)?;
    put_permissions(conn, preset, &permissions.kept)?;
    let gone =
        sections::table.filter(sections::slug.eq_any(&sections.removed)).select(sections::id);
    diesel::delete(api_access_sections::table.filter(api_access_sections::section_id.eq_any(gone)))
        .execute(conn)?;
    diesel::delete(sections::table.filter(sections::slug.eq_any(&sections.removed)))
        .execute(conn)?;
    Ok(Applied { sections, permissions, ..applied })
}

fn put_sections(conn: &mut PgConnection, preset: &Preset, kept: &[String]) -> AppResult<()> {
    let rows: Vec<_> = preset
        .sections
        .iter()
        .zip(1..)
        .map(|(row, position)| {
            (
                sections::slug.eq(&row.slug),
                sections::name.eq(&row.name),
                sections::position.eq(position),
            )
        })
        .collect();
    diesel::insert_into(sections::table)
        .values(rows)
        .on_conflict(sections::slug)
        .do_update()
        .set((
            sections::name.eq(excluded(sections::name)),
            sections::position.eq(excluded(sections::position)),
        ))
        .execute(conn)?;
    for (slug, position) in kept.iter().zip(preset.sections.len() as i32 + 1..) {
        diesel::update(sections::table.filter(sections::slug.eq(slug)))
            .set(sections::position.eq(position))
            .execute(conn)?;
    }
    Ok(())
}

fn put_permissions(conn: &mut PgConnection, preset: &Preset, kept: &[String]) -> AppResult<()> {
    let mut position = 0;
    for section in &preset.sections {
        let section_id: i64 = sections::table
            .filter(sections::slug.eq(&section.slug))
            .select(sections::id)
            .first(conn)?;
        let mut rows = Vec::new();
        for row in &section.permissions {
            position += 1;
            rows.push((
                permissions::section_id.eq(section_id),
                permissions::slug.eq(&row.slug),
                permissions::label.eq(&row.label),
                permissions::description.eq(&row.description),
                permissions::access.eq(row.access.slug()),
                permissions::publishable.eq(row.publishable),
                permissions::position.eq(position),
            ));
        }
        diesel::insert_into(permissions::table)
            .values(rows)
            .on_conflict(permissions::slug)
            .do_update()
            .set((
                permissions::section_id.eq(excluded(permissions::section_id)),
                permissions::label.eq(excluded(permissions::label)),
                permissions::description.eq(excluded(permissions::description)),
                permissions::access.eq(excluded(permissions::access)),
                permissions::publishable.eq(excluded(permissions::publishable)),
                permissions::position.eq(excluded(permissions::position)),
            ))
            .execute(conn)?;
    }
    for (slug, position) in kept.iter().zip(position + 1..) {
        diesel::update(permissions::table.filter(permissions::slug.eq(slug)))
            .set(permissions::position.eq(position))
            .execute(conn)?;
    }
    Ok(())
}
