//! What an application is answered about its own keys, as JSON: only its shape, as in `bodies.rs`.

#![expect(dead_code, reason = "what has only a shape is never made")]

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use utoipa::ToSchema;

/// Some of the application’s keys.
#[derive(ToSchema)]
pub struct ApplicationKeys {
    keys: Vec<ApplicationKey>,
    /// There are more: ask again with this as `after`. Null when these were the last.
    #[schema(required = true, examples("prod_pk_4fTq81LmZx09AbCd"))]
    next: Option<String>,
}

/// A key of the application.
#[derive(ToSchema)]
pub struct ApplicationKey {
    /// The key’s public key.
    #[schema(examples("prod_pk_4fTq81LmZx09AbCd"))]
    key_id: String,
    #[schema(examples("Rentmy Production"))]
    name: String,
    /// The environment’s slug.
    #[schema(examples("production"))]
    environment: String,
    /// `active`, `inactive`, `expired` or `revoked`.
    #[schema(examples("active"))]
    status: String,
    /// It may do everything there is and will be.
    all_permissions: bool,
    /// Whole sections of the catalogue that it holds.
    sections: Vec<String>,
    /// Single permissions that it holds.
    #[schema(examples(json!(["affiliates:read"])))]
    scopes: Vec<String>,
    rate_limits: Vec<KeyLimit>,
    secret_created_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
    #[schema(required = true)]
    expires_at: Option<DateTime<Utc>>,
    #[schema(required = true)]
    last_used_at: Option<DateTime<Utc>>,
}

/// At most so many requests in a window.
#[derive(ToSchema)]
pub struct KeyLimit {
    #[schema(minimum = 1, examples(100))]
    limit: u32,
    #[schema(minimum = 1, examples(1))]
    window_seconds: u32,
}

/// How a key is used.
#[derive(ToSchema)]
pub struct KeyUsage {
    /// The key’s public key.
    key_id: String,
    /// The beginning of the first day.
    since: DateTime<Utc>,
    #[schema(required = true)]
    last_used_at: Option<DateTime<Utc>>,
    /// Requests that were answered VALID.
    allowed: u64,
    /// All others.
    refused: u64,
    /// Requests by the verdict’s code.
    by_code: BTreeMap<String, u64>,
    /// A row a day, days without requests included.
    days: Vec<DayOfUsage>,
}

/// A day, UTC.
#[derive(ToSchema)]
pub struct DayOfUsage {
    date: NaiveDate,
    allowed: u64,
    refused: u64,
}

/// How a key is to get a new secret.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Regeneration {
    /// When the old secret stops: `now`, `15m`, `1h`, `24h` or `7d`; never after the key expires.
    #[schema(pattern = "^(now|15m|1h|24h|7d)$", nullable = false, examples("1h"))]
    overlap: Option<String>,
}

/// A key’s new secret.
#[derive(ToSchema)]
pub struct Regenerated {
    /// The key’s public key: it stays what it was.
    key_id: String,
    /// Told this once.
    secret: String,
    /// The same with the public key, for HTTP Basic.
    basic: String,
    /// Until when the old secret works too; null when it has stopped.
    #[schema(required = true)]
    old_secret_ends_at: Option<DateTime<Utc>>,
}
