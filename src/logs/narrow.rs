//! The filter as conditions; asking in time.

use std::time::Duration;

use diesel::{
    PgConnection,
    connection::SimpleConnection,
    dsl::{self, sql},
    expression::SqlLiteral,
    pg::Pg,
    prelude::*,
    sql_types::{self, Bool, Inet, Timestamptz},
};
use ipnet::IpNet;

use super::{
    filter::{Filter, Outcome, Place},
    model::{Logged, instants_of},
};
use crate::{
    error::{AppError, AppResult},
    schema::{applications, environments, keys, request_logs},
    users::Viewer,
};

/// How long Postgres may take for one piece.
const PATIENCE_WITH_POSTGRES: Duration = Duration::from_millis(1_500);
/// A question about the log.
pub type Logs<'a> =
    dsl::IntoBoxed<'a, dsl::Select<request_logs::table, dsl::AsSelect<Logged, Pg>>, Pg>;

/// What the filter names, as the table has it.
pub struct Meant {
    key_id: Option<i64>,
    application_id: Option<i64>,
    /// Empty: any.
    environment_ids: Vec<i64>,
}

/// What the filter names, by its ids; `None` when there is no such thing, or not for this viewer.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn mean(conn: &mut PgConnection, viewer: &Viewer, filter: &Filter) -> AppResult<Option<Meant>> {
    let mut meant = Meant { key_id: None, application_id: None, environment_ids: Vec::new() };
    if let Some(public_key) = &filter.key {
        let mut query =
            keys::table.filter(keys::public_key.eq(public_key)).select(keys::id).into_boxed();
        if !viewer.is_administrator() {
            query = query.filter(keys::owner_id.eq(viewer.id)).filter(keys::deleted_at.is_null());
        }
        let Some(id) = query.first(conn).optional()? else { return Ok(None) };
        meant.key_id = Some(id);
    }
    if let Some(app_id) = &filter.application {
        let id = applications::table
            .filter(applications::app_id.eq(app_id))
            .select(applications::id)
            .first(conn)
            .optional()?;
        let Some(id) = id else { return Ok(None) };
        meant.application_id = Some(id);
    }
    let mut chosen = environments::table.select(environments::id).into_boxed();
    match (&filter.environment, viewer.mode) {
        (Some(slug), _) => chosen = chosen.filter(environments::slug.eq(slug)),
        (None, Some(mode)) => chosen = chosen.filter(environments::mode.eq(mode.slug())),
        (None, None) => return Ok(Some(meant)),
    }
    meant.environment_ids = chosen.load(conn)?;
    Ok((!meant.environment_ids.is_empty()).then_some(meant))
}

/// Only what the filter asks for.
pub fn matching<'a>(mut query: Logs<'a>, filter: &Filter, meant: &Meant) -> Logs<'a> {
    if let Some(id) = meant.key_id {
        query = query.filter(request_logs::key_id.eq(id));
    }
    if let Some(id) = meant.application_id {
        query = query.filter(request_logs::application_id.eq(id));
    }
    query = match meant.environment_ids[..] {
        [] => query,
        [id] => query.filter(request_logs::environment_id.eq(id)),
        _ => query.filter(request_logs::environment_id.eq_any(meant.environment_ids.clone())),
    };
    query = match filter.code {
        None => query,
        // Spelled out for the sake of the indexes, which have refusals only.
        Some(Outcome::Refused) => query.filter(refused()),
        Some(Outcome::Code("VALID")) => query.filter(request_logs::code.eq("VALID")),
        Some(Outcome::Code(code)) => query.filter(request_logs::code.eq(code)).filter(refused()),
    };
    if let Some(method) = &filter.method {
        query = query.filter(request_logs::method.eq(method.clone()));
        if !matches!(method.as_str(), "GET" | "POST") {
            query = query.filter(rare_method());
        }
    }
    if let Some(path) = &filter.path {
        let literal = path.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        query = query.filter(request_logs::path.like(format!("{literal}%")));
    }
    if let Some(range) = filter.ip {
        query = query.filter(within(range));
    }
    if let Some(customer) = &filter.customer {
        query = query.filter(request_logs::customer.eq(customer.clone()));
    }
    if let Some(id) = filter.request {
        query = query.filter(request_logs::id.eq(id));
        if let Some((from, to)) = instants_of(id) {
            query = query.filter(request_logs::at.ge(from)).filter(request_logs::at.lt(to));
        }
    }
    query
}

