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
    narrow::{Logs, Meant, in_time, matching, mean, newer_than, older_than, try_piece},
};
use crate::{
    error::{AppError, AppResult},
    schema::{keys, request_log_gaps, request_logs},
    users::Viewer,
};

/// Rows on a page of the list.
pub const PAGE: usize = 50;

/// How long a list goes on looking further: with the piece it is at, less than 100 ms among ten million rows.
pub const PATIENCE: Duration = Duration::from_millis(45);
/// The first piece. Each of the next is as much longer as it may be to take so long.
const FIRST_PIECE: TimeDelta = TimeDelta::hours(1);
const PIECE: Duration = Duration::from_millis(20);
const GROWTH: i32 = 16;
/// One that takes longer is given up for a shorter one: after a quiet night there may be a busy week.
const TOO_LONG: Duration = Duration::from_millis(40);

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
    /// Where newer ones end; `None` on the page of the newest.
    pub previous: Option<Place>,
    /// So far it has looked, when it took too long to look further.
    pub looked_until: Option<DateTime<Utc>>,
}

/// What there is to look for, and how many.
struct Search<'a> {
    viewer: &'a Viewer,
    filter: &'a Filter,
    meant: Meant,
    at_most: usize,
}

/// What was found, and how far that is all there is, if it took too long to look further.
type Seen = (Vec<Logged>, Option<DateTime<Utc>>);

/// At most so many of the requests that match, from the filter's place on: the newest of what is older, or the oldest of
/// what is newer, and all the newest where there are no more than that. Looks for so long.
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
        return Ok(Page { requests: Vec::new(), next: None, previous: None, looked_until: None });
    };
    let search = Search { viewer, filter, meant, at_most: at_most + 1 };
    if let Some(place) = filter.before {
        let (mut found, looked_until) =
            in_time(conn, |conn| look_ahead(conn, &search, place, patience))?;
        let has_more = found.len() > at_most;
        if has_more || looked_until.is_some() {
            found.truncate(at_most);
            found.reverse();
            // What was looked at last, if there is nothing: all of that same instant.
            let back = || Place::before(place.at + TimeDelta::microseconds(1));
            let next = Some(found.last().map_or_else(back, place_of));
            let first = found.first().filter(|_| has_more).map(place_of);
            let looked_until = looked_until.filter(|_| !has_more);
            let previous = first.or(looked_until.map(Place::before));
            return Ok(Page { requests: named(conn, found)?, next, previous, looked_until });
        }
    }
    let from = filter.after;
    let (mut found, looked_until) = in_time(conn, |conn| look_back(conn, &search, from, patience))?;
    let has_more = found.len() > at_most;
    found.truncate(at_most);
    let last = found.last().filter(|_| has_more).map(place_of);
    let looked_until = looked_until.filter(|_| !has_more);
    let next = last.or(looked_until.map(Place::before));
    let previous = from.map(|place| found.first().map_or(place, place_of));
    Ok(Page { requests: named(conn, found)?, next, previous, looked_until })
}

fn place_of(row: &Logged) -> Place {
    Place { at: row.at, id: row.id }
}

impl Search<'_> {
    /// What it is looking for, as far as there is room for more.
    fn ask(&self, found: &[Logged]) -> AppResult<Logs<'_>> {
        let room = (self.at_most - found.len()) as i64;
        Ok(matching(visible_to(self.viewer)?, self.filter, &self.meant).limit(room))
    }
}

/// How much of the log to look through at once.
struct Pace {
    began: Instant,
    piece_began: Instant,
    span: TimeDelta,
}

impl Pace {
    fn begin() -> Self {
        let now = Instant::now();
        Self { began: now, piece_began: now, span: FIRST_PIECE }
    }

    /// Looks through a piece; `None` when it was too long, and the next to try is shorter.
    fn try_piece(
        &mut self,
        conn: &mut PgConnection,
        query: Logs<'_>,
    ) -> AppResult<Option<Vec<Logged>>> {
        self.piece_began = Instant::now();
        if self.span <= FIRST_PIECE {
            return Ok(Some(query.load(conn)?));
        }
        let found = try_piece(conn, query, TOO_LONG)?;
        if found.is_none() {
            self.span = (self.span / GROWTH).max(FIRST_PIECE);
        }
        Ok(found)
    }

