//! The list of keys: narrowed, in order, a page at a time.

use chrono::{DateTime, Utc};
use diesel::{
    PgConnection,
    dsl::sql,
    prelude::*,
    sql_types::{BigInt, Bool, Text, Timestamptz},
};

use super::{
    Holdings, Restrictions, holdings,
    holdings::restrictions_of_each,
    narrow::{Bare, LAST_USED, in_mode_of, matching, seen_by},
    visible_to,
};
use crate::{
    counted,
    error::{AppError, AppResult},
    keys::{
        Key,
        filter::{Cursor, Filter, Sort},
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
    let backwards = filter.cursor.as_ref().is_some_and(|cursor| cursor.backwards);
    let mut ids = find_ids(conn, viewer, filter, now)?;
    if ids.is_empty() && filter.cursor.is_some() {
        // All that was on this page has gone meanwhile.
        return list(conn, viewer, &Filter { cursor: None, ..filter.clone() }, now);
    }
    let more = ids.len() > PAGE;
    ids.truncate(PAGE);
    if backwards {
        ids.reverse();
    }
    let found = in_their_order(conn, viewer, &ids)?;
    let (has_next, has_previous) =
        if backwards { (true, more) } else { (more, filter.cursor.is_some()) };
    let cursor =
        |key: Option<&Key>, backwards| key.map(|key| Cursor::at(key, filter.order, backwards));
    let next = if has_next { cursor(found.last(), false) } else { None };
    let previous = if has_previous { cursor(found.first(), true) } else { None };
    let mut holdings = holdings(conn, &found)?;
    let keys = found
        .into_iter()
        .map(|key| {
            let held = holdings.remove(&key.id).unwrap_or_default();
            (key, held)
        })
        .collect();
    Ok(Page { keys, next, previous })
}

/// The ids of the keys on a page, and one more if there are more. First the ids, from keys alone; what the rows show
/// is read for these only.
fn find_ids(
    conn: &mut PgConnection,
    viewer: &Viewer,
    filter: &Filter,
    now: DateTime<Utc>,
) -> AppResult<Vec<i64>> {
    let query = matching(conn, viewer, filter, viewer.mode, now)?;
    let way = Way::towards(conn, filter, &query)?;
    let backwards = filter.cursor.as_ref().is_some_and(|cursor| cursor.backwards);
    let descending = filter.order.descending != backwards;
    let query = match &filter.cursor {
        Some(cursor) => beyond(query, filter.order.sort, descending, cursor),
        None => query,
    };
    Ok(in_order(query, filter.order.sort, descending, way)
        .select(keys::id)
        .limit(PAGE as i64 + 1)
        .load(conn)?)
}

/// How the keys of a page are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Along the index that the list is sorted by until the page is full, if Postgres thinks it the shorter one.
    Walk,
    /// By the indexes of the filter; then they are sorted.
    Gather,
}

impl Way {
    /// Up to so many are sorted, wherever they stand.
    const FEW: i64 = 100_000;

    /// Postgres chooses well, but for names in order in which something is searched for: all that match may stand
    /// together, far from where the walk begins.
    fn towards(conn: &mut PgConnection, filter: &Filter, query: &Bare) -> AppResult<Self> {
        if filter.order.sort != Sort::Name || filter.search.is_none() {
            return Ok(Self::Walk);
        }
        let expected = counted::estimate(conn, query)?;
        Ok(if expected > Self::FEW { Self::Walk } else { Self::Gather })
    }
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

fn in_order(query: Bare, sort: Sort, descending: bool, way: Way) -> Bare {
    match (sort, descending) {
        // Said so that no index has this order.
        (Sort::Name, true) if way == Way::Gather => {
            query.order((sql::<Text>(GATHERED_NAME).desc(), keys::id.desc()))
        }
        (Sort::Name, false) if way == Way::Gather => {
            query.order((sql::<Text>(GATHERED_NAME).asc(), keys::id.asc()))
        }
        (Sort::Created, true) => query.order((keys::created_at.desc(), keys::id.desc())),
        (Sort::Created, false) => query.order((keys::created_at.asc(), keys::id.asc())),
        (Sort::Name, true) => query.order((sql::<Text>(NAME).desc(), keys::id.desc())),
        (Sort::Name, false) => query.order((sql::<Text>(NAME).asc(), keys::id.asc())),
        (Sort::LastUsed, true) => query.order((last_used().desc(), keys::id.desc())),
        (Sort::LastUsed, false) => query.order((last_used().asc(), keys::id.asc())),
    }
}

/// By bytes, as the index has it, whatever the order of the database.
const NAME: &str = "lower(keys.name) collate \"C\"";
const GATHERED_NAME: &str = "lower(keys.name) collate \"C\" || ''";

fn last_used() -> diesel::expression::SqlLiteral<Timestamptz> {
    sql::<Timestamptz>(LAST_USED)
}

/// Rows after (or before) the cursor. Row values compare as the index is sorted, which diesel cannot say.
fn beyond(query: Bare, sort: Sort, descending: bool, cursor: &Cursor) -> Bare {
    let (column, value) = match sort {
        Sort::Created => ("keys.created_at", "timestamptz("),
        // Postgres and Rust don't agree on every small letter: both sides are Postgres's.
        Sort::Name => (NAME, "lower("),
        Sort::LastUsed => (LAST_USED, "timestamptz("),
    };
    let than = if descending { "<" } else { ">" };
    query.filter(
        sql::<Bool>(&format!("({column}, keys.id) {than} ({value}"))
            .bind::<Text, _>(cursor.value.clone())
            .sql("), ")
            .bind::<BigInt, _>(cursor.id)
            .sql(")"),
    )
}
