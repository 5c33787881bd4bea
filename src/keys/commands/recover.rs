//! Keeping a secret so that it can be seen again, and showing it.

use chrono::{DateTime, Utc};
use diesel::{PgConnection, prelude::*};
use serde_json::json;

use super::{record, take};
use crate::{
    audit::Action,
    credentials::{Secret, SecretHash},
    error::{AppError, AppResult},
    keys::{
        Key,
        recover::{self, Recovery},
    },
    schema::{applications, key_secrets},
    users::Viewer,
    vault::{Unopened, Vault},
};

/// Keeps a new secret encrypted where its application wants that. Called in the transaction that made the secret.
///
/// # Errors
/// When Postgres refuses.
pub fn keep(
    conn: &mut PgConnection,
    vault: Option<&Vault>,
    key: &Key,
    secret: &Secret,
) -> AppResult<()> {
    let Some(vault) = wanted_by(conn, vault, key.application_id)? else { return Ok(()) };
    let sealed = vault.seal(secret, &key.public_key)?;
    diesel::update(key_secrets::table.filter(key_secrets::hash.eq(secret.hash().as_bytes())))
        .set(key_secrets::sealed.eq(sealed))
        .execute(conn)?;
    Ok(())
}

/// The vault, where the application wants its new secrets kept.
pub(super) fn wanted_by<'a>(
    conn: &mut PgConnection,
    vault: Option<&'a Vault>,
    application_id: i64,
) -> AppResult<Option<&'a Vault>> {
    if vault.is_none() {
        return Ok(None);
    }
    // Held still: whoever switches it off meanwhile waits, and then erases what is kept here.
    let since: Option<DateTime<Utc>> = applications::table
        .find(application_id)
        .select(applications::recoverable_since)
        .for_share()
        .first(conn)?;
    Ok(vault.filter(|_| since.is_some()))
}

/// Shows the present secret of a key once more, and writes that down. Whoever calls this has asked for the password.
///
/// # Errors
/// [`AppError::NotFound`]; [`AppError::Forbidden`] unless an administrator asks; [`AppError::Conflict`] when it was
/// not kept, or cannot be opened.
pub fn reveal(
    conn: &mut PgConnection,
    vault: Option<&Vault>,
    viewer: &Viewer,
    public_key: &str,
) -> AppResult<(Key, Secret)> {
    let (viewer, key) = take(conn, viewer, public_key)?;
    if !viewer.is_administrator() {
        return Err(AppError::Forbidden);
    }
    let recovery = recover::of(conn, vault, &viewer, &key)?;
    let (Recovery::Possible { sealed, hash }, Some(vault)) = (&recovery, vault) else {
        return Err(AppError::Conflict(recovery.explain().into()));
    };
    let secret = open(vault, sealed, &key, hash)?;
    record(conn, &viewer, &key, Action::KeyRevealed, json!({ "secret": key.secret.masked }))?;
    Ok((key, secret))
}

fn open(vault: &Vault, sealed: &[u8], key: &Key, hash: &SecretHash) -> AppResult<Secret> {
    vault.open(sealed, &key.public_key, hash).map_err(|error| {
        AppError::Conflict(
            match error {
                Unopened::OtherKey => {
                    "This secret was encrypted under another LATCHKEY_VAULT_KEY. Whoever runs Latchkey can add that key after the first one; or regenerate this key."
                }
                Unopened::Broken => {
                    "What was kept of this secret is damaged and cannot be opened. Regenerate the key to get a new one."
                }
            }
            .into(),
        )
    })
}
