//! The create wizard as far as it is filled in. It lives in the database, so that back, forward, reload and a crash
//! lose nothing, and so that one draft makes one key, however often its last page is sent.

use chrono::{TimeDelta, Utc};
use diesel::{PgConnection, prelude::*};
use uuid::Uuid;

use super::{Key, KeyForm, queries};
use crate::{
    error::{AppError, AppResult},
    schema::{key_drafts, keys},
    text,
    users::Viewer,
};

/// A draft of the viewer's.
pub enum Draft {
    /// Nothing was typed yet.
    Blank,
    Open(Box<KeyForm>),
    /// It made this key; `None` when the viewer may not see it any more.
    Used(Option<Box<Key>>),
}

/// Reads a draft. Somebody else's is blank, like one that never was.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn find(conn: &mut PgConnection, viewer: &Viewer, id: Uuid) -> AppResult<Draft> {
    let row =
        of(viewer, id).select((key_drafts::fields, key_drafts::key_id)).first(conn).optional()?;
    read(conn, viewer, row)
}

/// [`find`], and nobody else can use the draft until the transaction ends.
///
/// # Errors
/// As [`find`].
pub fn take(conn: &mut PgConnection, viewer: &Viewer, id: Uuid) -> AppResult<Draft> {
    let row = of(viewer, id)
        .select((key_drafts::fields, key_drafts::key_id))
        .for_update()
        .first(conn)
        .optional()?;
    read(conn, viewer, row)
}

/// Keeps what was typed; a draft that made a key stays as it is.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn keep(conn: &mut PgConnection, viewer: &Viewer, id: Uuid, form: &KeyForm) -> AppResult<()> {
    let Some(user_id) = viewer.id else { return Ok(()) };
    let fields = serde_json::to_value(storable(form)).map_err(anyhow::Error::from)?;
    diesel::insert_into(key_drafts::table)
        .values((
            key_drafts::id.eq(id),
            key_drafts::user_id.eq(user_id),
            key_drafts::fields.eq(&fields),
        ))
        .on_conflict_do_nothing()
        .execute(conn)?;
    diesel::update(of(viewer, id).filter(key_drafts::key_id.is_null()))
        .set((key_drafts::fields.eq(&fields), key_drafts::updated_at.eq(Utc::now())))
        .execute(conn)?;
    Ok(())
}

/// Notes which key a draft made. What was typed is on the key now.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn use_up(conn: &mut PgConnection, viewer: &Viewer, id: Uuid, key: &Key) -> AppResult<()> {
    diesel::update(of(viewer, id))
        .set((key_drafts::key_id.eq(key.id), key_drafts::fields.eq(serde_json::json!({}))))
        .execute(conn)?;
    Ok(())
}

/// Forgets drafts that nobody touched for a week.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn sweep(conn: &mut PgConnection) -> AppResult<usize> {
    let week_ago = Utc::now() - TimeDelta::days(7);
    Ok(diesel::delete(key_drafts::table.filter(key_drafts::updated_at.lt(week_ago)))
        .execute(conn)?)
}

#[diesel::dsl::auto_type]
fn of<'a>(viewer: &'a Viewer, id: Uuid) -> _ {
    let user_id: Option<i64> = viewer.id;
    key_drafts::table
        .filter(key_drafts::id.eq(id))
        .filter(key_drafts::user_id.nullable().eq(user_id))
}

fn read(
    conn: &mut PgConnection,
    viewer: &Viewer,
    row: Option<(serde_json::Value, Option<i64>)>,
) -> AppResult<Draft> {
    Ok(match row {
        None => Draft::Blank,
        Some((_, Some(key_id))) => {
            let public_key: String =
                keys::table.find(key_id).select(keys::public_key).first(conn)?;
            match queries::find(conn, viewer, &public_key) {
                Ok(key) => Draft::Used(Some(Box::new(key))),
                Err(AppError::NotFound) => Draft::Used(None),
                Err(error) => return Err(error),
            }
        }
        // A draft that a newer version cannot read is begun again.
        Some((fields, None)) => {
            serde_json::from_value(fields).map_or(Draft::Blank, |form| Draft::Open(Box::new(form)))
        }
    })
}

/// Postgres keeps no NUL; what cannot be shown was refused with a sentence already and need not survive.
fn storable(form: &KeyForm) -> KeyForm {
    let clean =
        |typed: &String| if text::is_showable_prose(typed) { typed.clone() } else { String::new() };
    // Empty would mean no limit, or no restriction: what is wrong has to stay wrong.
    let marked = |typed: &String| typed.replace('\0', "?");
    KeyForm {
        name: clean(&form.name),
        note: clean(&form.note),
        application: clean(&form.application),
        environment: clean(&form.environment),
        all_permissions: clean(&form.all_permissions),
        section: form.section.iter().map(clean).collect(),
        permission: form.permission.iter().map(clean).collect(),
        limit_second: marked(&form.limit_second),
        limit_minute: marked(&form.limit_minute),
        limit_hour: marked(&form.limit_hour),
        limit_day: marked(&form.limit_day),
        expires: clean(&form.expires),
        expires_on: clean(&form.expires_on),
        customers: marked(&form.customers),
        allowed_ips: marked(&form.allowed_ips),
        excluded_ips: marked(&form.excluded_ips),
        anywhere: clean(&form.anywhere),
        allowed_origins: marked(&form.allowed_origins),
        like: clean(&form.like),
        left_out: form.left_out.iter().map(clean).collect(),
        revision: form.revision,
        ..KeyForm::default()
    }
}
