//! Reading the log. Every question starts at [`visible_to`].
//!
//! Whoever looks for something rare would make Postgres read the whole log, so it is asked piece by piece, from the
//! newest to the oldest: each piece is longer than the last, and after a while the list says how far it has looked.

use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use diesel::{PgConnection, prelude::*};
use uuid::Uuid;

use super::{
    days,
    filter::{Filter, Place},
    model::{Logged, Request, instants_of},
    names::named,
    narrow::{Logs, Meant, in_time, matching, mean, older_than},
};
use crate::{
    error::{AppError, AppResult},
    schema::{keys, request_log_gaps, request_logs},
    users::Viewer,
};

/// Rows on a page of the list.
pub const PAGE: usize = 50;

/// How long a list goes on looking further back: with the piece it is at, less than 100 ms among ten million rows.
pub const PATIENCE: Duration = Duration::from_millis(60);
/// The first piece. Each of the next is as much longer as it may be to take so long.
const FIRST_PIECE: TimeDelta = TimeDelta::hours(1);
const PIECE: Duration = Duration::from_millis(30);
const GROWTH: u128 = 16;

/// Administrators see all of it; managers what was asked about their own keys, and nothing that came without one.
fn visible_to<'a>(viewer: &Viewer) -> AppResult<Logs<'a>> {
    if !viewer.has_api_access() {
        return Err(AppError::NoApiAccess);
    }
    let logs = request_logs::table.select(Logged::as_select()).into_boxed();
    if viewer.is_administrator() {
        return Ok(logs);
    }
    let own = keys::table
        .filter(keys::owner_id.eq(viewer.id).and(keys::deleted_at.is_null()))
        .select(keys::id.nullable());
    Ok(logs.filter(request_logs::key_id.eq_any(own)))
}

/// A page of the list.
#[derive(Debug)]
pub struct Page {
    /// Newest first.
    pub requests: Vec<Request>,
    /// Where older ones begin, if there are any, or may be.
    pub next: Option<Place>,
    /// So far it has looked, when it took too long to look further.
    pub looked_until: Option<DateTime<Utc>>,
}

/// The newest `at_most` requests that match; looks for so long.
///
/// # Errors
/// [`AppError::NoApiAccess`]; [`AppError::Unprocessable`] when even a piece takes too long.
pub fn list(
    conn: &mut PgConnection,
    viewer: &Viewer,
    filter: &Filter,
    at_most: usize,
    patience: Duration,
) -> AppResult<Page> {
    visible_to(viewer)?;
    let Some(meant) = mean(conn, viewer, filter)? else {
        return Ok(Page { requests: Vec::new(), next: None, looked_until: None });
    };
    let (mut found, looked_until) =
        in_time(conn, |conn| look(conn, viewer, filter, &meant, at_most + 1, patience))?;
    let has_more = found.len() > at_most;
    found.truncate(at_most);
    let last = found.last().filter(|_| has_more).map(|row| Place { at: row.at, id: row.id });
    let next = last.or(looked_until.map(Place::before));
    let requests = named(conn, found)?;
    Ok(Page { requests, next, looked_until: looked_until.filter(|_| !has_more) })
}

/// Goes back piece by piece.
fn look(
    conn: &mut PgConnection,
    viewer: &Viewer,
    filter: &Filter,
    meant: &Meant,
    at_most: usize,
    patience: Duration,
) -> AppResult<(Vec<Logged>, Option<DateTime<Utc>>)> {
    let began = Instant::now();
    let first_day = first_day(conn)?;
    let first = filter.from.map_or(first_day, |from| from.max(first_day));
    let (mut found, mut span, mut after) = (Vec::new(), FIRST_PIECE, filter.after);
    // What is newer than now, by somebody's clock, is in the first piece.
    let mut end = after.map_or_else(Utc::now, |place| place.at);
    if let Some(to) = filter.to {
        end = end.min(to);
    }
    let ask = |after: Option<Place>, room: usize| -> AppResult<Logs<'_>> {
        let mut query = matching(visible_to(viewer)?, filter, meant)
            .order((request_logs::at.desc(), request_logs::id.desc()))
            .limit(room as i64);
        if let Some(to) = filter.to {
            query = query.filter(request_logs::at.lt(to));
        }
        if let Some(place) = after {
            query = query.filter(request_logs::at.le(place.at)).filter(older_than(place));
        }
        Ok(query)
    };
    loop {
        let piece_began = Instant::now();
        let begin = end.checked_sub_signed(span).unwrap_or(first).max(first);
        let query = ask(after, at_most - found.len())?.filter(request_logs::at.ge(begin));
        found.append(&mut query.load::<Logged>(conn)?);
        if found.len() >= at_most {
            return Ok((found, None));
        }
        if begin <= first {
            break;
        }
        if began.elapsed() >= patience {
            return Ok((found, Some(begin)));
        }
        (after, end) = (Some(Place::before(begin)), begin);
        let took = piece_began.elapsed().as_micros().max(1);
        span = span * PIECE.as_micros().div_ceil(took).min(GROWTH) as i32;
    }
    // What is older than the first day is of no day: somebody's clock jumped.
    if filter.from.is_none_or(|from| from < first_day) {
        let mut query = ask(after, at_most - found.len())?.filter(request_logs::at.lt(first_day));
        if let Some(from) = filter.from {
            query = query.filter(request_logs::at.ge(from));
        }
        found.append(&mut query.load::<Logged>(conn)?);
    }
    Ok((found, None))
}

/// When the first day begins that has a partition.
fn first_day(conn: &mut PgConnection) -> AppResult<DateTime<Utc>> {
    let day = days::days_there_are(conn)?.first().copied();
    Ok(day.map_or_else(Utc::now, |day| day.and_time(NaiveTime::MIN).and_utc()))
}

/// One request.
///
/// # Errors
/// [`AppError::NotFound`] when there is none, or not for this viewer; [`AppError::NoApiAccess`].
pub fn find(conn: &mut PgConnection, viewer: &Viewer, id: Uuid) -> AppResult<Request> {
    let (from, to) = instants_of(id).ok_or(AppError::NotFound)?;
    let row: Logged = visible_to(viewer)?
        .filter(request_logs::id.eq(id))
        .filter(request_logs::at.ge(from))
        .filter(request_logs::at.lt(to))
        .first(conn)?;
    named(conn, vec![row])?.pop().ok_or(AppError::NotFound)
}

/// The last requests of a key within a day.
///
/// # Errors
/// [`AppError::NoApiAccess`].
pub fn recent_for(
    conn: &mut PgConnection,
    viewer: &Viewer,
    key_id: i64,
    at_most: i64,
) -> AppResult<Vec<Request>> {
    let rows = visible_to(viewer)?
        .filter(request_logs::key_id.eq(key_id))
        .filter(request_logs::at.ge(Utc::now() - TimeDelta::days(1)))
        .order((request_logs::at.desc(), request_logs::id.desc()))
        .limit(at_most)
        .load(conn)?;
    named(conn, rows)
}

/// What is missing from the log between two instants, by minute and reason; the latest few.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn gaps(
    conn: &mut PgConnection,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> AppResult<Vec<(DateTime<Utc>, String, i64)>> {
    Ok(request_log_gaps::table
        .filter(request_log_gaps::minute.ge(from - TimeDelta::minutes(1)))
        .filter(request_log_gaps::minute.le(to))
        .order((request_log_gaps::minute.desc(), request_log_gaps::reason.asc()))
        .select((request_log_gaps::minute, request_log_gaps::reason, request_log_gaps::requests))
        .limit(1_000)
        .load(conn)?)
}
