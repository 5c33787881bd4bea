//! A page of a group: its keys, and what its rows say of each.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;

use super::{Group, commands::can_end, place::Place, trim::Trim, walk};
use crate::{
    error::{AppError, AppResult},
    keys::{Acts, Key, commands, queries},
    usage::{self, HeldPermission},
    users::Viewer,
};

/// A page.
pub struct Page {
    pub rows: Vec<Listed>,
    pub next: Option<Place>,
}

/// A key of a group, with what is said of it and what can be done to it.
pub struct Listed {
    pub key: Key,
    /// Requests that were let through in the last seven days.
    pub week: i64,
    /// Something asked about it in the last hour.
    pub is_in_use: bool,
    /// Of a key with permissions that nothing needed.
    pub trim: Option<Trim>,
    /// What the viewer may do to it.
    pub acts: Acts,
    /// It ends later than a click would make it end.
    pub can_end: bool,
}

/// The keys of a group after a place.
///
/// # Errors
/// As [`walk::find`].
pub fn page(
    conn: &mut PgConnection,
    viewer: &Viewer,
    group: Group,
    from: Place,
    now: DateTime<Utc>,
) -> AppResult<Page> {
    let found = walk::find(conn, viewer, group, from, now)?;
    let mut keys = queries::by_ids(conn, viewer, &found.ids)?;
    keys.sort_by_key(|key| found.ids.iter().position(|id| *id == key.id));
    Ok(Page { rows: describe(conn, viewer, group, keys, now)?, next: found.next })
}

/// One key, as its row has it now.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn row(
    conn: &mut PgConnection,
    viewer: &Viewer,
    group: Group,
    key: Key,
    now: DateTime<Utc>,
) -> AppResult<Listed> {
    let mut rows = describe(conn, viewer, group, vec![key], now)?;
    rows.pop().ok_or(AppError::NotFound)
}

fn describe(
    conn: &mut PgConnection,
    viewer: &Viewer,
    group: Group,
    keys: Vec<Key>,
    now: DateTime<Utc>,
) -> AppResult<Vec<Listed>> {
    let ids: Vec<i64> = keys.iter().map(|key| key.id).collect();
    let week = usage::valid_since(conn, &ids, now - TimeDelta::days(7))?;
    let hour = usage::asked_about(conn, &ids, now - TimeDelta::hours(1))?;
    let may = commands::may(conn, viewer)?;
    let mut holdings = queries::holdings_of_all(conn, &keys)?;
    let mut singly = match group.is_permissions() {
        true => usage::held_permissions(conn, &ids, group.since(now))?,
        false => Default::default(),
    };
    Ok(keys
        .into_iter()
        .map(|key| {
            let held = holdings.remove(&key.id).unwrap_or_default();
            let acts = Acts::on(&key, &held, key.status(now), viewer, may);
            let singly: Option<Vec<HeldPermission>> = singly.remove(&key.id);
            Listed {
                week: week.get(&key.id).copied().unwrap_or_default(),
                is_in_use: hour.contains(&key.id),
                trim: singly.map(|singly| Trim::of(&held.ids, &singly, |_| true)),
                can_end: acts.edit && can_end(&key, now),
                acts,
                key,
            }
        })
        .collect())
}
