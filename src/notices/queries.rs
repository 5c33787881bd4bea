//! Reading notices. Every question starts at [`Whose`].

use chrono::{TimeDelta, Utc};
use diesel::{
    Connection, PgConnection, RunQueryDsl,
    dsl::sql,
    sql_query,
    sql_types::{BigInt, Bool, Nullable, Text},
};

use super::{
    Kind,
    filter::{Cursor, Filter},
    occasions::turn,
    row::{Row, Shown, rows},
};
use crate::{error::AppResult, users::Viewer};

/// Rows on a page of the list.
pub const PAGE: usize = 25;
/// No transaction that inserts notices takes so long.
const SETTLES: TimeDelta = TimeDelta::minutes(1);

/// Whose notices somebody sees.
#[derive(Debug, Clone, Copy)]
pub enum Whose {
    /// Administrators see all of them.
    Everybodys,
    /// Managers with API access those of keys that were theirs then and still are.
    Theirs(i64),
    /// To anybody else there are none.
    Nobodys,
}

impl Whose {
    pub fn visible_to(viewer: &Viewer) -> Self {
        match viewer.id {
            _ if viewer.is_administrator() => Self::Everybodys,
            Some(id) if viewer.has_api_access() => Self::Theirs(id),
            _ => Self::Nobodys,
        }
    }

    /// `None`: everybody’s.
    fn owner(self) -> Option<i64> {
        if let Self::Theirs(id) = self { Some(id) } else { None }
    }
}

/// A page of the list.
pub struct Page {
    pub notices: Vec<Shown>,
    /// The notice after which the next page begins, if there is one.
    pub next: Option<Cursor>,
    /// The one before which the previous page ends.
    pub previous: Option<Cursor>,
    /// The newest of them before which none can come any more.
    pub settled: Option<i64>,
}

impl Page {
    const EMPTY: Self = Self { notices: Vec::new(), next: None, previous: None, settled: None };
}

/// Planned for what is asked: what is not asked for falls out of the plan.
macro_rules! page_of {
    ($($rest:literal),+) => {
        rows!(
            "where ($2 is null or notices.owner_id = $2 and keys.owner_id = $2) \
                and ($3 is null or notices.kind = $3) \
                and (not $4 or notices.id > coalesce((select notices_read_to from users where users.id = $1), 0)) ",
            $($rest),+
        )
    };
}

/// The notices that match, newest first; and up to where they may be marked as read. Ids are given out before notices
/// are committed, so that a leak which is being reported may get the smaller id and come later: nobody has seen it then.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn list(conn: &mut PgConnection, viewer: &Viewer, filter: &Filter) -> AppResult<Page> {
    conn.transaction(|conn| {
        // Held to the end, so that nobody begins to insert meanwhile.
        let is_settled: bool =
            diesel::select(sql::<Bool>(concat!("pg_try_advisory_xact_lock(", turn!(), ")")))
                .get_result(conn)?;
        let mut page = read(conn, viewer, filter)?;
        let long_ago = Utc::now() - SETTLES;
        let settled = |shown: &&Shown| is_settled || shown.notice.at < long_ago;
        page.settled = page.notices.iter().find(settled).map(|shown| shown.notice.id);
        Ok(page)
    })
}

fn read(conn: &mut PgConnection, viewer: &Viewer, filter: &Filter) -> AppResult<Page> {
    let whose = Whose::visible_to(viewer);
    if matches!(whose, Whose::Nobodys) {
        return Ok(Page::EMPTY);
    }
    let (id, backwards) =
        filter.cursor.map_or((i64::MAX, false), |cursor| (cursor.id, cursor.backwards));
    let rows = sql_query(match backwards {
        true => page_of!("and notices.id > $5 order by notices.id limit $6"),
        false => page_of!("and notices.id < $5 order by notices.id desc limit $6"),
    });
    let mut found: Vec<Row> = rows
        .bind::<Nullable<BigInt>, _>(viewer.id)
        .bind::<Nullable<BigInt>, _>(whose.owner())
        .bind::<Nullable<Text>, _>(filter.kind.map(Kind::slug))
        .bind::<Bool, _>(filter.only_unread)
        .bind::<BigInt, _>(id)
        .bind::<BigInt, _>(PAGE as i64 + 1)
        .load(conn)?;
    if found.is_empty() && filter.cursor.is_some() {
        // All that was on this page has gone meanwhile.
        return read(conn, viewer, &Filter { cursor: None, ..filter.clone() });
    }
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    if backwards {
        found.reverse();
    }
    let (has_next, has_previous) =
        if backwards { (true, more) } else { (more, filter.cursor.is_some()) };
    let at = |row: Option<&Row>, backwards| row.map(|row| Cursor { id: row.id, backwards });
    let next = if has_next { at(found.last(), false) } else { None };
    let previous = if has_previous { at(found.first(), true) } else { None };
    let notices = found.into_iter().filter_map(Row::shown).collect();
    Ok(Page { notices, next, previous, settled: None })
}

/// The last ones of a key that the viewer sees.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn latest_of(
    conn: &mut PgConnection,
    viewer: &Viewer,
    key_id: i64,
    at_most: i64,
) -> AppResult<Vec<Shown>> {
    let rows = sql_query(rows!(
        "where notices.key_id = $2 and ($3 is null or notices.owner_id = $3) \
         order by notices.id desc limit $4"
    ));
    let found: Vec<Row> = rows
        .bind::<Nullable<BigInt>, _>(viewer.id)
        .bind::<BigInt, _>(key_id)
        .bind::<Nullable<BigInt>, _>(Whose::visible_to(viewer).owner())
        .bind::<BigInt, _>(at_most)
        .load(conn)?;
    Ok(found.into_iter().filter_map(Row::shown).collect())
}
