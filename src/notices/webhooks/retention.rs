//! What was told to webhooks is kept for a while only.

use diesel::{
    PgConnection, RunQueryDsl, sql_query,
    sql_types::{BigInt, Integer},
};

use crate::error::AppResult;

/// For so many days.
pub const KEPT_DAYS: i32 = 30;
/// Rows of a step.
const AT_ONCE: i64 = 1_000;

/// Removes some that were made long ago, with their attempts.
///
/// # Errors
/// When Postgres refuses.
pub fn remove_old(conn: &mut PgConnection) -> AppResult<usize> {
    Ok(sql_query(
        "delete from webhook_deliveries where id in (select id from webhook_deliveries \
            where created_at < clock_timestamp() - make_interval(days => $1) limit $2)",
    )
    .bind::<Integer, _>(KEPT_DAYS)
    .bind::<BigInt, _>(AT_ONCE)
    .execute(conn)?)
}
