//! Along which index a page of the list is found.
//!
//! A walk follows the index that the list is sorted by until the page is full; the other way is to gather what the
//! indexes of the filter find, and to sort that. Postgres chooses well between them by what it knows of each column, but
//! for names in order in which something is searched for: all that match may stand together, far from where the walk
//! begins. There a walk is tried that ends after a while, so that neither way takes long where the other does not.

use chrono::{DateTime, Utc};
use diesel::{
    PgConnection,
    dsl::sql,
    pg::Pg,
    prelude::*,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::{BigInt, Bool, Text, Timestamptz},
};

use super::{
    list::PAGE,
    narrow::{Bare, LAST_USED, matching},
    search,
};
use crate::{
    counted,
    error::AppResult,
    keys::filter::{Cursor, Filter, Sort},
    schema::keys,
    users::Viewer,
};

/// So few are gathered without a try to walk.
const FEW: i64 = 2_000;
/// So many are not gathered: among so many a walk must come to a page soon.
const MANY: i64 = 100_000;
/// A walk by name ends after so many keys: of names alone, and where each key is read.
const NAMES: i64 = 20_000;
const KEYS: i64 = 2_000;

/// The ids of the keys on a page, and one more if there are more.
pub(super) fn find_ids(
    conn: &mut PgConnection,
    viewer: &Viewer,
    filter: &Filter,
    now: DateTime<Utc>,
) -> AppResult<Vec<i64>> {
    let backwards = filter.cursor.as_ref().is_some_and(|cursor| cursor.backwards);
    let (sort, descending) = (filter.order.sort, filter.order.descending != backwards);
    let mut query = matching(conn, viewer, filter, viewer.mode, now)?;
    let mut gathers = false;
    if sort == Sort::Name && filter.search.as_deref().is_some_and(search::looks_within) {
        let expected = counted::estimate(conn, &query)?;
        if expected > FEW {
            let walk = Walk {
                descending,
                after: filter.cursor.as_ref(),
                at_most: if names_decide(viewer, filter) { NAMES } else { KEYS },
                page: page(query, sort, descending),
            };
            let met: Vec<i64> = walk.load(conn)?;
            if met.len() > PAGE {
                return Ok(met);
            }
            query = matching(conn, viewer, filter, viewer.mode, now)?;
        }
        gathers = expected <= MANY;
    }
    if let Some(cursor) = &filter.cursor {
        query = beyond(query, sort, descending, cursor);
    }
    let found = if gathers { gathered(query, descending) } else { page(query, sort, descending) };
    Ok(found.load(conn)?)
}

/// Whether nothing but the name is looked at, which the index of names tells.
fn names_decide(viewer: &Viewer, filter: &Filter) -> bool {
    let search = Filter { search: None, cursor: None, ..filter.clone() };
    viewer.is_administrator() && viewer.mode.is_none() && !search.narrows()
}

type Ids = diesel::dsl::Select<Bare, keys::id>;

fn page(query: Bare, sort: Sort, descending: bool) -> Ids {
    let sorted = match (sort, descending) {
        (Sort::Created, true) => query.order((keys::created_at.desc(), keys::id.desc())),
        (Sort::Created, false) => query.order((keys::created_at.asc(), keys::id.asc())),
        (Sort::Name, true) => query.order((keys::name_folded.desc(), keys::id.desc())),
        (Sort::Name, false) => query.order((keys::name_folded.asc(), keys::id.asc())),
        (Sort::LastUsed, true) => query.order((last_used().desc(), keys::id.desc())),
        (Sort::LastUsed, false) => query.order((last_used().asc(), keys::id.asc())),
    };
    sorted.select(keys::id).limit(PAGE as i64 + 1)
}

/// By name, said so that no index has this order.
fn gathered(query: Bare, descending: bool) -> Ids {
    let name = || sql::<Text>("keys.name_folded || ''");
    let sorted = match descending {
        true => query.order((name().desc(), keys::id.desc())),
        false => query.order((name().asc(), keys::id.asc())),
    };
    sorted.select(keys::id).limit(PAGE as i64 + 1)
}

fn last_used() -> diesel::expression::SqlLiteral<Timestamptz> {
    sql::<Timestamptz>(LAST_USED)
}

/// Rows after (or before) the cursor. Row values compare as the index is sorted, which diesel cannot say.
fn beyond(query: Bare, sort: Sort, descending: bool, cursor: &Cursor) -> Bare {
    let (column, value) = match sort {
        Sort::Created => ("keys.created_at", "timestamptz("),
        // Postgres and Rust don't agree on every small letter: both sides are Postgres's.
        Sort::Name => ("keys.name_folded", "lower("),
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

/// A page of those keys only that a walk by name meets within so many: `keys` then means these. Of columns that nobody
/// asks for, Postgres reads none; that none of these keys is deleted, the index tells.
struct Walk<'a> {
    descending: bool,
    after: Option<&'a Cursor>,
    at_most: i64,
    page: Ids,
}

const MET: &str = "with keys as not materialized (
    select id, public_key, name_folded, application_id, environment_id, owner_id, all_permissions, created_at,
        expires_at, disabled_at, revoked_at, null::timestamptz as deleted_at, last_used_at
    from keys where deleted_at is null";

impl QueryFragment<Pg> for Walk<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        let (than, direction) = if self.descending { ("<", "desc") } else { (">", "asc") };
        out.push_sql(MET);
        if let Some(cursor) = self.after {
            out.push_sql(&format!(" and (name_folded, id) {than} (lower("));
            out.push_bind_param::<Text, _>(&cursor.value)?;
            out.push_sql("), ");
            out.push_bind_param::<BigInt, _>(&cursor.id)?;
            out.push_sql(")");
        }
        out.push_sql(&format!(
            " order by name_folded {direction}, id {direction} limit {}) ",
            self.at_most
        ));
        QueryFragment::<Pg>::walk_ast(&self.page, out)
    }
}

impl Query for Walk<'_> {
    type SqlType = BigInt;
}
impl QueryId for Walk<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
impl RunQueryDsl<PgConnection> for Walk<'_> {}
