//! Applying a preset or a file like one: what it has is added or brought up to date, what it lacks goes unless a key,
//! a gateway or a grant uses it.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::{
    PgConnection, dsl::sql, prelude::*, result::Error as DieselError, sql_types::Nullable,
    upsert::excluded,
};
use serde_json::json;

use super::{
    model::{self, Preset},
    read::{Fault, Read},
    usage,
};
use crate::{
    audit::{self, Action, Subject},
    changes::Change,
    environments::{self as places, Environment},
    error::{AppError, AppResult},
    schema::{
        api_access_environments, api_access_permissions, api_access_sections, environments,
        permissions, sections, settings,
    },
    scopes::{self, Section},
    users::Viewer,
};

/// What applying a preset did.
#[derive(Debug, Clone)]
pub struct Applied {
    pub preset: Preset,
    pub environments: Outcome,
    pub sections: Outcome,
    pub permissions: Outcome,
    /// Permissions that are browser-safe from then on and were not before.
    pub published: Vec<String>,
}

/// The slugs that came, went, changed, or stayed although the preset lacks them, because something uses them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    pub added: Vec<String>,
    pub changed: Vec<String>,
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
            changed: Vec::new(),
            removed: lacking().filter(|slug| !used.contains(*slug)).cloned().collect(),
            kept: lacking().filter(|slug| used.contains(*slug)).cloned().collect(),
        }
    }
}

/// Applies the preset of that slug.
///
/// # Errors
/// [`AppError::Forbidden`] unless an administrator asks, [`AppError::Unprocessable`] when there is no such preset, or
/// it wants a prefix that is taken.
pub fn apply(conn: &mut PgConnection, viewer: &Viewer, slug: &str) -> AppResult<Applied> {
    let viewer = viewer.confirm_administrator(conn)?;
    let preset = model::find(slug).ok_or_else(|| {
        let known: Vec<&str> = model::list().iter().map(|preset| preset.slug.as_str()).collect();
        AppError::Unprocessable(format!(
            "There is no such preset. Choose one of {}.",
            known.join(", ")
        ))
    })?;
    hold(conn)?;
    if let Some((_, sentence)) = taken_prefixes(conn, preset, Fixed::Stays)?.into_iter().next() {
        return Err(AppError::Unprocessable(sentence));
    }
    put(conn, &viewer, preset, Action::PresetApplied)
}

/// Applies a file, or says what of it does not fit what is here; then nothing is changed.
///
/// # Errors
/// [`AppError::Forbidden`] unless an administrator asks.
pub fn apply_file(
    conn: &mut PgConnection,
    viewer: &Viewer,
    read: &Read,
) -> AppResult<Result<Applied, Vec<Fault>>> {
    let viewer = viewer.confirm_administrator(conn)?;
    hold(conn)?;
    let mut faults: Vec<Fault> = fixed_places(conn, &read.preset)?
        .into_iter()
        .chain(taken_prefixes(conn, &read.preset, Fixed::IsWrong)?)
        .map(|(slug, sentence)| read.fault_at(&slug, sentence))
        .collect();
    if faults.is_empty() {
        return put(conn, &viewer, &read.preset, Action::CatalogueImported).map(Ok);
    }
    faults.sort_by_key(|fault| fault.line);
    Ok(Err(faults))
}

/// What [`apply`] would do. It is done and taken back, so that what is announced and what happens cannot differ.
///
/// # Errors
/// As [`apply`].
pub fn preview(conn: &mut PgConnection, viewer: &Viewer, slug: &str) -> AppResult<Applied> {
    try_out(conn, |conn| apply(conn, viewer, slug))
}

/// What [`apply_file`] would do, likewise.
///
/// # Errors
/// As [`apply_file`].
pub fn preview_file(
    conn: &mut PgConnection,
    viewer: &Viewer,
    read: &Read,
) -> AppResult<Result<Applied, Vec<Fault>>> {
    try_out(conn, |conn| apply_file(conn, viewer, read))
}

fn try_out<T>(
    conn: &mut PgConnection,
    act: impl FnOnce(&mut PgConnection) -> AppResult<T>,
) -> AppResult<T> {
    let mut done = None;
    let undone = conn.transaction(|conn| {
        done = Some(act(conn)?);
        Err::<(), AppError>(DieselError::RollbackTransaction.into())
    });
    match (done, undone) {
        (Some(done), _) => Ok(done),
        (None, Err(error)) => Err(error),
        (None, Ok(())) => Err(AppError::NotFound),
    }
}

/// One change of settings, environments or catalogue at a time, and no key is made meanwhile under a prefix that goes.
fn hold(conn: &mut PgConnection) -> AppResult<()> {
    settings::table.select(settings::one_row).for_update().first::<bool>(conn)?;
    environments::table
        .order(environments::id)
        .select(environments::id)
        .for_update()
        .load::<i64>(conn)?;
    Ok(())
}

/// Environments that would get another prefix or mode although keys were made with those they have.
fn fixed_places(conn: &mut PgConnection, preset: &Preset) -> AppResult<Vec<(String, String)>> {
    let free = usage::without_keys(conn)?;
    let known = places::list(conn)?;
    let known = |slug: &str| known.iter().find(|place| place.slug == slug && !free.contains(slug));
    Ok(preset
        .environments
        .iter()
        .filter_map(|wanted| {
            let place = known(&wanted.slug)?;
            let stays = (&wanted.prefix, wanted.mode) == (&place.prefix, place.mode);
            (!stays).then(|| {
                let sentence = format!(
                    "Keys have been made in {}, so its prefix and mode are fixed: prefix = \"{}\", mode = \"{}\".",
                    place.slug,
                    place.prefix,
                    place.mode.slug()
                );
                (wanted.slug.clone(), sentence)
            })
        })
        .collect())
}

