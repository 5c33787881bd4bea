//! Reading keys. Every question starts at [`visible_to`].
//!
//! | file | |
//! |---|---|
//! | `list.rs` | the list: ordered, by pages; and all that match |
//! | `ways.rs` | along which index a page of it is found |
//! | `narrow.rs` | the filter as conditions; asking in time |
//! | `search.rs` | the words of a search as conditions |
//! | `counts.rs` | how many there are |
//! | `holdings.rs` | what keys hold, and how they are restricted |

mod counts;
mod holdings;
mod list;
mod narrow;
mod search;
mod ways;

use chrono::{DateTime, Utc};
use diesel::{
    PgConnection,
    dsl::{self, auto_type},
    pg::Pg,
    prelude::*,
};

pub use counts::{
    count_elsewhere, count_expiring, count_matching, count_roughly, has_any, say_expiring,
};
pub use holdings::{Holdings, Restrictions, holdings_of, holdings_of_all, restrictions_of};
pub use list::{Found, PAGE, Page, after, find_page, list, newest_of, read_page, select};
pub use narrow::in_time;

use self::holdings::holdings;
use super::{Key, Permissions};
use crate::{
    credentials::SecretHash,
    error::{AppError, AppResult},
    schema::{applications, environments, key_customers, key_secrets, keys, users},
    users::Viewer,
};

#[auto_type]
fn joined() -> _ {
    keys::table
        .inner_join(applications::table)
        .inner_join(environments::table)
        .left_join(users::table)
        .inner_join(
            key_secrets::table
                .on(key_secrets::key_id.eq(keys::id).and(key_secrets::ends_at.is_null())),
        )
}

type Keys<'a> = dsl::IntoBoxed<'a, dsl::Select<joined, dsl::AsSelect<Key, Pg>>, Pg>;

/// Where every question about keys starts: administrators see all of them, managers their own, others none.
fn visible_to<'a>(viewer: &Viewer) -> AppResult<Keys<'a>> {
    if !viewer.has_api_access() {
        return Err(AppError::NoApiAccess);
    }
    let keys = joined().select(Key::as_select()).into_boxed().filter(keys::deleted_at.is_null());
    Ok(if viewer.is_administrator() { keys } else { keys.filter(keys::owner_id.eq(viewer.id)) })
}

/// A key the viewer may not see is not found, rather than forbidden: its existence is private too.
///
/// # Errors
/// [`AppError::NotFound`], [`AppError::NoApiAccess`].
pub fn find(conn: &mut PgConnection, viewer: &Viewer, public_key: &str) -> AppResult<Key> {
    Ok(visible_to(viewer)?.filter(keys::public_key.eq(public_key)).first(conn)?)
}

/// The key a secret belongs or belonged to, found by its hash.
///
/// # Errors
/// [`AppError::NoApiAccess`].
pub fn find_by_secret(
    conn: &mut PgConnection,
    viewer: &Viewer,
    hash: SecretHash,
) -> AppResult<Option<Key>> {
    let owner = key_secrets::table
        .filter(key_secrets::hash.eq(hash.as_bytes().to_vec()))
        .select(key_secrets::key_id);
    let Some(id) = owner.first::<i64>(conn).optional()? else { return Ok(None) };
    Ok(visible_to(viewer)?.filter(keys::id.eq(id)).first(conn).optional()?)
}

/// The active keys of an application in an environment, as far as the viewer sees them, by name.
///
/// # Errors
/// [`AppError::NoApiAccess`].
pub fn active_of(
    conn: &mut PgConnection,
    viewer: &Viewer,
    application_id: i64,
    environment_id: i64,
    now: DateTime<Utc>,
) -> AppResult<Vec<Key>> {
    Ok(visible_to(viewer)?
        .filter(keys::application_id.eq(application_id))
        .filter(keys::environment_id.eq(environment_id))
        .filter(is_active(now))
        .order((keys::name_folded.asc(), keys::id.asc()))
        .load(conn)?)
}

/// The keys of an application, whatever their status, in the order they were made; after that one, at most so many.
///
/// # Errors
/// [`AppError::NoApiAccess`].
pub fn of_application(
    conn: &mut PgConnection,
    viewer: &Viewer,
    application_id: i64,
    after: Option<i64>,
    at_most: i64,
) -> AppResult<Vec<(Key, Holdings)>> {
    let found: Vec<Key> = visible_to(viewer)?
        .filter(keys::application_id.eq(application_id))
        .filter(keys::id.gt(after.unwrap_or_default()))
        .order(keys::id)
        .limit(at_most)
        .load(conn)?;
    let mut holdings = holdings(conn, &found)?;
    let with_holdings = |key: Key| {
        let held = holdings.remove(&key.id).unwrap_or_default();
        (key, held)
    };
    Ok(found.into_iter().map(with_holdings).collect())
}

