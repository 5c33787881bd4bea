//! Which customers are known.

use std::collections::HashMap;

use diesel::{PgConnection, prelude::*};

use crate::{error::AppResult, schema::customers};

/// Those of the platform's ids that are known, with ours.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn known(conn: &mut PgConnection, external_ids: &[&str]) -> AppResult<HashMap<String, i64>> {
    // Postgres keeps no NUL; an id that has one is unknown without asking.
    let askable = external_ids.iter().filter(|id| !id.contains('\0'));
    let found: Vec<(String, i64)> = customers::table
        .filter(customers::external_id.eq_any(askable))
        .select((customers::external_id, customers::id))
        .load(conn)?;
    Ok(found.into_iter().collect())
}
