//! Which keys are meant: the list's filter as conditions on keys alone.
//!
//! No joins here: Postgres then has one table to plan for, whose indexes say how many rows a filter leaves. Names in the
//! address are looked up first. What the plan may cost is bounded by [`in_time`].

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{
    PgConnection,
    connection::SimpleConnection,
    dsl::{auto_type, sql},
    pg::Pg,
    prelude::*,
    sql_types::{Bool, Timestamptz},
};

use super::{is_active, search};
use crate::{
    environments::{self, Mode, ids_in},
    error::{AppError, AppResult},
    keys::{
        Status,
        filter::{Filter, LastUsed},
        model::SOON_DAYS,
    },
    schema::{applications, key_permissions, key_sections, keys, permissions},
    users::Viewer,
};

/// Keys by themselves, without what they belong to.
pub(super) type Bare = keys::BoxedQuery<'static, Pg>;

/// No row has this id.
const NO_ID: i64 = 0;

/// Up to so many holders of a permission are looked for by their ids; of more, one is found soon in any order.
const FEW: i64 = 2_000;

/// A list that takes longer is given up. Longer than Postgres waits for a lock, which is another matter.
const PATIENCE: Duration = Duration::from_secs(3);

/// Where every question about keys starts: administrators see all of them, managers their own, others none.
pub(super) fn seen_by(viewer: &Viewer) -> AppResult<Bare> {
    if !viewer.has_api_access() {
        return Err(AppError::NoApiAccess);
    }
    let seen = keys::table.into_boxed().filter(keys::deleted_at.is_null());
    Ok(if viewer.is_administrator() { seen } else { seen.filter(keys::owner_id.eq(viewer.id)) })
}

/// The viewer's keys that match the filter; of that mode only. A public key that is typed whole is found in every mode.
pub(super) fn matching(
    conn: &mut PgConnection,
    viewer: &Viewer,
    filter: &Filter,
    mode: Option<Mode>,
    now: DateTime<Utc>,
) -> AppResult<Bare> {
    let mut query = seen_by(viewer)?;
    let names_a_key = filter.search.as_deref().is_some_and(search::names_a_key);
    if let Some(mode) = mode.filter(|_| !names_a_key) {
        query = in_mode(conn, query, mode)?;
    }
    if let Some(words) = &filter.search {
        query = search::matching(conn, query, words)?;
    }
    if let Some(status) = filter.status {
        query = with_status(query, status, now);
    }
    if let Some(slug) = &filter.environment {
        let found = environments::find_by_slug(conn, slug)?;
        query = query
            .filter(keys::environment_id.eq(found.map_or(NO_ID, |environment| environment.id)));
    }
    if let Some(app_id) = &filter.application {
        let found = applications::table
            .filter(applications::app_id.eq(app_id))
            .select(applications::id)
            .first(conn)
            .optional()?;
        query = query.filter(keys::application_id.eq(found.unwrap_or(NO_ID)));
    }
    if let Some(owner) = filter.owner {
        query = query.filter(keys::owner_id.eq(owner));
    }
    if let Some(slug) = &filter.permission {
        query = holding(conn, query, slug)?;
    }
    if filter.expires_soon {
        query = query.filter(keys::revoked_at.is_null().and(expires_soon(now)));
    }
    Ok(match filter.last_used {
        Some(last_used) => used(query, last_used, now),
        None => query,
    })
}

/// By ids: a join would keep Postgres from walking the index that the list is sorted by.
pub(super) fn in_mode(conn: &mut PgConnection, query: Bare, mode: Mode) -> AppResult<Bare> {
    Ok(match ids_in(conn, mode)?.as_slice() {
        [only] => query.filter(keys::environment_id.eq(*only)),
        ids => query.filter(keys::environment_id.eq_any(ids.to_vec())),
    })
}

/// Of the mode the viewer looks at.
pub(super) fn in_mode_of(conn: &mut PgConnection, query: Bare, viewer: &Viewer) -> AppResult<Bare> {
    match viewer.mode {
        Some(mode) => in_mode(conn, query, mode),
        None => Ok(query),
    }
}