/// The active keys that end soon, the first to end first; in whichever mode.
///
/// # Errors
/// [`AppError::NoApiAccess`].
pub fn ending_soon(
    conn: &mut PgConnection,
    viewer: &Viewer,
    now: DateTime<Utc>,
    at_most: i64,
) -> AppResult<Vec<Key>> {
    // First the ids, along the index of ends.
    let ids: Vec<i64> = narrow::seen_by(viewer)?
        .filter(is_active(now))
        .filter(narrow::expires_soon(now))
        .order(keys::expires_at)
        .select(keys::id)
        .limit(at_most)
        .load(conn)?;
    let mut ending = by_ids(conn, viewer, &ids)?;
    ending.sort_by_key(|key| key.expires_at);
    Ok(ending)
}

/// The keys of a person that are not revoked and have not expired, oldest first.
///
/// # Errors
/// [`AppError::NoApiAccess`].
pub fn live_of(
    conn: &mut PgConnection,
    viewer: &Viewer,
    owner_id: i64,
    now: DateTime<Utc>,
) -> AppResult<Vec<Key>> {
    Ok(visible_to(viewer)?
        .filter(keys::owner_id.eq(owner_id).assume_not_null())
        .filter(keys::revoked_at.is_null())
        .filter(keys::expires_at.is_null().or(keys::expires_at.gt(now)).assume_not_null())
        .order(keys::id)
        .load(conn)?)
}

/// [`live_of`] with what each holds, for what a grant covers.
///
/// # Errors
/// As [`live_of`].
pub fn live_with_ids(
    conn: &mut PgConnection,
    viewer: &Viewer,
    owner_id: i64,
    now: DateTime<Utc>,
) -> AppResult<Vec<(Key, Permissions)>> {
    let live = live_of(conn, viewer, owner_id, now)?;
    let mut holdings = holdings(conn, &live)?;
    let with_ids = |key: Key| {
        let ids = holdings.remove(&key.id).unwrap_or_default().ids;
        (key, ids)
    };
    Ok(live.into_iter().map(with_ids).collect())
}

/// The keys with these ids that the viewer may see, in the order of their ids.
///
/// # Errors
/// [`AppError::NoApiAccess`].
pub fn by_ids(conn: &mut PgConnection, viewer: &Viewer, ids: &[i64]) -> AppResult<Vec<Key>> {
    Ok(visible_to(viewer)?.filter(keys::id.eq_any(ids.to_vec())).order(keys::id).load(conn)?)
}

/// The keys with these public keys that the viewer may see.
///
/// # Errors
/// [`AppError::NoApiAccess`].
pub fn by_public_keys(
    conn: &mut PgConnection,
    viewer: &Viewer,
    public_keys: &[&str],
) -> AppResult<Vec<Key>> {
    if public_keys.is_empty() {
        return Ok(Vec::new());
    }
    let named: Vec<String> = public_keys.iter().map(|key| (*key).to_owned()).collect();
    Ok(visible_to(viewer)?.filter(keys::public_key.eq_any(named)).load(conn)?)
}

/// The keys that this customer may use, and others only if they are named too; newest first.
///
/// # Errors
/// [`AppError::NoApiAccess`].
pub fn restricted_to(
    conn: &mut PgConnection,
    viewer: &Viewer,
    customer_id: i64,
    at_most: i64,
) -> AppResult<Vec<Key>> {
    let restricted = key_customers::table
        .filter(key_customers::customer_id.eq(customer_id))
        .select(key_customers::key_id);
    Ok(visible_to(viewer)?
        .filter(keys::id.eq_any(restricted))
        .order((keys::created_at.desc(), keys::id.desc()))
        .limit(at_most)
        .load(conn)?)
}

/// Active at that instant, as [`Key::status`] has it, and on the list.
#[auto_type]
pub fn is_active(now: DateTime<Utc>) -> _ {
    keys::deleted_at
        .is_null()
        .and(keys::revoked_at.is_null())
        .and(keys::disabled_at.is_null())
        .and(keys::expires_at.is_null().or(keys::expires_at.gt(now)))
}