    /// After a piece: the next is as much longer as it may be to take so long.
    fn quicken(&mut self) {
        let took = self.piece_began.elapsed().as_micros().max(1);
        let longer = PIECE.as_micros().div_ceil(took);
        self.span = self.span * i32::try_from(longer).map_or(GROWTH, |longer| longer.min(GROWTH));
    }
}

/// Goes back piece by piece, from a place or from now.
fn look_back(
    conn: &mut PgConnection,
    search: &Search<'_>,
    mut after: Option<Place>,
    patience: Duration,
) -> AppResult<Seen> {
    let filter = search.filter;
    let first_day = first_day(conn)?;
    let first = filter.from.map_or(first_day, |from| from.max(first_day));
    let (mut found, mut pace) = (Vec::new(), Pace::begin());
    // What is newer than now, by somebody's clock, is in the first piece.
    let mut end = after.map_or_else(Utc::now, |place| place.at);
    if let Some(to) = filter.to {
        end = end.min(to);
    }
    let ask = |after: Option<Place>, found: &[Logged]| -> AppResult<Logs<'_>> {
        let mut query =
            search.ask(found)?.order((request_logs::at.desc(), request_logs::id.desc()));
        if let Some(to) = filter.to {
            query = query.filter(request_logs::at.lt(to));
        }
        if let Some(place) = after {
            query = query.filter(request_logs::at.le(place.at)).filter(older_than(place));
        }
        Ok(query)
    };
    loop {
        let begin = end.checked_sub_signed(pace.span).unwrap_or(first).max(first);
        let query = ask(after, &found)?.filter(request_logs::at.ge(begin));
        let Some(mut piece) = pace.try_piece(conn, query)? else { continue };
        found.append(&mut piece);
        if found.len() >= search.at_most {
            return Ok((found, None));
        }
        if begin <= first {
            break;
        }
        if pace.began.elapsed() >= patience {
            return Ok((found, Some(begin)));
        }
        (after, end) = (Some(Place::before(begin)), begin);
        pace.quicken();
    }
    // What is older than the first day is of no day: somebody's clock jumped.
    if filter.from.is_none_or(|from| from < first_day) {
        let mut query = ask(after, &found)?.filter(request_logs::at.lt(first_day));
        if let Some(from) = filter.from {
            query = query.filter(request_logs::at.ge(from));
        }
        found.append(&mut query.load(conn)?);
    }
    Ok((found, None))
}

/// Goes forward piece by piece, from a place to the newest; the nearest first.
fn look_ahead(
    conn: &mut PgConnection,
    search: &Search<'_>,
    place: Place,
    patience: Duration,
) -> AppResult<Seen> {
    let filter = search.filter;
    let last = filter.to.map_or_else(Utc::now, |to| to.min(Utc::now()));
    let mut begin = filter.from.map_or(place.at, |from| from.max(place.at));
    let (mut found, mut pace) = (Vec::new(), Pace::begin());
    loop {
        // The last piece has no end but the filter's: somebody's clock may be ahead.
        let end = begin.checked_add_signed(pace.span).filter(|end| *end < last);
        let mut query = search
            .ask(&found)?
            .order((request_logs::at.asc(), request_logs::id.asc()))
            .filter(request_logs::at.ge(begin))
            .filter(newer_than(place));
        if let Some(end) = end.or(filter.to) {
            query = query.filter(request_logs::at.lt(end));
        }
        let Some(mut piece) = pace.try_piece(conn, query)? else { continue };
        found.append(&mut piece);
        match end {
            Some(end) if found.len() < search.at_most => begin = end,
            _ => return Ok((found, None)),
        }
        if pace.began.elapsed() >= patience {
            return Ok((found, Some(begin)));
        }
        pace.quicken();
    }
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
