//! What holds for every key, whoever makes or changes it: its customers exist, its end is within the policy.

use chrono::{DateTime, Utc};
use diesel::{PgConnection, prelude::*};

use crate::{
    environments::Environment,
    error::{AppError, AppResult},
    keys::policy,
    schema::{customers, environments, key_customers},
};

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
