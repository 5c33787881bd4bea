//! The list of keys: narrowed, in order, a page at a time.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{
    PgConnection,
    dsl::{self, auto_type, exists, sql},
    prelude::*,
    sql_types::{BigInt, Bool, Text, Timestamptz},
};

use super::{Holdings, Keys, holdings, is_active, visible_to};
use crate::{
    credentials::Presented,
    environments::{Mode, ids_in},
    error::{AppError, AppResult},
    keys::{
        Key, Status,
        filter::{Cursor, Filter, LastUsed, Sort},
        model::SOON_DAYS,
        selection::{MOST, Selection, too_many},
        spaced,
    },
    schema::{applications, environments, key_permissions, key_sections, keys, permissions, users},
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
    let query = in_mode(conn, narrow(visible_to(viewer)?, filter, now), viewer.mode, filter)?;
    let backwards = filter.cursor.as_ref().is_some_and(|cursor| cursor.backwards);
    let descending = filter.order.descending != backwards;
    let query = match &filter.cursor {
        Some(cursor) => beyond(query, filter.order.sort, descending, cursor),
        None => query,
    };
    let mut found: Vec<Key> =
        in_order(query, filter.order.sort, descending).limit(PAGE as i64 + 1).load(conn)?;
    if found.is_empty() && filter.cursor.is_some() {
        // All that was on this page has gone meanwhile.
        return list(conn, viewer, &Filter { cursor: None, ..filter.clone() }, now);
    }
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    if backwards {
        found.reverse();
    }
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

/// Counting on would cost more than the number tells.
const MOST_COUNTED: usize = 1_000;

/// How many of the viewer's active keys of the mode they look at end soon; beyond a thousand it says only that.
///
/// # Errors
/// [`AppError::NoApiAccess`].
pub fn count_expiring(
    conn: &mut PgConnection,
    viewer: &Viewer,
    now: DateTime<Utc>,
) -> AppResult<usize> {
    let found: Vec<i64> = in_mode(conn, visible_to(viewer)?, viewer.mode, &Filter::default())?
        .filter(is_active(now))
        .filter(expires_soon(now))
        .select(keys::id)
        .limit(MOST_COUNTED as i64 + 1)
        .load(conn)?;
    Ok(found.len())
}

/// What is said of that many keys, unless there are none.
pub fn say_expiring(count: usize) -> Option<String> {
    match count {
        0 => None,
        1 => Some(format!("1 key expires within {SOON_DAYS} days")),
        more if more > MOST_COUNTED => Some(format!(
            "More than {} keys expire within {SOON_DAYS} days",
            spaced(MOST_COUNTED as i64)
        )),
        many => Some(format!("{} keys expire within {SOON_DAYS} days", spaced(many as i64))),
    }
}

/// How many keys match that are of the other mode than the viewer looks at, and whether there are still more.
///
/// # Errors
/// [`AppError::NoApiAccess`].
pub fn count_elsewhere(
    conn: &mut PgConnection,
    viewer: &Viewer,
    filter: &Filter,
    now: DateTime<Utc>,
) -> AppResult<Option<(Mode, i64, bool)>> {
    let Some(other) = viewer.mode.map(Mode::other) else { return Ok(None) };
    let most = MOST_COUNTED as i64;
    let query = in_mode(conn, narrow(visible_to(viewer)?, filter, now), Some(other), filter)?;
    let found = query.select(keys::id).limit(most + 1).load::<i64>(conn)?.len() as i64;
    Ok((found > 0).then_some((other, found.min(most), found > most)))
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
            let query = narrow(visible_to(viewer)?, filter, now);
            let query = in_mode(conn, query, viewer.mode, filter)?;
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
    let of_application = visible_to(viewer)?.filter(keys::application_id.eq(application_id));
    Ok(in_mode(conn, of_application, viewer.mode, &Filter::default())?
        .order((keys::created_at.desc(), keys::id.desc()))
        .limit(at_most)
        .load(conn)?)
}

/// Keys of that mode only. A public key that is typed whole is found in every mode.
fn in_mode<'a>(
    conn: &mut PgConnection,
    query: Keys<'a>,
    mode: Option<Mode>,
    filter: &Filter,
) -> AppResult<Keys<'a>> {
    let names_a_key = filter
        .search
        .as_deref()
        .is_some_and(|words| matches!(Presented::parse(words), Some(Presented::PublicKey(_))));
    let Some(mode) = mode.filter(|_| !names_a_key) else { return Ok(query) };
    // By ids: a join would keep Postgres from walking the index that the list is sorted by.
    Ok(match ids_in(conn, mode)?.as_slice() {
        [only] => query.filter(keys::environment_id.eq(*only)),
        ids => query.filter(keys::environment_id.eq_any(ids.to_vec())),
    })
}

