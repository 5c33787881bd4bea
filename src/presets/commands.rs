//! Applying a preset or a file like one: what it has is added or brought up to date, what it lacks goes unless a key,
//! a gateway or a grant uses it.

use diesel::{PgConnection, prelude::*, result::Error as DieselError};
use serde_json::json;

use super::{
    fit::{Fixed, fixed_places, taken_prefixes},
    model::{self, Preset},
    outcome::{Applied, Outcome, Sluggish as _, changed, named, rows},
    read::{Fault, Read},
    write::{put_catalogue, put_environments, put_settings},
};
use crate::{
    audit::{self, Action, Subject},
    environments as places,
    error::{AppError, AppResult},
    schema::{environments, settings},
    scopes,
    users::Viewer,
};

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
        environments: put_environments(conn, preset)?,
        sections: Outcome::default(),
        permissions: Outcome::default(),
        published: Vec::new(),
    };
    (applied.sections, applied.permissions) = put_catalogue(conn, preset)?;
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
    Ok(applied)
}
