//! What keys did not need: since when that can be told, and which permissions of a key nothing asked for.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{
    PgConnection,
    prelude::*,
    sql_query,
    sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz},
};

use crate::{error::AppResult, schema::keys_sampled};

/// The log is read every few minutes; what is further behind tells of nothing.
const BEHIND: TimeDelta = TimeDelta::hours(1);

/// How far back it is known what permissions were needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Memory {
    /// Without a break; `None`: accepted requests are not logged.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub since: Option<DateTime<Utc>>,
    /// Until when some requests found no room in the log.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub missed_at: Option<DateTime<Utc>>,
    /// The log is not read as far as it should be.
    #[diesel(sql_type = Bool)]
    pub is_behind: bool,
}

impl Memory {
    /// # Errors
    /// When Postgres cannot be asked.
    pub fn of(conn: &mut PgConnection, now: DateTime<Utc>) -> AppResult<Self> {
        Ok(sql_query(
            "select nullif(permissions_since, 'infinity') as since, \
                nullif(permissions_missed_at, '-infinity') as missed_at, log_read_until < $1 as is_behind \
             from usage_progress",
        )
        .bind::<Timestamptz, _>(now - BEHIND)
        .get_result(conn)?)
    }

    /// Whether what nothing needed since then can be told.
    pub fn reaches(&self, then: DateTime<Utc>) -> bool {
        !self.is_behind && self.since.is_some_and(|since| since <= then)
    }
}

/// A permission that a key holds, one way or the other.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct HeldPermission {
    #[diesel(sql_type = BigInt)]
    key_id: i64,
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    #[diesel(sql_type = BigInt)]
    pub section_id: i64,
    #[diesel(sql_type = Text)]
    pub slug: String,
    /// No accepted request needed it since then, and it was in the catalogue all that time.
    #[diesel(sql_type = Bool)]
    pub is_unneeded: bool,
}

#[cfg(test)]
impl HeldPermission {
    pub fn new(id: i64, section_id: i64, slug: &str, is_unneeded: bool) -> Self {
        Self { key_id: 1, id, section_id, slug: slug.into(), is_unneeded }
    }
}

/// Everything these keys hold, permission by permission in the order of the catalogue; also by what is in the log and not
/// read yet.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn held_permissions(
    conn: &mut PgConnection,
    key_ids: &[i64],
    since: DateTime<Utc>,
) -> AppResult<HashMap<i64, Vec<HeldPermission>>> {
    let rows: Vec<HeldPermission> = sql_query(
        "with tail as materialized ( \
            select distinct key_id, slug from request_logs cross join unnest(scopes) as slug \
            where key_id = any($1) and code = 'VALID' and at >= (select greatest($2, log_read_until) from usage_progress)) \
         select keys.id as key_id, permissions.id, permissions.section_id, permissions.slug, \
            permissions.added_at < $2 \
            and not exists (select from tail where tail.key_id = keys.id and tail.slug = permissions.slug) \
            and not exists (select from key_permissions_used as used where used.key_id = keys.id \
                and used.permission_id = permissions.id and used.last_used_at >= $2) as is_unneeded \
         from keys cross join permissions join sections on sections.id = section_id \
         where keys.id = any($1) and (all_permissions \
            or exists (select from key_sections as held where held.key_id = keys.id and held.section_id = permissions.section_id) \
            or exists (select from key_permissions as held where held.key_id = keys.id and held.permission_id = permissions.id)) \
         order by keys.id, sections.position, sections.id, permissions.position, permissions.id",
    )
    .bind::<Array<BigInt>, _>(key_ids)
    .bind::<Timestamptz, _>(since)
    .load(conn)?;
    let mut held: HashMap<i64, Vec<HeldPermission>> = HashMap::new();
    for row in rows {
        held.entry(row.key_id).or_default().push(row);
    }
    Ok(held)
}

/// Whether only some requests with a key were logged since then.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn was_sampled(conn: &mut PgConnection, key_id: i64, since: DateTime<Utc>) -> AppResult<bool> {
    let found = keys_sampled::table
        .filter(keys_sampled::key_id.eq(key_id).and(keys_sampled::last_at.ge(since)))
        .select(keys_sampled::key_id)
        .first::<i64>(conn)
        .optional()?;
    Ok(found.is_some())
}
