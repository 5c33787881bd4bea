//! A logged request, as pages show it.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use ipnet::IpNet;
use uuid::Uuid;

use crate::{environments::Mode, schema::request_logs};

/// A row of the table.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = request_logs, check_for_backend(diesel::pg::Pg))]
pub struct Logged {
    pub at: DateTime<Utc>,
    /// What the answer said as `X-Request-Id`.
    pub id: Uuid,
    pub key_id: Option<i64>,
    pub application_id: Option<i64>,
    pub environment_id: i64,
    pub gateway_id: i64,
    /// So many requests like this one, itself included.
    pub stands_for: i32,
    pub took_micros: i32,
    pub code: String,
    pub ip: Option<IpNet>,
    pub endpoint: String,
    pub method: String,
    pub path: String,
    pub customer: Option<String>,
    pub agent: String,
    pub detail: String,
    pub scopes: Vec<String>,
}

/// A row with the names of what it speaks of.
#[derive(Debug, Clone)]
pub struct Request {
    pub row: Logged,
    /// The key, if one was presented; deleted ones have names too.
    pub key: Option<NamedKey>,
    /// App ID and name.
    pub application: Option<(String, String)>,
    pub environment: NamedEnvironment,
    pub gateway: String,
}

#[derive(Debug, Clone)]
pub struct NamedKey {
    pub public_key: String,
    pub name: String,
    pub is_deleted: bool,
}

#[derive(Debug, Clone, Default)]
pub struct NamedEnvironment {
    pub slug: String,
    pub name: String,
    pub is_test: bool,
}

impl Request {
    /// The address of its page.
    pub fn address(&self) -> String {
        format!("/logs/{}", self.row.id)
    }

    pub fn is_accepted(&self) -> bool {
        self.row.code == "VALID"
    }

    /// The address that called, as people write it.
    pub fn ip(&self) -> Option<String> {
        self.row.ip.map(|ip| ip.addr().to_string())
    }

    /// “0.4 ms”
    pub fn took(&self) -> String {
        match self.row.took_micros {
            micros @ ..1_000 => format!("{micros} µs"),
            micros @ ..10_000 => format!("{:.1} ms", f64::from(micros) / 1_000.0),
            micros => format!("{} ms", micros / 1_000),
        }
    }
}

impl NamedEnvironment {
    pub fn new(slug: String, name: String, mode: &str) -> Self {
        Self { slug, name, is_test: mode == Mode::Test.slug() }
    }
}

/// The millisecond in which the request with that id was noted, first and last instant.
pub fn instants_of(id: Uuid) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    if id.get_version_num() != 7 {
        return None;
    }
    let millis = i64::try_from(id.as_u128() >> 80).ok()?;
    let from = DateTime::from_timestamp_millis(millis)?;
    Some((from, from.checked_add_signed(TimeDelta::milliseconds(1))?))
}