/// In Postgres' own words: an index of refusals is one for these words.
fn refused() -> SqlLiteral<Bool> {
    sql("code <> 'VALID'")
}

/// Likewise: the index of methods has neither of the two that nearly all requests have.
fn rare_method() -> SqlLiteral<Bool> {
    sql("method <> 'GET' and method <> 'POST'")
}

/// What comes after a place.
pub fn older_than<'a>(place: Place) -> Beside<'a> {
    beside("(at, id) < (", place)
}

/// What comes before it.
pub fn newer_than<'a>(place: Place) -> Beside<'a> {
    beside("(at, id) > (", place)
}

type Beside<'a> = Box<dyn BoxableExpression<request_logs::table, Pg, SqlType = Bool> + 'a>;

fn beside<'a>(side: &str, place: Place) -> Beside<'a> {
    Box::new(
        sql::<Bool>(side)
            .bind::<Timestamptz, _>(place.at)
            .sql(", ")
            .bind::<sql_types::Uuid, _>(place.id)
            .sql(")"),
    )
}

/// A range is asked for by its first and last address: an index finds those between.
fn within<'a>(
    range: IpNet,
) -> Box<dyn BoxableExpression<request_logs::table, Pg, SqlType = Bool> + 'a> {
    let (first, last) = (IpNet::from(range.network()), IpNet::from(range.broadcast()));
    if first == last {
        return Box::new(sql::<Bool>("ip = ").bind::<Inet, _>(first));
    }
    Box::new(sql::<Bool>("ip >= ").bind::<Inet, _>(first).sql(" and ip <= ").bind::<Inet, _>(last))
}

/// Asks about a long log. What takes too long is given up: the person can narrow it, and nobody else waits meanwhile.
///
/// # Errors
/// What `ask` answers; [`AppError::Unprocessable`] when it took too long.
pub fn in_time<T>(
    conn: &mut PgConnection,
    ask: impl FnOnce(&mut PgConnection) -> AppResult<T>,
) -> AppResult<T> {
    let answer = conn.transaction(|conn| {
        conn.batch_execute(&format!(
            "set local statement_timeout = {}; set local random_page_cost = 1.1",
            PATIENCE_WITH_POSTGRES.as_millis()
        ))?;
        ask(conn)
    });
    match answer {
        Err(error) if took_too_long(&error) => {
            tracing::warn!(?error, "a list of requests was given up");
            Err(AppError::Unprocessable(
                "Finding these among so many requests takes too long. Narrow the list: choose a time, a key or an application.".into(),
            ))
        }
        answer => answer,
    }
}

/// Inside [`in_time`], asks about a piece of the log that may turn out to be too long; `None` when it was given up.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn try_piece(
    conn: &mut PgConnection,
    query: Logs<'_>,
    patience: Duration,
) -> AppResult<Option<Vec<Logged>>> {
    // A transaction within one: what is given up undoes nothing else.
    let answer = conn.transaction(|conn| {
        let limit =
            |patience: Duration| format!("set local statement_timeout = {}", patience.as_millis());
        conn.batch_execute(&limit(patience))?;
        let found = query.load(conn)?;
        conn.batch_execute(&limit(PATIENCE_WITH_POSTGRES))?;
        Ok(found)
    });
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(error) if took_too_long(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn took_too_long(error: &AppError) -> bool {
    matches!(error, AppError::Unavailable(error) if error.to_string().contains("statement timeout"))
}
