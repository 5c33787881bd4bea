//! Marking notices as read, and removing them when they are old.

use diesel::{
    PgConnection, RunQueryDsl, sql_query,
    sql_types::{BigInt, Integer},
};

use crate::{error::AppResult, users::Viewer};

/// For so long they can be read.
pub const KEPT_DAYS: i32 = 90;
/// Rows in one statement, so that none takes long.
const AT_ONCE: i32 = 5_000;

/// The viewer has seen everything up to that notice: what came later stays unread, and what was read stays read. Whatever
/// number is given, it is never further than the last notice there is.
///
/// # Errors
/// When Postgres refuses.
pub fn mark_read(conn: &mut PgConnection, viewer: &Viewer, up_to: i64) -> AppResult<()> {
    let Some(id) = viewer.id else { return Ok(()) };
    sql_query(
        "update users set notices_read_to = seen.id \
         from (select least($2, coalesce(max(id), 0)) as id from notices) as seen \
         where users.id = $1 and notices_read_to < seen.id",
    )
    .bind::<BigInt, _>(id)
    .bind::<BigInt, _>(up_to)
    .execute(conn)?;
    Ok(())
}

/// Removes notices that are too old; so many at most.
///
/// # Errors
/// When Postgres refuses.
pub fn remove_old(conn: &mut PgConnection) -> AppResult<usize> {
    Ok(sql_query(
        "delete from notices where id = any(array(select id from notices \
            where at < now() - make_interval(days => $1) order by at limit $2))",
    )
    .bind::<Integer, _>(KEPT_DAYS)
    .bind::<Integer, _>(AT_ONCE)
    .execute(conn)?)
}
