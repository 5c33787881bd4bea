//! What rows speak of, by name: looked up for a page at a time, so that no list depends on how tables are joined.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::{PgConnection, prelude::*};

use super::model::{Logged, NamedEnvironment, NamedKey, Request};
use crate::{
    error::AppResult,
    schema::{applications, environments, gateways, keys},
};

/// Adds the names of what rows speak of.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn named(conn: &mut PgConnection, rows: Vec<Logged>) -> AppResult<Vec<Request>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids = |of: fn(&Logged) -> Option<i64>| {
        let mut ids: Vec<i64> = rows.iter().filter_map(of).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    };
    let found: Vec<(i64, String, String, Option<DateTime<Utc>>)> = keys::table
        .filter(keys::id.eq_any(ids(|row| row.key_id)))
        .select((keys::id, keys::public_key, keys::name, keys::deleted_at))
        .load(conn)?;
    let by_key: HashMap<i64, NamedKey> = found
        .into_iter()
        .map(|(id, public_key, name, deleted_at)| {
            (id, NamedKey { public_key, name, is_deleted: deleted_at.is_some() })
        })
        .collect();
    let found: Vec<(i64, String, String)> = applications::table
        .filter(applications::id.eq_any(ids(|row| row.application_id)))
        .select((applications::id, applications::app_id, applications::name))
        .load(conn)?;
    let by_application: HashMap<i64, (String, String)> =
        found.into_iter().map(|(id, app_id, name)| (id, (app_id, name))).collect();
    let found: Vec<(i64, String, String, String)> = environments::table
        .filter(environments::id.eq_any(ids(|row| Some(row.environment_id))))
        .select((environments::id, environments::slug, environments::name, environments::mode))
        .load(conn)?;
    let by_environment: HashMap<i64, NamedEnvironment> = found
        .into_iter()
        .map(|(id, slug, name, mode)| (id, NamedEnvironment::new(slug, name, &mode)))
        .collect();
    let found: Vec<(i64, String)> = gateways::table
        .filter(gateways::id.eq_any(ids(|row| Some(row.gateway_id))))
        .select((gateways::id, gateways::name))
        .load(conn)?;
    let by_gateway: HashMap<i64, String> = found.into_iter().collect();
    let name = |row: Logged| Request {
        key: row.key_id.and_then(|id| by_key.get(&id).cloned()),
        application: row.application_id.and_then(|id| by_application.get(&id).cloned()),
        environment: by_environment.get(&row.environment_id).cloned().unwrap_or_default(),
        gateway: by_gateway.get(&row.gateway_id).cloned().unwrap_or_default(),
        row,
    };
    Ok(rows.into_iter().map(name).collect())
}
