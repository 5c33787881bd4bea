//! Reading who is there, and what they have applied.

use chrono::{DateTime, Utc};
use diesel::{
    PgConnection, QueryableByName,
    dsl::sql,
    prelude::*,
    sql_query,
    sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use uuid::Uuid;

use super::proof::{Change, Proof, Witness};
use crate::{
    error::AppResult,
    schema::{changes, nodes},
};

/// A node as its row says, and the last change of a key that it applied.
#[derive(Debug, QueryableByName)]
pub struct Node {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = Text)]
    pub address: String,
    #[diesel(sql_type = Text)]
    pub version: String,
    #[diesel(sql_type = Timestamptz)]
    pub started_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    pub seen_at: DateTime<Utc>,
    #[diesel(sql_type = BigInt)]
    pub cached_keys: i64,
    #[diesel(sql_type = Text)]
    pub limits: String,
    /// When it applied the last one.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub applied_at: Option<DateTime<Utc>>,
    /// And when that had been made.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub changed_at: Option<DateTime<Utc>>,
    /// By the clock of Postgres, as the others.
    #[diesel(sql_type = Timestamptz)]
    pub now: DateTime<Utc>,
}

/// Every node that has not been swept, by name.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn list(conn: &mut PgConnection) -> AppResult<Vec<Node>> {
    Ok(sql_query(
        "select nodes.*, last.applied_at, last.at as changed_at, clock_timestamp() as now \
         from nodes left join lateral (select applied_at, changes.at \
            from change_receipts join changes on changes.id = change_id \
            where node_id = nodes.id order by change_id desc limit 1) last on true \
         order by name, started_at desc",
    )
    .load(conn)?)
}

#[derive(QueryableByName)]
struct WitnessRow {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Timestamptz)]
    seen_at: DateTime<Utc>,
    #[diesel(sql_type = Bool)]
    began_later: bool,
    #[diesel(sql_type = Bool)]
    has_applied: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    applied_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Timestamptz)]
    now: DateTime<Utc>,
}

/// The last change of a key, if there was one lately, and which node applied it.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn latest_of(conn: &mut PgConnection, key_id: i64) -> AppResult<Option<Proof>> {
    let change: Option<(i64, DateTime<Utc>, Option<String>, i64)> = changes::table
        // Spelled out, so that the index of these is meant whatever the plan is made for.
        .filter(sql::<Bool>("what = 'key'").and(changes::row_id.eq(key_id)))
        .order(changes::id.desc())
        .select((changes::id, changes::at, changes::status, changes::xid))
        .first(conn)
        .optional()?;
    let Some((id, at, status, xid)) = change else { return Ok(None) };
    let rows: Vec<WitnessRow> = sql_query(
        "select name, seen_at, applied_at, clock_timestamp() as now, \
            pg_visible_in_snapshot($2::text::xid8, applied::pg_snapshot) as has_applied, \
            pg_visible_in_snapshot($2::text::xid8, began::pg_snapshot) as began_later \
         from nodes left join change_receipts on change_id = $1 and node_id = nodes.id \
         order by name, started_at",
    )
    .bind::<BigInt, _>(id)
    .bind::<BigInt, _>(xid)
    .load(conn)?;
    let now = rows.first().map_or(at, |row| row.now);
    let witnesses = rows.into_iter().map(Into::into).collect();
    let change = Change { id, at, status: status.unwrap_or_default() };
    Ok(Some(Proof::new(change, witnesses, now)))
}

/// How many nodes there are, and how many of them were seen in the last seconds.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn count(conn: &mut PgConnection) -> AppResult<(i64, i64)> {
    let lately = sql::<Bool>("seen_at > clock_timestamp() - interval '5 seconds'");
    let all = nodes::table.count().get_result(conn)?;
    Ok((nodes::table.filter(lately).count().get_result(conn)?, all))
}

impl From<WitnessRow> for Witness {
    fn from(row: WitnessRow) -> Self {
        let WitnessRow { name, seen_at, began_later, has_applied, applied_at, .. } = row;
        Self { name, seen_at, began_later, applied_at, has_applied }
    }
}