fn narrow<'a>(mut query: Keys<'a>, filter: &Filter, now: DateTime<Utc>) -> Keys<'a> {
    if let Some(words) = &filter.search {
        query = matching(query, words);
    }
    if let Some(status) = filter.status {
        query = with_status(query, status, now);
    }
    if let Some(slug) = &filter.environment {
        query = query.filter(environments::slug.eq(slug.clone()));
    }
    if let Some(app_id) = &filter.application {
        query = query.filter(applications::app_id.eq(app_id.clone()));
    }
    if let Some(owner) = filter.owner {
        query = query.filter(keys::owner_id.eq(owner));
    }
    if let Some(slug) = &filter.permission {
        query = holding(query, slug);
    }
    if filter.expires_soon {
        query = query.filter(keys::revoked_at.is_null().and(expires_soon(now)));
    }
    match filter.last_used {
        None => query,
        Some(LastUsed::Within(days)) => {
            query.filter(keys::last_used_at.gt(now - TimeDelta::days(days)))
        }
        Some(LastUsed::NotFor(days)) => {
            let since = now - TimeDelta::days(days);
            query.filter(
                dsl::sql::<Bool>("coalesce(keys.last_used_at, keys.created_at) < ")
                    .bind::<Timestamptz, _>(since),
            )
        }
        Some(LastUsed::Never) => query.filter(keys::last_used_at.is_null()),
    }
}

/// Every character is meant literally. Under three letters a trigram index is of no help: only beginnings are
/// searched. Public keys, random as they are, are found whole or by their beginning.
fn matching<'a>(query: Keys<'a>, words: &str) -> Keys<'a> {
    let literal = words.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    let pattern =
        if words.chars().count() < 3 { format!("{literal}%") } else { format!("%{literal}%") };
    let others = diesel::alias!(applications as others);
    let in_applications = others
        .filter(others.field(applications::name).ilike(pattern.clone()))
        .select(others.field(applications::id));
    let owners = diesel::alias!(users as owners);
    let of_owners = owners
        .filter(
            owners
                .field(users::name)
                .ilike(pattern.clone())
                .or(owners.field(users::email).ilike(pattern.clone())),
        )
        .select(owners.field(users::id).nullable());
    query.filter(
        keys::name
            .ilike(pattern)
            .or(keys::public_key.like(format!("{literal}%")))
            .or(keys::application_id.eq_any(in_applications))
            .or(keys::owner_id.eq_any(of_owners).assume_not_null()),
    )
}

fn with_status<'a>(query: Keys<'a>, status: Status, now: DateTime<Utc>) -> Keys<'a> {
    let lives = keys::expires_at.is_null().or(keys::expires_at.gt(now)).assume_not_null();
    match status {
        Status::Revoked => query.filter(keys::revoked_at.is_not_null()),
        Status::Expired => {
            query.filter(keys::revoked_at.is_null().and(keys::expires_at.le(now).assume_not_null()))
        }
        Status::Inactive => {
            query.filter(keys::revoked_at.is_null().and(keys::disabled_at.is_not_null()).and(lives))
        }
        Status::Active => query.filter(is_active(now)),
    }
}

fn holding<'a>(query: Keys<'a>, slug: &str) -> Keys<'a> {
    let single = key_permissions::table
        .inner_join(permissions::table)
        .filter(key_permissions::key_id.eq(keys::id).and(permissions::slug.eq(slug.to_owned())));
    let by_section = key_sections::table
        .inner_join(permissions::table.on(permissions::section_id.eq(key_sections::section_id)))
        .filter(key_sections::key_id.eq(keys::id).and(permissions::slug.eq(slug.to_owned())));
    query.filter(keys::all_permissions.or(exists(single)).or(exists(by_section)))
}

fn in_order<'a>(query: Keys<'a>, sort: Sort, descending: bool) -> Keys<'a> {
    match (sort, descending) {
        (Sort::Created, true) => query.order((keys::created_at.desc(), keys::id.desc())),
        (Sort::Created, false) => query.order((keys::created_at.asc(), keys::id.asc())),
        (Sort::Name, true) => {
            query.order((sql::<Text>("lower(keys.name)").desc(), keys::id.desc()))
        }
        (Sort::Name, false) => query.order((sql::<Text>("lower(keys.name)").asc(), keys::id.asc())),
        (Sort::LastUsed, true) => query.order((last_used().desc(), keys::id.desc())),
        (Sort::LastUsed, false) => query.order((last_used().asc(), keys::id.asc())),
    }
}

fn last_used() -> diesel::expression::SqlLiteral<Timestamptz> {
    sql::<Timestamptz>("coalesce(keys.last_used_at, '-infinity')")
}

/// Rows after (or before) the cursor. Row values compare as the index is sorted, which diesel cannot say.
fn beyond<'a>(query: Keys<'a>, sort: Sort, descending: bool, cursor: &Cursor) -> Keys<'a> {
    let (column, value) = match sort {
        Sort::Created => ("keys.created_at", "timestamptz("),
        // Postgres and Rust don't agree on every small letter: both sides are Postgres's.
        Sort::Name => ("lower(keys.name)", "lower("),
        Sort::LastUsed => ("coalesce(keys.last_used_at, '-infinity')", "timestamptz("),
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

#[auto_type]
fn expires_soon(now: DateTime<Utc>) -> _ {
    let soon: DateTime<Utc> = now + TimeDelta::days(SOON_DAYS);
    keys::expires_at.gt(now).and(keys::expires_at.le(soon)).assume_not_null()
}
