//! Reading what became of mails, and forgetting it after a while.

use chrono::{DateTime, Utc};
use diesel::{
    PgConnection,
    prelude::*,
    sql_query,
    sql_types::{BigInt, Integer},
};

use crate::{
    error::{AppError, AppResult},
    schema::{notice_mails, users},
    users::Viewer,
};

/// What became of a mail is kept for so many days.
pub const KEPT_DAYS: i32 = 30;
/// Rows of a step.
const AT_ONCE: i64 = 1_000;

/// A mail that was refused at least once.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = notice_mails, check_for_backend(diesel::pg::Pg))]
pub struct Refused {
    #[diesel(select_expression = users::name)]
    pub name: String,
    #[diesel(select_expression = users::email)]
    pub email: String,
    pub created_at: DateTime<Utc>,
    pub attempts: i32,
    pub next_at: Option<DateTime<Utc>>,
    pub outcome: Option<String>,
    pub error: Option<String>,
}

/// The last that were refused, for administrators.
///
/// # Errors
/// [`AppError::Forbidden`].
pub fn refused(conn: &mut PgConnection, viewer: &Viewer) -> AppResult<Vec<Refused>> {
    if !viewer.is_administrator() {
        return Err(AppError::Forbidden);
    }
    Ok(notice_mails::table
        .inner_join(users::table)
        .filter(notice_mails::error.is_not_null())
        .order(notice_mails::id.desc())
        .limit(20)
        .select(Refused::as_select())
        .load(conn)?)
}

/// Removes some that ended long ago.
///
/// # Errors
/// When Postgres refuses.
pub fn remove_old(conn: &mut PgConnection) -> AppResult<usize> {
    Ok(sql_query(
        "delete from notice_mails where id in \
            (select id from notice_mails where ended_at < clock_timestamp() - make_interval(days => $1) limit $2)",
    )
    .bind::<Integer, _>(KEPT_DAYS)
    .bind::<BigInt, _>(AT_ONCE)
    .execute(conn)?)
}
