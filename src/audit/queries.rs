//! Reading the trail. Every question starts at [`visible_to`].

use chrono::{DateTime, Utc};
use diesel::{
    PgConnection,
    connection::SimpleConnection,
    dsl::{self, sql},
    pg::Pg,
    prelude::*,
    sql_query,
    sql_types::{BigInt, Bool, Inet, Text, Timestamptz},
};
use ipnet::IpNet;
use serde_json::Value;
use uuid::Uuid;

use super::filter::{Actor, Acts, Cursor, Filter};
use crate::{
    error::{AppError, AppResult},
    schema::{audit_events, users},
    users::Viewer,
};

/// Events on a page.
pub const PAGE: usize = 50;

/// Words of one or two letters have no index: so many of the newest events are searched for them.
pub const SEARCHED_FOR_SHORT: i64 = 10_000;

/// So long Postgres may look.
const PATIENCE_MS: u32 = 3_000;

/// An event with all that is known of it.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = audit_events, check_for_backend(diesel::pg::Pg))]
pub struct Entry {
    /// Its number in the chain.
    pub id: i64,
    pub at: DateTime<Utc>,
    pub actor_id: Option<i64>,
    pub actor: String,
    pub ip: Option<IpNet>,
    pub request_id: Option<Uuid>,
    pub action: String,
    pub subject: String,
    pub subject_name: String,
    pub details: Value,
    pub previous_hash: Vec<u8>,
    pub hash: Vec<u8>,
}

type Events<'a> =
    dsl::IntoBoxed<'a, dsl::Select<audit_events::table, dsl::AsSelect<Entry, Pg>>, Pg>;

/// Administrators see all of the trail, and nobody else any of it. A key's owner sees its history on its page.
fn visible_to<'a>(viewer: &Viewer) -> AppResult<Events<'a>> {
    if !viewer.is_administrator() {
        return Err(AppError::NotFound);
    }
    Ok(audit_events::table.select(Entry::as_select()).into_boxed())
}

/// A page of the trail.
pub struct Page {
    pub entries: Vec<Entry>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
    /// Where the previous one ends.
    pub previous: Option<Cursor>,
}

/// The events that match, newest first.
///
/// # Errors
/// [`AppError::NotFound`] unless an administrator asks; [`AppError::Unprocessable`] when it takes too long.
pub fn list(conn: &mut PgConnection, viewer: &Viewer, filter: &Filter) -> AppResult<Page> {
    let mut found = in_time(conn, |conn| some(conn, viewer, filter, PAGE as i64 + 1))?;
    if found.is_empty() && filter.cursor.is_some() {
        return list(conn, viewer, &Filter { cursor: None, ..filter.clone() });
    }
    let backwards = filter.cursor.is_some_and(|cursor| cursor.backwards);
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    if backwards {
        found.reverse();
    }
    let (has_next, has_previous) =
        if backwards { (true, more) } else { (more, filter.cursor.is_some()) };
    let next = found.last().filter(|_| has_next).map(|entry| place(entry, false));
    let previous = found.first().filter(|_| has_previous).map(|entry| place(entry, true));
    Ok(Page { entries: found, next, previous })
}

/// At most so many of the events that match, from the filter's place on; towards the newest, the nearest first.
///
/// # Errors
/// [`AppError::NotFound`] unless an administrator asks.
pub fn some(
    conn: &mut PgConnection,
    viewer: &Viewer,
    filter: &Filter,
    at_most: i64,
) -> AppResult<Vec<Entry>> {
    let query = matching(conn, visible_to(viewer)?, filter)?;
    let backwards = filter.cursor.is_some_and(|cursor| cursor.backwards);
    let query = match filter.cursor {
        None => query,
        Some(Cursor { at, number, .. }) => {
            let side = if backwards { "(at, id) > (" } else { "(at, id) < (" };
            query.filter(
                sql::<Bool>(side)
                    .bind::<Timestamptz, _>(at)
                    .sql(", ")
                    .bind::<BigInt, _>(number)
                    .sql(")"),
            )
        }
    };
    let query = if backwards {
        query.order((audit_events::at.asc(), audit_events::id.asc()))
    } else {
        query.order((audit_events::at.desc(), audit_events::id.desc()))
    };
    Ok(query.limit(at_most).load(conn)?)
}

/// Where an event stands.
pub fn place(entry: &Entry, backwards: bool) -> Cursor {
    Cursor { at: entry.at, number: entry.id, backwards }
}

