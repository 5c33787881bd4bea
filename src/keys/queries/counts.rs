//! How many keys there are of a kind, as far as it is worth counting.

use chrono::{DateTime, Utc};
use diesel::{PgConnection, dsl::sql, prelude::*, sql_types::Integer};

use super::{
    is_active,
    narrow::{Bare, expires_soon, in_mode_of, matching, seen_by},
};
use crate::{
    counted::{self, Count, MOST},
    environments::Mode,
    error::AppResult,
    keys::{SOON_DAYS, filter::Filter},
    schema::keys,
    users::Viewer,
};

/// So many that end soon are counted for every page of the list.
const MOST_ENDING: i64 = 100;

/// How many of the viewer's active keys of the mode they look at end soon.
///
/// # Errors
/// [`AppError::NoApiAccess`](crate::error::AppError::NoApiAccess).
pub fn count_expiring(
    conn: &mut PgConnection,
    viewer: &Viewer,
    now: DateTime<Utc>,
) -> AppResult<Count> {
    let ending = in_mode_of(conn, seen_by(viewer)?, viewer)?
        .filter(is_active(now))
        .filter(expires_soon(now));
    bounded(conn, ending, MOST_ENDING)
}

/// What is said of that many keys, unless there are none.
pub fn say_expiring(count: Count) -> Option<String> {
    match count {
        Count::Exactly(0) => None,
        Count::Exactly(1) => Some(format!("1 key expires within {SOON_DAYS} days")),
        Count::Exactly(_) => Some(format!("{count} keys expire within {SOON_DAYS} days")),
        Count::MoreThan(most) | Count::About(most) => {
            let most = Count::Exactly(most);
            Some(format!("More than {most} keys expire within {SOON_DAYS} days"))
        }
    }
}

/// How many keys match that are of the other mode than the viewer looks at.
///
/// # Errors
/// [`AppError::NoApiAccess`](crate::error::AppError::NoApiAccess).
pub fn count_elsewhere(
    conn: &mut PgConnection,
    viewer: &Viewer,
    filter: &Filter,
    now: DateTime<Utc>,
) -> AppResult<Option<(Mode, Count)>> {
    let Some(other) = viewer.mode.map(Mode::other) else { return Ok(None) };
    let query = matching(conn, viewer, filter, Some(other), now)?;
    let count = bounded(conn, query, MOST)?;
    Ok((!count.is_none()).then_some((other, count)))
}

/// How many keys match, exactly: for whoever reads all of them anyway.
///
/// # Errors
/// [`AppError::NoApiAccess`](crate::error::AppError::NoApiAccess).
pub fn count_matching(
    conn: &mut PgConnection,
    viewer: &Viewer,
    filter: &Filter,
    now: DateTime<Utc>,
) -> AppResult<i64> {
    Ok(matching(conn, viewer, filter, viewer.mode, now)?.count().get_result(conn)?)
}

/// How many keys match, as far as it is worth counting.
///
/// # Errors
/// [`AppError::NoApiAccess`](crate::error::AppError::NoApiAccess).
pub fn count_roughly(
    conn: &mut PgConnection,
    viewer: &Viewer,
    filter: &Filter,
    now: DateTime<Utc>,
) -> AppResult<Count> {
    let query = matching(conn, viewer, filter, viewer.mode, now)?;
    bounded(conn, query, MOST)
}

/// Whether the viewer has any key at all: an empty list and a filter that matches nothing are different pages.
///
/// # Errors
/// [`AppError::NoApiAccess`](crate::error::AppError::NoApiAccess).
pub fn has_any(conn: &mut PgConnection, viewer: &Viewer) -> AppResult<bool> {
    Ok(seen_by(viewer)?.select(keys::id).first::<i64>(conn).optional()?.is_some())
}

fn bounded(conn: &mut PgConnection, query: Bare, most: i64) -> AppResult<Count> {
    let counts = counted::count_up_to(conn, &[query.select(sql::<Integer>("1"))], most)?;
    Ok(counts.into_iter().sum())
}
