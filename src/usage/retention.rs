//! Callers of old secrets are kept for as long as a page can ask about them; of counts see `rollup.rs`.

use diesel::{PgConnection, RunQueryDsl, sql_query, sql_types::Integer};

use crate::error::AppResult;

/// For so many days after a caller used a secret for the last time it is known that they did.
const CALLERS_KEPT_DAYS: i32 = 100;
/// Rows in one statement, so that none takes long.
const AT_ONCE: i32 = 20_000;

/// Removes callers that were seen with an old secret, long ago; so many at most.
///
/// # Errors
/// When Postgres refuses.
pub fn remove_old_callers(conn: &mut PgConnection) -> AppResult<usize> {
    Ok(sql_query(
        "delete from secret_callers where ctid = any(array(select ctid from secret_callers \
            where last_seen_at < now() - make_interval(days => $1) limit $2))",
    )
    .bind::<Integer, _>(CALLERS_KEPT_DAYS)
    .bind::<Integer, _>(AT_ONCE)
    .execute(conn)?)
}
