//! Writing what a preset has in the place of what is here, as far as nothing uses that.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::{PgConnection, dsl::sql, prelude::*, sql_types::Nullable, upsert::excluded};

use super::{model::Preset, outcome::Outcome, usage};
use crate::{
    error::{AppError, AppResult},
    schema::{
        api_access_environments, api_access_permissions, api_access_sections, environments,
        permissions, sections, settings,
    },
};

/// Words and policies.
pub fn put_settings(conn: &mut PgConnection, preset: &Preset) -> AppResult<()> {
    let (wording, policy) = (&preset.wording, &preset.policy);
    diesel::update(settings::table)
        .set((
            settings::preset.eq(&preset.slug),
            settings::product_name.eq(&wording.product_name),
            settings::keys_section.eq(&wording.keys_section),
            settings::keys_title.eq(&wording.keys_title),
            settings::create_label.eq(&wording.create_label),
            settings::keys_path.eq(&wording.path),
            // What is not said is `None`, and diesel then leaves the column alone.
            wording.api_url.as_ref().map(|url| settings::api_url.eq(url)),
            settings::new_key_all_permissions.eq(policy.new_key_all_permissions),
            settings::managers_may_revoke.eq(policy.managers_may_revoke),
            policy.managers_may_regenerate.map(|may| settings::managers_may_regenerate.eq(may)),
            policy.default_lifetime_days.map(|days| settings::default_lifetime_days.eq(days)),
        ))
        .execute(conn)?;
    Ok(())
}

/// An environment keeps prefix and mode once keys were made with them.
pub fn put_environments(conn: &mut PgConnection, preset: &Preset) -> AppResult<Outcome> {
    let wanted: Vec<&str> = preset.environments.iter().map(|row| row.slug.as_str()).collect();
    let before: Vec<String> =
        environments::table.select(environments::slug).order(environments::position).load(conn)?;
    let outcome = Outcome::of(&wanted, &before, &usage::environments(conn)?);

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
    let now = Utc::now();
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
                environments::retired_at.eq(row.retired.then_some(now)),
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
            environments::prefix.eq(unless_made("prefix")),
            environments::mode.eq(unless_made("mode")),
            environments::retired_at.eq(first_retired("environments")),
        ))
        .execute(conn)?;
    for row in &preset.environments {
        let Some(allows_never) = row.allows_never else { continue };
        diesel::update(environments::table.filter(environments::slug.eq(&row.slug)))
            .set((
                environments::longest_days.eq(row.longest_days),
                environments::allows_never.eq(allows_never),
            ))
            .execute(conn)?;
    }
    for (slug, position) in outcome.kept.iter().zip(preset.environments.len() as i32 + 1..) {
        diesel::update(environments::table.filter(environments::slug.eq(slug)))
            .set(environments::position.eq(position))
            .execute(conn)?;
    }
    Ok(outcome)
}

/// The preset's value of that column, unless keys were made with the one that is there.
fn unless_made(column: &str) -> diesel::expression::SqlLiteral<diesel::sql_types::Text> {
    sql(&format!(
        "case when exists (select from keys where keys.environment_id = environments.id) \
         then environments.{column} else excluded.{column} end"
    ))
}

/// Retired since the first time, or not at all.
fn first_retired(
    table: &str,
) -> diesel::expression::SqlLiteral<Nullable<diesel::sql_types::Timestamptz>> {
    sql(&format!(
        "case when excluded.retired_at is not null \
         then coalesce({table}.retired_at, excluded.retired_at) end"
    ))
}

/// A permission is used when it is held or its whole section is, a section when it is held or a permission stays in it.
pub fn put_catalogue(conn: &mut PgConnection, preset: &Preset) -> AppResult<(Outcome, Outcome)> {
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
    let held_sections = usage::sections(conn)?;
    let held_permissions = usage::permissions(conn)?;

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
        .chain(held_sections.iter().cloned())
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
    let gone =
        sections::table.filter(sections::slug.eq_any(&sections.removed)).select(sections::id);
    diesel::delete(api_access_sections::table.filter(api_access_sections::section_id.eq_any(gone)))
        .execute(conn)?;
    // Whoever holds a section whole goes on holding what was in it.
    let stays: HashMap<&str, &str> = permissions_before
        .iter()
        .filter(|(_, section)| held_sections.contains(section))
        .map(|(slug, section)| (slug.as_str(), section.as_str()))
        .collect();
    put_permissions(conn, preset, &stays, &permissions.kept)?;
    diesel::delete(sections::table.filter(sections::slug.eq_any(&sections.removed)))
        .execute(conn)?;
    Ok((sections, permissions))
}

fn put_sections(conn: &mut PgConnection, preset: &Preset, kept: &[String]) -> AppResult<()> {
    let now = Utc::now();
    let rows: Vec<_> = preset
        .sections
        .iter()
        .zip(1..)
        .map(|(row, position)| {
            (
                sections::slug.eq(&row.slug),
                sections::name.eq(&row.name),
                sections::position.eq(position),
                sections::retired_at.eq(row.retired.then_some(now)),
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
            sections::retired_at.eq(first_retired("sections")),
        ))
        .execute(conn)?;
    for (slug, position) in kept.iter().zip(preset.sections.len() as i32 + 1..) {
        diesel::update(sections::table.filter(sections::slug.eq(slug)))
            .set(sections::position.eq(position))
            .execute(conn)?;
    }
    Ok(())
}

/// `stays` names permissions that stay in the section they are in.
fn put_permissions(
    conn: &mut PgConnection,
    preset: &Preset,
    stays: &HashMap<&str, &str>,
    kept: &[String],
) -> AppResult<()> {
    let ids: HashMap<String, i64> =
        sections::table.select((sections::slug, sections::id)).load(conn)?.into_iter().collect();
    let now = Utc::now();
    let mut rows = Vec::new();
    for section in &preset.sections {
        for row in &section.permissions {
            let place = stays.get(row.slug.as_str()).copied().unwrap_or(&section.slug);
            let section_id = *ids.get(place).ok_or(AppError::NotFound)?;
            let retired_at: Option<DateTime<Utc>> = row.retired.then_some(now);
            rows.push((
                permissions::section_id.eq(section_id),
                permissions::slug.eq(&row.slug),
                permissions::label.eq(&row.label),
                permissions::description.eq(&row.description),
                permissions::access.eq(row.access.slug()),
                permissions::publishable.eq(row.publishable),
                permissions::position.eq(rows.len() as i32 + 1),
                permissions::retired_at.eq(retired_at),
            ));
        }
    }
    let next = rows.len() as i32 + 1;
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
            permissions::retired_at.eq(first_retired("permissions")),
        ))
        .execute(conn)?;
    for (slug, position) in kept.iter().zip(next..) {
        diesel::update(permissions::table.filter(permissions::slug.eq(slug)))
            .set(permissions::position.eq(position))
            .execute(conn)?;
    }
    Ok(())
}
