//! Whether what Postgres says it has kept survives a power cut: a key that was revoked must stay revoked.

use anyhow::bail;
use diesel::{
    PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{Bool, Text},
};

use crate::config::Config;

/// One of the settings of Postgres that decide it.
#[derive(Debug, QueryableByName)]
pub struct Promise {
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = Bool)]
    pub is_kept: bool,
    /// Without it everything may be lost; without the others the last moment.
    #[diesel(sql_type = Bool)]
    pub is_vital: bool,
}

/// What becomes of what Postgres has said, in its own words.
pub const BROKEN: &str = "is off in Postgres, so that a power cut could bring a revoked key back; turn it on in postgresql.conf";

/// What Postgres promises.
///
/// # Errors
/// When Postgres does not answer.
pub fn promises(conn: &mut PgConnection) -> QueryResult<Vec<Promise>> {
    sql_query(
        "select name, current_setting(name) <> 'off' as is_kept, is_vital \
         from (values ('fsync', true), ('full_page_writes', true), ('synchronous_commit', false)) \
            as setting (name, is_vital)",
    )
    .load(conn)
}

/// Refuses to begin on a Postgres that may forget, unless that was asked for.
///
/// # Errors
/// When it may, or does not answer.
pub fn insist(conn: &mut PgConnection, config: &Config) -> anyhow::Result<()> {
    for Promise { name, is_kept, is_vital } in promises(conn)? {
        match (is_kept, is_vital && !config.may_lose_data) {
            (true, _) => {}
            (false, false) => tracing::warn!("{name} {BROKEN}"),
            (false, true) => {
                bail!("{name} {BROKEN}, or set LATCHKEY_MAY_LOSE_DATA=yes where nothing matters")
            }
        }
    }
    Ok(())
}