/// The event of that number.
///
/// # Errors
/// [`AppError::NotFound`], also unless an administrator asks.
pub fn find(conn: &mut PgConnection, viewer: &Viewer, number: i64) -> AppResult<Entry> {
    Ok(visible_to(viewer)?.filter(audit_events::id.eq(number)).first(conn)?)
}

#[derive(QueryableByName)]
struct Known {
    #[diesel(sql_type = Text)]
    action: String,
}

/// What has ever been done here, in the order of the alphabet. The index is asked for one after the other, since
/// telling a million events apart would take a second.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn actions(conn: &mut PgConnection) -> AppResult<Vec<String>> {
    let known: Vec<Known> = sql_query(
        "with recursive known as (
            (select action from audit_events order by action limit 1)
            union all
            select (select action from audit_events where action > known.action order by action limit 1)
            from known where known.action is not null
        ) select action from known where action is not null",
    )
    .load(conn)?;
    let mut actions: Vec<String> = known.into_iter().map(|known| known.action).collect();
    actions.sort();
    Ok(actions)
}

/// Everybody there is, by name.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn people(conn: &mut PgConnection) -> AppResult<Vec<(i64, String)>> {
    Ok(users::table.select((users::id, users::name)).order((users::name, users::id)).load(conn)?)
}

fn matching<'a>(
    conn: &mut PgConnection,
    mut query: Events<'a>,
    filter: &Filter,
) -> AppResult<Events<'a>> {
    query = match filter.actor {
        None => query,
        Some(Actor::Person(id)) => query.filter(audit_events::actor_id.eq(id)),
        Some(nobody) => {
            let name = if nobody == Actor::Operator { "Operator" } else { "Visitor" };
            query.filter(audit_events::actor_id.is_null().and(audit_events::actor.eq(name)))
        }
    };
    query = match &filter.acts {
        None => query,
        Some(Acts::One(action)) => query.filter(audit_events::action.eq(action.clone())),
        Some(Acts::Kind(kind)) => {
            let mut known = actions(conn)?;
            known.retain(|action| action.starts_with(kind));
            query.filter(audit_events::action.eq_any(known))
        }
    };
    if let Some(subject) = &filter.subject {
        query = query.filter(audit_events::subject.eq(subject.clone()));
    }
    if let Some(range) = filter.ip {
        query = query.filter(sql::<Bool>("ip <<= ").bind::<Inet, _>(range));
    }
    if let Some(request) = filter.request {
        query = query.filter(audit_events::request_id.eq(request));
    }
    if let Some(from) = filter.from {
        query = query.filter(audit_events::at.ge(from));
    }
    if let Some(to) = filter.to {
        query = query.filter(audit_events::at.lt(to));
    }
    match &filter.search {
        None => Ok(query),
        Some(words) => search(conn, query, words),
    }
}

/// Every character is meant literally. Under three letters a trigram index is of no help.
fn search<'a>(conn: &mut PgConnection, query: Events<'a>, words: &str) -> AppResult<Events<'a>> {
    let literal = words.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    // As the index has it.
    let found = sql::<Bool>(
        "(actor || E'\\n' || subject_name || E'\\n' || subject || E'\\n' || details::text) ilike ",
    )
    .bind::<Text, _>(format!("%{literal}%"));
    if words.chars().count() >= 3 {
        return Ok(query.filter(found));
    }
    let last: Option<i64> = audit_events::table.select(dsl::max(audit_events::id)).first(conn)?;
    let newest = last.unwrap_or_default() - SEARCHED_FOR_SHORT;
    Ok(query.filter(audit_events::id.gt(newest)).filter(found))
}

/// A page that nobody waits for any more must not keep Postgres busy.
fn in_time<T>(
    conn: &mut PgConnection,
    ask: impl FnOnce(&mut PgConnection) -> AppResult<T>,
) -> AppResult<T> {
    let answer = conn.transaction(|conn| {
        conn.batch_execute(&format!("set local statement_timeout = {PATIENCE_MS}"))?;
        ask(conn)
    });
    match answer {
        Err(AppError::Unavailable(error)) if error.to_string().contains("statement timeout") => {
            tracing::warn!(%error, "a page of the trail was given up");
            Err(AppError::Unprocessable(
                "Finding these among so many events takes too long. Choose a time, a person or an act, too."
                    .into(),
            ))
        }
        answer => answer,
    }
}
