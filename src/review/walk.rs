//! Which keys belong to a group. A walk goes along an index that has the group together, so many rows a step, and looks
//! at each key it meets: whatever a million keys are like, a step costs about the same, and after a while the walk ends
//! where it is and can be gone on with.
//!
//! | group | along, for administrators |
//! |---|---|
//! | permissions | `key_permissions_used_pkey`, in the order of keys: only what needed something has something to keep |
//! | unused | `keys_by_use`, from the longest ago on |
//! | never | `keys_by_use`, the part that has no use, in the order of keys |
//! | secrets | `key_secrets_by_age`, the oldest first |
//!
//! A manager’s own keys are gathered first, along `keys_of_owner`, and sorted.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use diesel::{
    PgConnection, QueryableByName, RunQueryDsl,
    connection::SimpleConnection,
    sql_query,
    sql_types::{Array, BigInt, Bool, Nullable, Timestamptz},
};

use super::{Group, place::Place, ways};
use crate::{
    counted::{Count, MOST},
    environments::ids_in,
    error::{AppError, AppResult},
    keys::queries::in_time,
    usage::Memory,
    users::Viewer,
};

/// Rows on a page of a group.
pub const PAGE: usize = 25;
/// Keys that a step looks at.
const STEP: i64 = 2_000;
/// Of what keys needed so many rows, several of each key.
const NEEDS: i64 = 20_000;
/// A page is looked for so long, and then shown as far as it is.
const PATIENCE: Duration = Duration::from_secs(1);
/// And a number counted so long.
const COUNTING: Duration = Duration::from_millis(250);

/// The keys of a page.
pub struct Found {
    pub ids: Vec<i64>,
    /// Where the next page begins, if there may be one.
    pub next: Option<Place>,
}

#[derive(QueryableByName)]
struct Met {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
    #[diesel(sql_type = Bool)]
    belongs: bool,
}

/// Who looks, at what, and when.
struct Walk<'a> {
    viewer: &'a Viewer,
    group: Group,
    now: DateTime<Utc>,
    /// Of the mode they look at; `None`: of any.
    environments: Option<Vec<i64>>,
    /// Whether it can be told at all who belongs to the group.
    is_known: bool,
}

/// The keys of a group that come after a place. Administrators see all of them, managers their own; of the mode they
/// look at.
///
/// # Errors
/// [`AppError::NoApiAccess`]; [`AppError::Unprocessable`] when it takes too long.
pub fn find(
    conn: &mut PgConnection,
    viewer: &Viewer,
    group: Group,
    from: Place,
    now: DateTime<Utc>,
) -> AppResult<Found> {
    let (mut ids, mut last, mut next) = (Vec::new(), from, None);
    let (mut at, began) = (from, Instant::now());
    let walk = Walk::begin(conn, viewer, group, now)?;
    in_time(conn, |conn| {
        // Compiling a step takes longer than the step.
        conn.batch_execute("set local jit = off")?;
        while let Some(met) = walk.step(conn, at)? {
            for one in &met {
                at = Place { at: one.at, id: one.id };
                if !one.belongs {
                    continue;
                }
                if ids.len() == PAGE {
                    next = Some(last);
                    return Ok(());
                }
                ids.push(one.id);
                last = at;
            }
            if began.elapsed() > PATIENCE {
                next = Some(at);
                return Ok(());
            }
        }
        Ok(())
    })?;
    Ok(Found { ids, next })
}

/// How many keys of a group the viewer sees, as far as they are counted in time.
///
/// # Errors
/// As [`find`].
pub fn count(
    conn: &mut PgConnection,
    viewer: &Viewer,
    group: Group,
    now: DateTime<Utc>,
) -> AppResult<Count> {
    let (mut found, mut at, began) = (0, Place::BEGINNING, Instant::now());
    let walk = Walk::begin(conn, viewer, group, now)?;
    in_time(conn, |conn| {
        // Compiling a step takes longer than the step.
        conn.batch_execute("set local jit = off")?;
        while let Some(met) = walk.step(conn, at)? {
            found += met.iter().filter(|one| one.belongs).count() as i64;
            if found > MOST {
                return Ok(Count::MoreThan(MOST));
            }
            if let Some(last) = met.last() {
                at = Place { at: last.at, id: last.id };
            }
            if began.elapsed() > COUNTING {
                return Ok(Count::MoreThan(found));
            }
        }
        Ok(Count::Exactly(found))
    })
}

impl<'a> Walk<'a> {
    fn begin(
        conn: &mut PgConnection,
        viewer: &'a Viewer,
        group: Group,
        now: DateTime<Utc>,
    ) -> AppResult<Self> {
        if !viewer.has_api_access() {
            return Err(AppError::NoApiAccess);
        }
        let environments = match viewer.mode {
            Some(mode) => Some(ids_in(conn, mode)?),
            None => None,
        };
        let is_known = !group.is_permissions() || Memory::of(conn, now)?.reaches(group.since(now));
        Ok(Self { viewer, group, now, environments, is_known })
    }

    /// The next rows of the index; `None` at its end.
    fn step(&self, conn: &mut PgConnection, after: Place) -> AppResult<Option<Vec<Met>>> {
        if !self.is_known {
            return Ok(None);
        }
        let is_everybodys = self.viewer.is_administrator();
        let since = self.group.since(self.now);
        // One by one, since the other ways to join read all keys up to the place; own ones are gathered already.
        let keys = match is_everybodys {
            true => {
                "lateral (select * from keys where keys.id = walked.id offset 0) as keys on true"
            }
            false => "mine as keys on keys.id = walked.id",
        };
        let at_most = if is_everybodys && self.group.is_permissions() { NEEDS } else { STEP };
        let statement = format!(
            "with mine as materialized ( \
                select id, environment_id, all_permissions, created_at, expires_at, disabled_at, revoked_at, deleted_at, \
                    last_used_at, permissions_at \
                from keys where owner_id = $1 and deleted_at is null), \
             walked as materialized ({}) \
             select walked.id, walked.at, coalesce(keys.deleted_at is null and keys.revoked_at is null \
                and keys.disabled_at is null and (keys.expires_at is null or keys.expires_at > $2) \
                and ($3 is null or keys.environment_id = any($3)) and {}, false) as belongs \
             from walked join {keys} order by walked.at, walked.id",
            ways::along(self.group, is_everybodys),
            ways::belongs(self.group)
        );
        let met: Vec<Met> = sql_query(statement)
            .bind::<Nullable<BigInt>, _>(self.viewer.id)
            .bind::<Timestamptz, _>(self.now)
            .bind::<Nullable<Array<BigInt>>, _>(self.environments.clone())
            .bind::<Timestamptz, _>(since)
            .bind::<Timestamptz, _>(after.at)
            .bind::<BigInt, _>(after.id)
            .bind::<BigInt, _>(at_most)
            .load(conn)?;
        Ok((!met.is_empty()).then_some(met))
    }
}
