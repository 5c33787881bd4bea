//! Reading keys. Every question starts at [`visible_to`].

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{
    PgConnection,
    dsl::{self, auto_type, exists, sql},
    pg::Pg,
    prelude::*,
    sql_types::{BigInt, Bool, Text, Timestamptz},
};

use ipnet::IpNet;

use super::{
    Key, Limit, Permissions, Status,
    filter::{Cursor, Filter, LastUsed, Sort},
    model::SOON_DAYS,
    selection::{MOST, Selection, too_many},
    spaced,
};
use crate::{
    credentials::{Presented, SecretHash},
    environments::{Mode, ids_in},
    error::{AppError, AppResult},
    schema::{
        applications, customers, environments, key_customers, key_limits, key_permissions,
        key_secrets, key_sections, keys, permissions, sections, users,
    },
    users::Viewer,
};

/// Rows on a page of the list.
pub const PAGE: usize = 25;

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
        .order((sql::<Text>("lower(keys.name)").asc(), keys::id.asc()))
        .load(conn)?)
}

/// Whether the viewer has any key at all: an empty list and a filter that matches nothing are different pages.
///
/// # Errors
/// [`AppError::NoApiAccess`].
pub fn has_any(conn: &mut PgConnection, viewer: &Viewer) -> AppResult<bool> {
    Ok(!visible_to(viewer)?.limit(1).load(conn)?.is_empty())
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

/// The keys with these ids that the viewer may see, in the order of their ids.
///
/// # Errors
/// [`AppError::NoApiAccess`].
pub fn by_ids(conn: &mut PgConnection, viewer: &Viewer, ids: &[i64]) -> AppResult<Vec<Key>> {
    Ok(visible_to(viewer)?.filter(keys::id.eq_any(ids.to_vec())).order(keys::id).load(conn)?)
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

/// A page of the list, with what the rows show beside the key itself.
pub struct Page {
    pub keys: Vec<(Key, Holdings)>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
    /// Where the previous one ends.
    pub previous: Option<Cursor>,
}

/// What a key holds, by the names that pages show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Slug and name of whole sections.
    pub sections: Vec<(String, String)>,
    /// Slug and label of single permissions.
    pub permissions: Vec<(String, String)>,
    pub limits: Vec<Limit>,
    /// The same by the catalogue's ids, for what a grant covers.
    pub ids: Permissions,
    /// Slugs of those sections and permissions that are granted to nobody any more.
    pub retired_sections: Vec<String>,
    pub retired_permissions: Vec<String>,
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

/// So many keys are counted where the list of a mode is empty; more are only said to be more.
const COUNTED: i64 = 1_000;

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
    let query = in_mode(conn, narrow(visible_to(viewer)?, filter, now), Some(other), filter)?;
    let found = query.select(keys::id).limit(COUNTED + 1).load::<i64>(conn)?.len() as i64;
    Ok((found > 0).then_some((other, found.min(COUNTED), found > COUNTED)))
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

/// For whom and from where a key may be used; empty: for anybody, from anywhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restrictions {
    /// The platform's own ids.
    pub customers: Vec<String>,
    /// IP ranges.
    pub allowed_ips: Vec<String>,
    /// IP ranges: never from there.
    pub excluded_ips: Vec<String>,
    /// Web origins from which the public key alone is accepted.
    pub allowed_origins: Vec<String>,
}

impl Restrictions {
    /// Whether the allowed ranges include every address there is.
    pub fn allows_everywhere(&self) -> bool {
        self.allowed_ips.iter().any(|range| range.ends_with("/0"))
    }
}

/// How a key is restricted.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn restrictions_of(conn: &mut PgConnection, key: &Key) -> AppResult<Restrictions> {
    let customers = key_customers::table
        .inner_join(customers::table)
        .filter(key_customers::key_id.eq(key.id))
        .order(customers::external_id)
        .select(customers::external_id)
        .load(conn)?;
    let (allowed_ips, excluded_ips, allowed_origins): (Vec<IpNet>, Vec<IpNet>, Vec<String>) =
        keys::table
            .find(key.id)
            .select((keys::allowed_ips, keys::excluded_ips, keys::allowed_origins))
            .first(conn)?;
    let spelled = |ranges: Vec<IpNet>| ranges.iter().map(ToString::to_string).collect();
    Ok(Restrictions {
        customers,
        allowed_ips: spelled(allowed_ips),
        excluded_ips: spelled(excluded_ips),
        allowed_origins,
    })
}

/// What one key holds.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn holdings_of(conn: &mut PgConnection, key: &Key) -> AppResult<Holdings> {
    Ok(holdings(conn, std::slice::from_ref(key))?.remove(&key.id).unwrap_or_default())
}

fn holdings(conn: &mut PgConnection, found: &[Key]) -> AppResult<HashMap<i64, Holdings>> {
    let ids: Vec<i64> = found.iter().map(|key| key.id).collect();
    let mut all: HashMap<i64, Holdings> = HashMap::new();
    for key in found.iter().filter(|key| key.all_permissions) {
        all.entry(key.id).or_default().ids.all = true;
    }
    type Held = (i64, i64, bool, (String, String));
    let held: Vec<Held> = key_sections::table
        .inner_join(sections::table)
        .filter(key_sections::key_id.eq_any(&ids))
        .order((sections::position, sections::id))
        .select((
            key_sections::key_id,
            sections::id,
            sections::retired_at.is_not_null(),
            (sections::slug, sections::name),
        ))
        .load(conn)?;
    for (id, section_id, is_retired, section) in held {
        let held = all.entry(id).or_default();
        held.retired_sections.extend(is_retired.then(|| section.0.clone()));
        held.sections.push(section);
        held.ids.sections.push(section_id);
    }
    let held: Vec<Held> = key_permissions::table
        .inner_join(permissions::table.inner_join(sections::table))
        .filter(key_permissions::key_id.eq_any(&ids))
        .order((sections::position, permissions::position, permissions::id))
        .select((
            key_permissions::key_id,
            permissions::id,
            permissions::retired_at.is_not_null().or(sections::retired_at.is_not_null()),
            (permissions::slug, permissions::label),
        ))
        .load(conn)?;
    for (id, permission_id, is_retired, permission) in held {
        let held = all.entry(id).or_default();
        held.retired_permissions.extend(is_retired.then(|| permission.0.clone()));
        held.permissions.push(permission);
        held.ids.permissions.push(permission_id);
    }
    let held: Vec<(i64, i32, i32)> = key_limits::table
        .filter(key_limits::key_id.eq_any(&ids))
        .order(key_limits::per_seconds)
        .select((key_limits::key_id, key_limits::requests, key_limits::per_seconds))
        .load(conn)?;
    for (id, requests, per_seconds) in held {
        all.entry(id).or_default().limits.push(Limit { requests, per_seconds });
    }
    Ok(all)
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

/// Active at that instant, as [`Key::status`] has it, and on the list.
#[auto_type]
pub fn is_active(now: DateTime<Utc>) -> _ {
    keys::deleted_at
        .is_null()
        .and(keys::revoked_at.is_null())
        .and(keys::disabled_at.is_null())
        .and(keys::expires_at.is_null().or(keys::expires_at.gt(now)))
}

#[auto_type]
fn expires_soon(now: DateTime<Utc>) -> _ {
    let soon: DateTime<Utc> = now + TimeDelta::days(SOON_DAYS);
    keys::expires_at.gt(now).and(keys::expires_at.le(soon)).assume_not_null()
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