/// What a wanted prefix means for an environment whose prefix is fixed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fixed {
    /// Nothing: it keeps the one it has.
    Stays,
    /// It is wrong already.
    IsWrong,
}

/// Prefixes that belong to another environment, which stays.
fn taken_prefixes(
    conn: &mut PgConnection,
    preset: &Preset,
    fixed: Fixed,
) -> AppResult<Vec<(String, String)>> {
    let (free, used) = (usage::without_keys(conn)?, usage::environments(conn)?);
    let known = places::list(conn)?;
    let stays = |place: &Environment| {
        used.contains(&place.slug)
            || preset.environments.iter().any(|wanted| wanted.slug == place.slug)
    };
    Ok(preset
        .environments
        .iter()
        .filter(|wanted| {
            let is_fixed =
                known.iter().any(|place| place.slug == wanted.slug) && !free.contains(&wanted.slug);
            !(is_fixed && fixed == Fixed::Stays)
        })
        .filter_map(|wanted| {
            let owner = known.iter().find(|place| {
                place.prefix == wanted.prefix && place.slug != wanted.slug && stays(place)
            })?;
            let sentence = format!(
                "The prefix {} of {} belongs to the environment {}, which stays. Give one of them another prefix first.",
                wanted.prefix, wanted.slug, owner.slug
            );
            Some((wanted.slug.clone(), sentence))
        })
        .collect())
}

fn put(
    conn: &mut PgConnection,
    viewer: &Viewer,
    preset: &Preset,
    action: Action,
) -> AppResult<Applied> {
    let before: Option<String> = settings::table.select(settings::preset).first(conn)?;
    let (places_before, catalogue_before) = (places::list(conn)?, scopes::catalogue(conn)?);
    let mut applied = Applied {
        preset: preset.clone(),
        environments: apply_environments(conn, preset)?,
        sections: Outcome::default(),
        permissions: Outcome::default(),
        published: Vec::new(),
    };
    (applied.sections, applied.permissions) = apply_catalogue(conn, preset)?;
    applied.environments.changed = changed(&places_before, &places::list(conn)?);
    let catalogue = scopes::catalogue(conn)?;
    applied.sections.changed = changed(&named(&catalogue_before), &named(&catalogue));
    let (rows_before, rows) = (rows(&catalogue_before), rows(&catalogue));
    applied.permissions.changed = changed(&rows_before, &rows);
    applied.published = rows
        .iter()
        .filter(|row| row.is_publishable())
        .filter(|row| {
            !rows_before.iter().any(|was| was.slug() == row.slug() && was.is_publishable())
        })
        .map(|row| row.slug().to_owned())
        .collect();
    put_settings(conn, preset)?;
    let details = json!({
        "preset": [before, &preset.slug],
        "added": applied.permissions.added,
        "changed": applied.permissions.changed,
        "removed": applied.permissions.removed,
        "kept": applied.permissions.kept,
        "published": applied.published,
        "environments": {
            "added": applied.environments.added,
            "changed": applied.environments.changed,
            "removed": applied.environments.removed,
        },
    });
    let subject = Subject { id: "settings", name: "Settings" };
    audit::record(conn, viewer, action, subject, details)?;
    Change::Catalogue.announce(conn)?;
    Ok(applied)
}

fn put_settings(conn: &mut PgConnection, preset: &Preset) -> AppResult<()> {
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

/// What has a slug, and can be compared with what it was.
trait Sluggish: PartialEq {
    fn slug(&self) -> &str;
}

impl Sluggish for Environment {
    fn slug(&self) -> &str {
        &self.slug
    }
}

impl Sluggish for (String, String, bool) {
    fn slug(&self) -> &str {
        &self.0
    }
}

fn changed<T: Sluggish>(before: &[T], after: &[T]) -> Vec<String> {
    after
        .iter()
        .filter(|row| before.iter().any(|was| was.slug() == row.slug() && was != *row))
        .map(|row| row.slug().to_owned())
        .collect()
}

/// Slug, name and whether it is retired.
fn named(catalogue: &[Section]) -> Vec<(String, String, bool)> {
    catalogue
        .iter()
        .map(|section| (section.slug.clone(), section.name.clone(), section.is_retired()))
        .collect()
}

/// Permissions as they are compared.
#[derive(PartialEq)]
struct PermissionRow<'a>(&'a scopes::Permission);

impl PermissionRow<'_> {
    fn is_publishable(&self) -> bool {
        self.0.publishable
    }
}

impl Sluggish for PermissionRow<'_> {
    fn slug(&self) -> &str {
        &self.0.slug
    }
}

fn rows(catalogue: &[Section]) -> Vec<PermissionRow<'_>> {
    catalogue.iter().flat_map(|section| &section.permissions).map(PermissionRow).collect()
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

/// An environment keeps prefix and mode once keys were made with them.
fn apply_environments(conn: &mut PgConnection, preset: &Preset) -> AppResult<Outcome> {
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
fn apply_catalogue(conn: &mut PgConnection, preset: &Preset) -> AppResult<(Outcome, Outcome)> {
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