fn with_status(query: Bare, status: Status, now: DateTime<Utc>) -> Bare {
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

/// Said with what the list can be sorted by, so that one index answers both.
fn used(query: Bare, last_used: LastUsed, now: DateTime<Utc>) -> Bare {
    let at = |than: &str| sql::<Bool>(&format!("{LAST_USED} {than} "));
    match last_used {
        LastUsed::Within(days) => {
            query.filter(at(">").bind::<Timestamptz, _>(now - TimeDelta::days(days)))
        }
        LastUsed::NotFor(days) => {
            let since = now - TimeDelta::days(days);
            // What was never used counts from when it was made. What was used then was made before: said of it too,
            // so that the list begins where such keys begin, instead of walking past all that are newer.
            query.filter(at("<").bind::<Timestamptz, _>(since)).filter(keys::created_at.lt(since))
        }
        LastUsed::Never => query.filter(sql::<Bool>(&format!("{LAST_USED} = '-infinity'"))),
    }
}

/// As the index has it.
pub(super) const LAST_USED: &str = "coalesce(keys.last_used_at, '-infinity')";

/// Few holders are named, so that nobody looks through a million keys for them; those that hold everything are told by
/// themselves. Among many, each key is asked, in the order of the list, until the page is full; by a look-up of its own,
/// which Postgres cannot turn into a list of all.
fn holding(conn: &mut PgConnection, query: Bare, slug: &str) -> AppResult<Bare> {
    let (permission, section) = permissions::table
        .filter(permissions::slug.eq(slug))
        .select((permissions::id, permissions::section_id))
        .first(conn)
        .optional()?
        .unwrap_or((NO_ID, NO_ID));
    if let Some(mut ids) = few_holders(conn, permission, section)? {
        return Ok(match few_with_everything(conn)? {
            Some(others) => {
                ids.extend(others);
                query.filter(keys::id.eq_any(ids))
            }
            None if ids.is_empty() => query.filter(keys::all_permissions),
            None => query.filter(keys::all_permissions.or(keys::id.eq_any(ids))),
        });
    }
    let single = key_permissions::table
        .filter(key_permissions::key_id.eq(keys::id))
        .filter(key_permissions::permission_id.eq(permission))
        .select(key_permissions::key_id)
        .single_value();
    let by_section = key_sections::table
        .filter(key_sections::key_id.eq(keys::id))
        .filter(key_sections::section_id.eq(section))
        .select(key_sections::key_id)
        .single_value();
    Ok(query.filter(keys::all_permissions.or(single.is_not_null()).or(by_section.is_not_null())))
}

/// All keys that hold it by itself or with its section, if they are few.
fn few_holders(
    conn: &mut PgConnection,
    permission: i64,
    section: i64,
) -> AppResult<Option<Vec<i64>>> {
    if permission == NO_ID {
        return Ok(Some(Vec::new()));
    }
    let mut ids: Vec<i64> = key_permissions::table
        .filter(key_permissions::permission_id.eq(permission))
        .select(key_permissions::key_id)
        .limit(FEW + 1)
        .load(conn)?;
    if is_few(&ids) {
        ids.extend(
            key_sections::table
                .filter(key_sections::section_id.eq(section))
                .select(key_sections::key_id)
                .limit(FEW + 1)
                .load::<i64>(conn)?,
        );
    }
    Ok(is_few(&ids).then_some(ids))
}

/// All keys that hold everything, if they are few.
fn few_with_everything(conn: &mut PgConnection) -> AppResult<Option<Vec<i64>>> {
    let ids: Vec<i64> = keys::table
        .filter(keys::deleted_at.is_null().and(keys::all_permissions))
        .order((keys::created_at.desc(), keys::id.desc()))
        .select(keys::id)
        .limit(FEW + 1)
        .load(conn)?;
    Ok(is_few(&ids).then_some(ids))
}

fn is_few(ids: &[i64]) -> bool {
    ids.len() as i64 <= FEW
}

#[auto_type]
pub(super) fn expires_soon(now: DateTime<Utc>) -> _ {
    let soon: DateTime<Utc> = now + TimeDelta::days(SOON_DAYS);
    keys::expires_at.gt(now).and(keys::expires_at.le(soon)).assume_not_null()
}

/// Asks about many keys. Postgres may not read all of them to answer, which it would where it expects to be done soon.
/// Walking past a key costs it as much as fetching one that matches, since neighbours in an order don't lie together:
/// left to itself, it takes a walk for much cheaper than it is. What takes too long all the same is given up.
///
/// # Errors
/// What `ask` answers; [`AppError::Unprocessable`] when it took too long.
pub fn in_time<T>(
    conn: &mut PgConnection,
    ask: impl FnOnce(&mut PgConnection) -> AppResult<T>,
) -> AppResult<T> {
    let answer = conn.transaction(|conn| {
        conn.batch_execute(&format!(
            "set local statement_timeout = {}; set local enable_seqscan = off;
             set local effective_cache_size = '8MB'; set local random_page_cost = 1.5",
            PATIENCE.as_millis()
        ))?;
        ask(conn)
    });
    match answer {
        Err(AppError::Unavailable(error)) if error.to_string().contains("statement timeout") => {
            tracing::warn!(%error, "a list of keys was given up");
            Err(AppError::Unprocessable(
                "Finding these among so many keys takes too long. Narrow the list: leave out the search or the order, or choose an application or an owner.".into(),
            ))
        }
        answer => answer,
    }
}
