//! What holds for every key, whoever makes or changes it: its customers exist, its end is within the policy.

use chrono::{DateTime, Utc};
use diesel::{PgConnection, prelude::*};

use crate::{
    environments::Environment,
    error::{AppError, AppResult},
    keys::{Key, KeyChanges, policy, queries::Holdings},
    schema::{customers, environments, key_customers, keys},
};

/// What an edit that changes nothing would say; for acts that change one thing of it.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn unchanged(conn: &mut PgConnection, key: &Key, held: &Holdings) -> AppResult<KeyChanges> {
    let customers = key_customers::table
        .filter(key_customers::key_id.eq(key.id))
        .select(key_customers::customer_id)
        .load(conn)?;
    let (allowed_ips, excluded_ips, allowed_origins) = keys::table
        .find(key.id)
        .select((keys::allowed_ips, keys::excluded_ips, keys::allowed_origins))
        .first(conn)?;
    Ok(KeyChanges {
        name: key.name.clone(),
        note: key.note.clone(),
        permissions: held.ids.clone(),
        limits: held.limits.clone(),
        expires_at: key.expires_at,
        customers,
        allowed_ips,
        excluded_ips,
        allowed_origins,
    })
}

/// Restricts a key to these customers, in place of those it had; none: it is for all.
///
/// # Errors
/// [`AppError::Unprocessable`] when one of them does not exist any more.
pub fn set_customers(conn: &mut PgConnection, key_id: i64, wanted: &[i64]) -> AppResult<()> {
    // Held until the transaction ends: a customer that is being deleted is either there or not, never half.
    let known: Vec<i64> = customers::table
        .filter(customers::id.eq_any(wanted))
        .order(customers::id)
        .select(customers::id)
        .for_key_share()
        .load(conn)?;
    if wanted.iter().any(|id| !known.contains(id)) {
        return Err(AppError::Unprocessable(
            "Unknown customer: one of them was deleted meanwhile. Look through the list.".into(),
        ));
    }
    diesel::delete(key_customers::table.filter(key_customers::key_id.eq(key_id))).execute(conn)?;
    let rows: Vec<_> = known
        .into_iter()
        .map(|id| (key_customers::key_id.eq(key_id), key_customers::customer_id.eq(id)))
        .collect();
    diesel::insert_into(key_customers::table).values(rows).execute(conn)?;
    Ok(())
}

/// The environment of that id; its policy stands still until the transaction ends.
///
/// # Errors
/// [`AppError::NotFound`].
pub fn take_environment(conn: &mut PgConnection, id: i64) -> AppResult<Environment> {
    Ok(environments::table.find(id).select(Environment::as_select()).for_share().first(conn)?)
}

/// Whether a key of that environment could be given this end now.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn may_end(
    conn: &mut PgConnection,
    environment_id: i64,
    expires_at: Option<DateTime<Utc>>,
) -> AppResult<bool> {
    let environment = take_environment(conn, environment_id)?;
    Ok(policy::check_expiry(&environment, expires_at, Utc::now()).is_ok())
}

/// Refuses an end that the policy of the environment does not allow.
///
/// # Errors
/// [`AppError::Unprocessable`] with the policy.
pub fn refuse_long_life(
    environment: &Environment,
    expires_at: Option<DateTime<Utc>>,
) -> AppResult<()> {
    policy::check_expiry(environment, expires_at, Utc::now()).map_err(AppError::Unprocessable)
}
