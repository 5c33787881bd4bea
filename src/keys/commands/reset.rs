//! New secrets for all active keys of an application in one environment, at once.

use chrono::Utc;
use diesel::{PgConnection, prelude::*};
use serde_json::json;
use uuid::Uuid;

use super::{
    issue, keep, record,
    regenerate::{end_overlaps, retire_current},
};
use crate::{
    applications::Application,
    audit::{self, Action, Subject},
    credentials::Secret,
    environments::Environment,
    error::{AppError, AppResult},
    keys::{Key, queries},
    schema::{key_resets, keys},
    users::Viewer,
    vault::Vault,
};

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
    // because whoever was waited for may have revoked or regenerated one.
    keys::table
        .filter(keys::application_id.eq(application.id))
        .filter(keys::environment_id.eq(environment.id))
        .filter(queries::is_active(Utc::now()))
        .order(keys::id)
        .select(keys::id)
        .for_update()
        .load::<i64>(conn)?;
    let now = Utc::now();
    let found = queries::active_of(conn, &viewer, application.id, environment.id, now)?;
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
    let mut made = Vec::with_capacity(found.len());
    for key in found {
        let secret = issue(conn, key.id, &environment.prefix)?;
        keep(conn, vault, &key, &secret)?;
        let details = json!({ "secret": [key.secret.masked, secret.masked()], "reset": true });
        record(conn, &viewer, &key, Action::KeyRegenerated, details)?;
        made.push((key, secret));
    }
    let subject = Subject { id: &application.app_id, name: &application.name };
    let details = json!({ "environment": environment.slug, "keys": made.len() });
    audit::record(conn, &viewer, Action::ApplicationKeysReset, subject, details)?;
    Ok(made)
}
