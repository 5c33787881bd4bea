//! The list of keys: narrowed, in order, a page at a time.

use chrono::{DateTime, Utc};
use diesel::{PgConnection, prelude::*};

use super::{
    Holdings, Restrictions, holdings,
    holdings::restrictions_of_each,
    narrow::{in_mode_of, matching, seen_by},
    visible_to, ways,
};
use crate::{
    error::{AppError, AppResult},
    keys::{
        Key,
        filter::{Cursor, Filter, Order},
        selection::{MOST, Selection, too_many},
    },
    schema::keys,
    users::Viewer,
};

/// Rows on a page of the list.
pub const PAGE: usize = 25;

/// A page of the list, with what the rows show beside the key itself.
pub struct Page {
    pub keys: Vec<(Key, Holdings)>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
    /// Where the previous one ends.
    pub previous: Option<Cursor>,
}

/// Which keys are on a page of the list, before what its rows show is read.
pub struct Found {
    ids: Vec<i64>,
    order: Order,
    has_next: bool,
    has_previous: bool,
}

impl Found {
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    pub fn ids(&self) -> &[i64] {
        &self.ids
    }
}

/// The keys that match, in the order asked for.
///
/// # Errors
/// [`AppError::NoApiAccess`].
pub fn list(
    conn: &mut PgConnection,
    viewer: &Viewer,
    filter: &Filter,
    now: DateTime<Utc>,
) -> AppResult<Page> {
    let found = find_page(conn, viewer, filter, now)?;
    read_page(conn, viewer, &found)
}

/// The first half of [`list`]: from keys alone, which is all that Postgres then has to plan for.
///
/// # Errors
/// As [`list`].
pub fn find_page(
    conn: &mut PgConnection,
    viewer: &Viewer,
    filter: &Filter,
    now: DateTime<Utc>,
) -> AppResult<Found> {
    let backwards = filter.cursor.as_ref().is_some_and(|cursor| cursor.backwards);
    let mut ids = ways::find_ids(conn, viewer, filter, now)?;
    if ids.is_empty() && filter.cursor.is_some() {
        // All that was on this page has gone meanwhile.
        return find_page(conn, viewer, &Filter { cursor: None, ..filter.clone() }, now);
    }
    let more = ids.len() > PAGE;
    ids.truncate(PAGE);
    if backwards {
        ids.reverse();
    }
    let (has_next, has_previous) =
        if backwards { (true, more) } else { (more, filter.cursor.is_some()) };
    Ok(Found { ids, order: filter.order, has_next, has_previous })
}

/// The other half: what the rows show, for these keys only.
///
/// # Errors
/// As [`list`].
pub fn read_page(conn: &mut PgConnection, viewer: &Viewer, found: &Found) -> AppResult<Page> {
    let keys = in_their_order(conn, viewer, &found.ids)?;
    let cursor =
        |key: Option<&Key>, backwards| key.map(|key| Cursor::at(key, found.order, backwards));
    let next = if found.has_next { cursor(keys.last(), false) } else { None };
    let previous = if found.has_previous { cursor(keys.first(), true) } else { None };
    let mut holdings = holdings(conn, &keys)?;
    let keys = keys
        .into_iter()
        .map(|key| {
            let held = holdings.remove(&key.id).unwrap_or_default();
            (key, held)
        })
        .collect();
    Ok(Page { keys, next, previous })
}

fn in_their_order(conn: &mut PgConnection, viewer: &Viewer, ids: &[i64]) -> AppResult<Vec<Key>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut found: Vec<Key> =
        visible_to(viewer)?.filter(keys::id.eq_any(ids.to_vec())).load(conn)?;
    found.sort_by_key(|key| ids.iter().position(|id| *id == key.id));
    Ok(found)
}

/// The ids of the keys that are meant, in their order.
///
/// # Errors
/// [`AppError::NotFound`] when one is not the viewer's; [`AppError::Unprocessable`] for too many;
/// [`AppError::NoApiAccess`].
pub fn select(
    conn: &mut PgConnection,
    viewer: &Viewer,
    selection: &Selection,
    now: DateTime<Utc>,
) -> AppResult<Vec<i64>> {
    let mut ids: Vec<i64> = match selection {
        Selection::Named(named) => {
            let query = visible_to(viewer)?.filter(keys::public_key.eq_any(named.clone()));
            let found: Vec<i64> = query.select(keys::id).load(conn)?;
            if found.len() != named.len() {
                return Err(AppError::NotFound);
            }
            found
        }
        Selection::Matching(filter) => {
            let query = matching(conn, viewer, filter, viewer.mode, now)?;
            let found: Vec<i64> = query.select(keys::id).limit(MOST as i64 + 1).load(conn)?;
            if found.len() > MOST {
                return Err(too_many());
            }
            found
        }
    };
    ids.sort_unstable();
    Ok(ids)
}

/// The next keys that match, in the order in which they were made, with all that is known of them: for files.
///
/// # Errors
/// [`AppError::NoApiAccess`].
pub fn after(
    conn: &mut PgConnection,
    viewer: &Viewer,
    filter: &Filter,
    id: i64,
    at_most: i64,
    now: DateTime<Utc>,
) -> AppResult<Vec<(Key, Holdings, Restrictions)>> {
    let query = matching(conn, viewer, filter, viewer.mode, now)?.filter(keys::id.gt(id));
    let ids: Vec<i64> = query.order(keys::id).select(keys::id).limit(at_most).load(conn)?;
    let found = super::by_ids(conn, viewer, &ids)?;
    let (mut held, mut restricted) = (holdings(conn, &found)?, restrictions_of_each(conn, &found)?);
    let with_all = |key: Key| {
        let held = held.remove(&key.id).unwrap_or_default();
        let restricted = restricted.remove(&key.id).unwrap_or_default();
        (key, held, restricted)
    };
    Ok(found.into_iter().map(with_all).collect())
}

/// The newest keys of an application; of the mode the viewer looks at.
///
/// # Errors
/// [`AppError::NoApiAccess`].
pub fn newest_of(
    conn: &mut PgConnection,
    viewer: &Viewer,
    application_id: i64,
    at_most: i64,
) -> AppResult<Vec<Key>> {
    let newest = in_mode_of(conn, seen_by(viewer)?, viewer)?
        .filter(keys::application_id.eq(application_id))
        .order((keys::created_at.desc(), keys::id.desc()))
        .select(keys::id)
        .limit(at_most);
    let ids: Vec<i64> = newest.load(conn)?;
    in_their_order(conn, viewer, &ids)
}
