//! Asking Postgres for facts: one query each.

use chrono::{DateTime, Utc};
use diesel::{
    PgConnection, QueryableByName,
    prelude::*,
    sql_types::{Array, BigInt, Binary, Bool, Cidr, Integer, Nullable, Text, Timestamptz},
};
use ipnet::IpNet;

use super::facts::{ApplicationFacts, GatewayFacts, KeyFacts, Scope};
use crate::{
    credentials::SecretHash,
    error::AppResult,
    keys::fold_mapped,
    limits::Limit,
    schema::{applications, environments, gateways},
};

/// Everything about a key but how it is found. Sections and permissions it holds are spelled out, in catalogue order.
const KEY: &str = "select keys.id, keys.public_key, keys.name, applications.app_id, \
    keys.environment_id, environments.slug as environment, \
    keys.expires_at, keys.disabled_at, keys.revoked_at, keys.allowed_ips, keys.excluded_ips, keys.allowed_origins, \
    granted.scopes, granted.publishable, \
    array(select customers.external_id from key_customers join customers on customers.id = customer_id \
        where key_id = keys.id order by customers.id) as customers, \
    limits.requests as limit_requests, limits.per_seconds as limit_seconds \
  from keys \
  join applications on applications.id = keys.application_id \
  join environments on environments.id = keys.environment_id \
  cross join lateral (select \
      coalesce(array_agg(permissions.slug order by sections.position, sections.id, permissions.position, permissions.id), '{}') as scopes, \
      coalesce(array_agg(permissions.publishable order by sections.position, sections.id, permissions.position, permissions.id), '{}') as publishable \
    from permissions join sections on sections.id = permissions.section_id \
    where keys.all_permissions \
      or exists (select from key_sections held where held.key_id = keys.id and held.section_id = sections.id) \
      or exists (select from key_permissions held where held.key_id = keys.id and held.permission_id = permissions.id) \
  ) granted \
  cross join lateral (select \
      coalesce(array_agg(requests order by per_seconds), '{}') as requests, \
      coalesce(array_agg(per_seconds order by per_seconds), '{}') as per_seconds \
    from key_limits where key_limits.key_id = keys.id \
  ) limits ";

#[derive(QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    public_key: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    app_id: String,
    #[diesel(sql_type = BigInt)]
    environment_id: i64,
    #[diesel(sql_type = Text)]
    environment: String,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    expires_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    disabled_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    revoked_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<BigInt>)]
    secret_id: Option<i64>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    secret_ends_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Array<Cidr>)]
    allowed_ips: Vec<IpNet>,
    #[diesel(sql_type = Array<Cidr>)]
    excluded_ips: Vec<IpNet>,
    #[diesel(sql_type = Array<Text>)]
    allowed_origins: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    scopes: Vec<String>,
    #[diesel(sql_type = Array<Bool>)]
    publishable: Vec<bool>,
    #[diesel(sql_type = Array<Text>)]
    customers: Vec<String>,
    #[diesel(sql_type = Array<Integer>)]
    limit_requests: Vec<i32>,
    #[diesel(sql_type = Array<Integer>)]
    limit_seconds: Vec<i32>,
}

/// The key that this is or was a secret of.
pub fn key_by_secret(conn: &mut PgConnection, hash: &SecretHash) -> AppResult<Option<KeyFacts>> {
    let with_secret = KEY.replacen(
        "select ",
        "select key_secrets.id as secret_id, key_secrets.ends_at as secret_ends_at, ",
        1,
    );
    let query = format!(
        "{with_secret} join key_secrets on key_secrets.key_id = keys.id \
         where key_secrets.hash = $1 and keys.deleted_at is null"
    );
    let found: Option<KeyRow> =
        diesel::sql_query(query).bind::<Binary, _>(hash.as_bytes()).get_result(conn).optional()?;
    Ok(found.map(Into::into))
}

/// The key with this public key.
pub fn key_by_public_key(conn: &mut PgConnection, public_key: &str) -> AppResult<Option<KeyFacts>> {
    let without_secret = KEY.replacen(
        "select ",
        "select null::bigint as secret_id, null::timestamptz as secret_ends_at, ",
        1,
    );
    let found: Option<KeyRow> = diesel::sql_query(format!(
        "{without_secret} where keys.public_key = $1 and keys.deleted_at is null"
    ))
    .bind::<Text, _>(public_key)
    .get_result(conn)
    .optional()?;
    Ok(found.map(Into::into))
}

/// The application with this App Secret, unless it is archived.
pub fn application_by_secret(
    conn: &mut PgConnection,
    hash: &SecretHash,
) -> AppResult<Option<ApplicationFacts>> {
    let found: Option<(i64, String, String)> = applications::table
        .filter(applications::secret_hash.eq(hash.as_bytes()))
        .filter(applications::archived_at.is_null())
        .select((applications::id, applications::app_id, applications::name))
        .first(conn)
        .optional()?;
    Ok(found.map(|(id, app_id, name)| ApplicationFacts {
        id,
        app_id: app_id.into(),
        name: name.into(),
    }))
}

/// The gateway with this token, unless it was revoked.
pub fn gateway_by_token(
    conn: &mut PgConnection,
    hash: &SecretHash,
) -> AppResult<Option<GatewayFacts>> {
    let found: Option<(i64, i64, String)> = gateways::table
        .inner_join(environments::table)
        .filter(gateways::token_hash.eq(hash.as_bytes()))
        .filter(gateways::revoked_at.is_null())
        .select((gateways::id, environments::id, environments::slug))
        .first(conn)
        .optional()?;
    Ok(found.map(|(id, environment_id, environment)| GatewayFacts {
        id,
        environment_id,
        environment: environment.into(),
    }))
}

impl From<KeyRow> for KeyFacts {
    fn from(row: KeyRow) -> Self {
        let scopes = row.scopes.into_iter().zip(row.publishable);
        let limits = row.limit_requests.into_iter().zip(row.limit_seconds);
        Self {
            id: row.id,
            public_key: row.public_key.into(),
            name: row.name.into(),
            app_id: row.app_id.into(),
            environment_id: row.environment_id,
            environment: row.environment.into(),
            expires_at: row.expires_at,
            disabled_at: row.disabled_at,
            revoked_at: row.revoked_at,
            secret_id: row.secret_id,
            secret_ends_at: row.secret_ends_at,
            scopes: scopes
                .map(|(slug, publishable)| Scope { slug: slug.into(), publishable })
                .collect(),
            customers: row.customers.into_iter().map(Into::into).collect(),
            allowed_ips: row.allowed_ips.into_iter().map(fold_mapped).collect(),
            excluded_ips: row.excluded_ips.into_iter().map(fold_mapped).collect(),
            allowed_origins: row.allowed_origins.into_iter().map(Into::into).collect(),
            limits: limits
                .filter_map(|(requests, per_seconds)| {
                    Some(Limit {
                        requests: u32::try_from(requests).ok()?,
                        per_seconds: u32::try_from(per_seconds).ok()?,
                    })
                })
                .collect(),
        }
    }
}
