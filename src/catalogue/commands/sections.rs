//! Changing sections.

use chrono::{DateTime, Utc};
use diesel::{PgConnection, prelude::*};
use serde_json::json;

use super::{begin, record};
use crate::{
    audit::Action,
    catalogue::queries,
    error::AppResult,
    order::{Direction, moved, place},
    schema::sections,
    scopes::Section,
    users::Viewer,
};

/// Adds an empty section, as the last of them.
///
/// # Errors
/// [`crate::error::AppError::Forbidden`]; violates `sections_slug` when another has the slug.
pub fn add_section(
    conn: &mut PgConnection,
    viewer: &Viewer,
    slug: &str,
    name: &str,
) -> AppResult<Section> {
    let viewer = begin(conn, viewer)?;
    let last: Option<i32> =
        sections::table.select(diesel::dsl::max(sections::position)).first(conn)?;
    let id: i64 = diesel::insert_into(sections::table)
        .values((
            sections::slug.eq(slug),
            sections::name.eq(name),
            sections::position.eq(last.unwrap_or_default() + 1),
        ))
        .returning(sections::id)
        .get_result(conn)?;
    let section = queries::find_section(conn, id)?;
    record(conn, &viewer, Action::SectionCreated, &section, json!({ "name": name }))?;
    Ok(section)
}

/// Gives a section another name. Nothing is written when it has that name already.
///
/// # Errors
/// [`crate::error::AppError::Forbidden`], [`crate::error::AppError::NotFound`].
pub fn rename_section(
    conn: &mut PgConnection,
    viewer: &Viewer,
    id: i64,
    name: &str,
) -> AppResult<Section> {
    let viewer = begin(conn, viewer)?;
    let before = hold(conn, id)?;
    if before.name == name {
        return Ok(before);
    }
    diesel::update(sections::table.find(id)).set(sections::name.eq(name)).execute(conn)?;
    let section = queries::find_section(conn, id)?;
    let details = json!({ "name": [before.name, name] });
    record(conn, &viewer, Action::SectionUpdated, &section, details)?;
    Ok(section)
}

/// Moves a section past its neighbour. The first stays when it is moved up, the last when down.
///
/// # Errors
/// As [`rename_section`].
pub fn move_section(
    conn: &mut PgConnection,
    viewer: &Viewer,
    id: i64,
    to: Direction,
) -> AppResult<Section> {
    let viewer = begin(conn, viewer)?;
    let section = hold(conn, id)?;
    let order: Vec<i64> = sections::table
        .order((sections::position, sections::id))
        .select(sections::id)
        .load(conn)?;
    let was = place(&order, id);
    let Some(order) = moved(order, id, to) else { return Ok(section) };
    for (id, position) in order.iter().zip(1..) {
        diesel::update(sections::table.find(id))
            .set(sections::position.eq(position))
            .execute(conn)?;
    }
    let details = json!({ "position": [was, place(&order, id)] });
    record(conn, &viewer, Action::SectionUpdated, &section, details)?;
    Ok(section)
}

/// Neither the section nor anything in it is granted from now on; keys that hold it keep it. Retiring twice keeps the
/// first date.
///
/// # Errors
/// As [`rename_section`].
pub fn retire_section(conn: &mut PgConnection, viewer: &Viewer, id: i64) -> AppResult<Section> {
    let viewer = begin(conn, viewer)?;
    let before = hold(conn, id)?;
    if before.is_retired() {
        return Ok(before);
    }
    set_retired(conn, id, Some(Utc::now()))?;
    record(conn, &viewer, Action::SectionRetired, &before, json!({ "retired": [false, true] }))?;
    queries::find_section(conn, id)
}

/// Lets a retired section be granted again, with what is in it and not retired itself.
///
/// # Errors
/// As [`rename_section`].
pub fn restore_section(conn: &mut PgConnection, viewer: &Viewer, id: i64) -> AppResult<Section> {
    let viewer = begin(conn, viewer)?;
    let before = hold(conn, id)?;
    if !before.is_retired() {
        return Ok(before);
    }
    set_retired(conn, id, None)?;
    record(conn, &viewer, Action::SectionRestored, &before, json!({ "retired": [true, false] }))?;
    queries::find_section(conn, id)
}

fn set_retired(conn: &mut PgConnection, id: i64, at: Option<DateTime<Utc>>) -> AppResult<()> {
    diesel::update(sections::table.find(id)).set(sections::retired_at.eq(at)).execute(conn)?;
    Ok(())
}

/// The section, which is granted to no key until the transaction ends.
fn hold(conn: &mut PgConnection, id: i64) -> AppResult<Section> {
    sections::table.find(id).select(sections::id).for_update().first::<i64>(conn)?;
    queries::find_section(conn, id)
}
