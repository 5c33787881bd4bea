//! New secrets for all active keys of an application in one environment, at once.

use chrono::Utc;
use diesel::{PgConnection, prelude::*};
use serde_json::json;
use uuid::Uuid;

use super::{
    recover::wanted_by,
    regenerate::{end_overlaps, retire_current},
};
use crate::{
    applications::Application,
    audit::{self, Action, Subject},
    credentials::Secret,
    environments::Environment,
    error::{AppError, AppResult},
    keys::{Key, queries},
    schema::{key_resets, key_secrets, keys},
    users::Viewer,
    vault::Vault,
};

/// Rows in one statement; Postgres takes 65 535 values.
const AT_ONCE: usize = 1_000;

/// Regenerates every active key without an overlap: what was revealed before is dead when this commits. `form` is the
/// number the form was drawn with, so that a form resets once.
///
/// # Errors
/// [`AppError::Forbidden`] unless an administrator asks; [`AppError::Conflict`] when no key is active; violates
/// `key_resets_pkey` when the form was used before.
pub fn reset(
    conn: &mut PgConnection,
    vault: Option<&Vault>,
    viewer: &Viewer,
    form: Uuid,
    application: &Application,
    environment: &Environment,
) -> AppResult<Vec<(Key, Secret)>> {
    let viewer = viewer.confirm_administrator(conn)?;
    diesel::insert_into(key_resets::table)
        .values((
            key_resets::id.eq(form),
            key_resets::user_id.eq(viewer.id),
            key_resets::application_id.eq(application.id),
            key_resets::environment_id.eq(environment.id),
        ))
        .execute(conn)?;
    // In the order of their ids, so that two resets wait for each other instead of for ever; read again afterwards,
    // because whoever was waited for may have revoked or regenerated one. What was enabled only then is not held, and
    // counts as enabled afterwards.
    let held: Vec<i64> = keys::table
        .filter(keys::application_id.eq(application.id))
        .filter(keys::environment_id.eq(environment.id))
        .filter(queries::is_active(Utc::now()))
        .order(keys::id)
        .select(keys::id)
        .for_no_key_update()
        .load(conn)?;
    let now = Utc::now();
    let mut found = queries::active_of(conn, &viewer, application.id, environment.id, now)?;
    found.retain(|key| held.contains(&key.id));
    if found.is_empty() {
        return Err(AppError::Conflict(
            "No key of this application is active there any more, so nothing was reset.".into(),
        ));
    }
    let ids: Vec<i64> = found.iter().map(|key| key.id).collect();
    end_overlaps(conn, &ids, now)?;
    retire_current(conn, &ids, now)?;
    diesel::update(keys::table.filter(keys::id.eq_any(&ids)))
        .set(keys::version.eq(keys::version + 1))
        .execute(conn)?;
    let vault = wanted_by(conn, vault, application.id)?;
    let (mut made, mut rows, mut events) = (Vec::new(), Vec::new(), Vec::new());
    for key in found {
        let secret = Secret::for_key(&environment.prefix);
        let sealed = vault.map(|vault| vault.seal(&secret, &key.public_key)).transpose()?;
        rows.push((
            key_secrets::key_id.eq(key.id),
            key_secrets::hash.eq(secret.hash().as_bytes().to_vec()),
            key_secrets::masked.eq(secret.masked()),
            key_secrets::sealed.eq(sealed),
        ));
        let details = json!({ "secret": [key.secret.masked, secret.masked()], "reset": true });
        events.push((key.public_key.clone(), key.name.clone(), details));
        made.push((key, secret));
    }
    while !rows.is_empty() {
        let some: Vec<_> = rows.drain(..rows.len().min(AT_ONCE)).collect();
        diesel::insert_into(key_secrets::table).values(some).execute(conn)?;
    }
    audit::record_each(conn, &viewer, Action::KeyRegenerated, events)?;
    let subject = Subject { id: &application.app_id, name: &application.name };
    let details = json!({ "environment": environment.slug, "keys": made.len() });
    audit::record(conn, &viewer, Action::ApplicationKeysReset, subject, details)?;
    Ok(made)
}
