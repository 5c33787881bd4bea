//! What is retired is not granted any more; keys that hold it keep it.

use diesel::{PgConnection, dsl::exists, prelude::*};

use crate::{
    error::{AppError, AppResult},
    keys::{Key, Permissions},
    schema::{key_permissions, key_sections, permissions, sections},
};

/// Refuses retired sections and permissions, unless the key holds them already, one way or the other. What is wanted
/// cannot be retired from then on until the transaction ends.
pub(super) fn refuse_retired(
    conn: &mut PgConnection,
    wanted: &Permissions,
    key: Option<&Key>,
) -> AppResult<()> {
    let single: Vec<(i64, i64, String, bool)> = permissions::table
        .filter(permissions::id.eq_any(&wanted.permissions))
        .order(permissions::id)
        .select((
            permissions::id,
            permissions::section_id,
            permissions::slug,
            permissions::retired_at.is_not_null(),
        ))
        .for_share()
        .load(conn)?;
    let concerned: Vec<i64> = single
        .iter()
        .map(|(_, section, ..)| *section)
        .chain(wanted.sections.iter().copied())
        .collect();
    let retired: Vec<(i64, String)> = sections::table
        .filter(sections::id.eq_any(concerned))
        .order(sections::id)
        .select((sections::id, sections::name, sections::retired_at.is_not_null()))
        .for_share()
        .load::<(i64, String, bool)>(conn)?
        .into_iter()
        .filter(|(.., retired)| *retired)
        .map(|(id, name, _)| (id, name))
        .collect();
    if key.is_some_and(|key| key.all_permissions) {
        return Ok(());
    }
    for (id, name) in &retired {
        if wanted.sections.contains(id) && !holds_section(conn, key, *id)? {
            return Err(AppError::Unprocessable(format!(
                "The section {name} is retired: keys that hold it keep it, others are not given it."
            )));
        }
    }
    for (id, section, slug, is_retired) in &single {
        let is_retired = *is_retired || retired.iter().any(|(retired, _)| retired == section);
        if is_retired && !holds_section(conn, key, *section)? && !holds_single(conn, key, *id)? {
            return Err(AppError::Unprocessable(format!(
                "The permission {slug} is retired: keys that hold it keep it, others are not given it."
            )));
        }
    }
    Ok(())
}

fn holds_section(conn: &mut PgConnection, key: Option<&Key>, section: i64) -> AppResult<bool> {
    let Some(key) = key else { return Ok(false) };
    let held = key_sections::table
        .filter(key_sections::key_id.eq(key.id).and(key_sections::section_id.eq(section)));
    Ok(diesel::select(exists(held)).get_result(conn)?)
}

fn holds_single(conn: &mut PgConnection, key: Option<&Key>, permission: i64) -> AppResult<bool> {
    let Some(key) = key else { return Ok(false) };
    let held = key_permissions::table.filter(
        key_permissions::key_id.eq(key.id).and(key_permissions::permission_id.eq(permission)),
    );
    Ok(diesel::select(exists(held)).get_result(conn)?)
}
