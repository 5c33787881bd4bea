//! Asking Postgres for facts: one query each.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::{
    PgConnection, QueryableByName,
    pg::Pg,
    prelude::*,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::{Array, BigInt, Binary, Bool, Cidr, Integer, Nullable, Text, Timestamptz, Untyped},
};
use ipnet::IpNet;

use super::{
    catalogue::{Catalogue, Granted, Permission},
    entry::Told,
    facts::{ApplicationFacts, GatewayFacts, Home, KeyFacts, Rare, Terms},
    interned::Interned,
};
use crate::{
    credentials::SecretHash,
    error::AppResult,
    keys::fold_mapped,
    limits::Limit,
    schema::{applications, environments, gateways, permissions, sections},
};

/// Everything about a key but how it is found.
macro_rules! key {
    ($secret:literal, $found_by:literal) => {
        concat!(
            "select keys.id, keys.public_key, keys.name, keys.application_id, applications.app_id, keys.environment_id, \
               keys.expires_at, keys.disabled_at, keys.revoked_at, \
               coalesce(keys.expires_at <= now(), false) as has_expired, \
               keys.allowed_ips, keys.excluded_ips, keys.allowed_origins, keys.all_permissions, \
               array(select section_id from key_sections \
                 where key_id = keys.id order by section_id) as sections, \
               array(select permission_id from key_permissions \
                 where key_id = keys.id order by permission_id) as permissions, \
               array(select customers.external_id from key_customers \
                 join customers on customers.id = customer_id \
                 where key_id = keys.id order by customers.id) as customers, \
               array(select requests from key_limits \
                 where key_id = keys.id order by per_seconds) as limit_requests, \
               array(select per_seconds from key_limits \
                 where key_id = keys.id order by per_seconds) as limit_seconds, ",
            $secret,
            " from keys join applications on applications.id = keys.application_id ",
            $found_by
        )
    };
}

#[derive(QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    public_key: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    application_id: i64,
    #[diesel(sql_type = Text)]
    app_id: String,
    #[diesel(sql_type = BigInt)]
    environment_id: i64,
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
    #[diesel(sql_type = Bool)]
    has_expired: bool,
    #[diesel(sql_type = Bool)]
    secret_has_ended: bool,
    #[diesel(sql_type = Array<Cidr>)]
    allowed_ips: Vec<IpNet>,
    #[diesel(sql_type = Array<Cidr>)]
    excluded_ips: Vec<IpNet>,
    #[diesel(sql_type = Array<Text>)]
    allowed_origins: Vec<String>,
    #[diesel(sql_type = Bool)]
    all_permissions: bool,
    #[diesel(sql_type = Array<BigInt>)]
    sections: Vec<i64>,
    #[diesel(sql_type = Array<BigInt>)]
    permissions: Vec<i64>,
    #[diesel(sql_type = Array<Text>)]
    customers: Vec<String>,
    #[diesel(sql_type = Array<Integer>)]
    limit_requests: Vec<i32>,
    #[diesel(sql_type = Array<Integer>)]
    limit_seconds: Vec<i32>,
}

/// The keys that these are or were secrets of, by them.
pub fn keys_by_secret(
    conn: &mut PgConnection,
    hashes: &[SecretHash],
    interned: &Interned,
) -> AppResult<HashMap<SecretHash, Told<KeyFacts>>> {
    let hashes = hashes.iter().map(SecretHash::as_bytes).collect();
    let found: Vec<KeyOfSecret> = KeysBySecret(hashes).load(conn)?;
    let by_secret = found.into_iter().filter_map(|KeyOfSecret { hash, key }| {
        SecretHash::stored(&hash).map(|hash| (hash, key.told(interned)))
    });
    Ok(by_secret.collect())
}

/// A row for each of these hashes that is known. diesel never keeps a query prepared that is only a text; one that is a
/// type it does.
struct KeysBySecret<'a>(Vec<&'a [u8]>);

#[derive(QueryableByName)]
struct KeyOfSecret {
    #[diesel(sql_type = Binary)]
    hash: Vec<u8>,
    #[diesel(embed)]
    key: KeyRow,
}

impl Query for KeysBySecret<'_> {
    type SqlType = Untyped;
}

impl QueryId for KeysBySecret<'_> {
    type QueryId = KeysBySecret<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl RunQueryDsl<PgConnection> for KeysBySecret<'_> {}

impl QueryFragment<Pg> for KeysBySecret<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(key!(
            "key_secrets.hash, key_secrets.id as secret_id, key_secrets.ends_at as secret_ends_at, \
             coalesce(key_secrets.ends_at <= now(), false) as secret_has_ended",
            "join key_secrets on key_secrets.key_id = keys.id \
             where keys.deleted_at is null and key_secrets.hash = any("
        ));
        out.push_bind_param::<Array<Binary>, _>(&self.0)?;
        out.push_sql(")");
        Ok(())
    }
}

/// The key with this public key.
pub fn key_by_public_key(
    conn: &mut PgConnection,
    public_key: &str,
    interned: &Interned,
) -> AppResult<Option<Told<KeyFacts>>> {
    const QUERY: &str = key!(
        "null::bigint as secret_id, null::timestamptz as secret_ends_at, false as secret_has_ended",
        "where keys.deleted_at is null and keys.public_key = $1"
    );
    let found: Option<KeyRow> =
        diesel::sql_query(QUERY).bind::<Text, _>(public_key).get_result(conn).optional()?;
    Ok(found.map(|row| row.told(interned)))
}

/// Everything that can be granted, in the order in which it is shown, and every environment.
pub fn catalogue(conn: &mut PgConnection) -> AppResult<Told<Catalogue>> {
    let rows: Vec<(i64, i64, String, bool)> = permissions::table
        .inner_join(sections::table)
        .order((sections::position, sections::id, permissions::position, permissions::id))
        .select((
            permissions::id,
            permissions::section_id,
            permissions::slug,
            permissions::publishable,
        ))
        .load(conn)?;
    let permissions = rows.into_iter().map(|(id, section_id, slug, publishable)| Permission {
        id,
        section_id,
        slug: slug.into(),
        publishable,
    });
    let environments: Vec<(i64, String)> =
        environments::table.select((environments::id, environments::slug)).load(conn)?;
    let environments = environments.into_iter().map(|(id, slug)| (id, slug.into()));
    Ok(Told {
        facts: Catalogue::new(permissions.collect(), environments.collect()),
        public_id: String::new(),
        name: String::new(),
    })
}

/// The application with this App Secret, unless it is archived.
pub fn application_by_secret(
    conn: &mut PgConnection,
    hash: &SecretHash,
) -> AppResult<Option<Told<ApplicationFacts>>> {
    let found: Option<(i64, String, String)> = applications::table
        .filter(applications::secret_hash.eq(hash.as_bytes()))
        .filter(applications::archived_at.is_null())
        .select((applications::id, applications::app_id, applications::name))
        .first(conn)
        .optional()?;
    Ok(found.map(|(id, app_id, name)| Told {
        facts: ApplicationFacts { id },
        public_id: app_id,
        name,
    }))
}

/// The gateway with this token, unless it was revoked.
pub fn gateway_by_token(
    conn: &mut PgConnection,
    hash: &SecretHash,
) -> AppResult<Option<Told<GatewayFacts>>> {
    let found: Option<(i64, i64, String)> = gateways::table
        .inner_join(environments::table)
        .filter(gateways::token_hash.eq(hash.as_bytes()))
        .filter(gateways::revoked_at.is_null())
        .select((gateways::id, environments::id, environments::slug))
        .first(conn)
        .optional()?;
    Ok(found.map(|(id, environment_id, environment)| Told {
        facts: GatewayFacts { id, environment_id, ..GatewayFacts::default() },
        public_id: environment,
        name: String::new(),
    }))
}

/// Asks everything once, for nobody: what a connection has to prepare, it prepares now.
pub fn rehearse(conn: &mut PgConnection, interned: &Interned) -> AppResult<()> {
    let nobody = SecretHash::of("");
    keys_by_secret(conn, &[nobody], interned)?;
    key_by_public_key(conn, "", interned)?;
    gateway_by_token(conn, &nobody)?;
    application_by_secret(conn, &nobody)?;
    catalogue(conn)?;
    Ok(())
}

/// When something ends. What has ended by the clock of Postgres has ended here too, also when our clock is slow: nothing
/// that was over comes back to life.
fn by_both_clocks(ends_at: Option<DateTime<Utc>>, has_ended: bool) -> Option<DateTime<Utc>> {
    ends_at.map(|at| if has_ended { at.min(Utc::now()) } else { at })
}

impl KeyRow {
    fn told(self, interned: &Interned) -> Told<KeyFacts> {
        let limits = self.limit_requests.into_iter().zip(self.limit_seconds);
        let limits = limits.filter_map(|(requests, per_seconds)| {
            Some(Limit {
                requests: u32::try_from(requests).ok()?,
                per_seconds: u32::try_from(per_seconds).ok()?,
            })
        });
        let granted = Granted {
            everything: self.all_permissions,
            sections: self.sections.into(),
            permissions: self.permissions.into(),
        };
        let rare = Rare {
            disabled_at: self.disabled_at,
            revoked_at: self.revoked_at,
            replaced: self
                .secret_id
                .zip(by_both_clocks(self.secret_ends_at, self.secret_has_ended)),
            customers: self.customers.into_iter().map(Into::into).collect(),
            allowed_ips: self.allowed_ips.into_iter().map(fold_mapped).collect(),
            excluded_ips: self.excluded_ips.into_iter().map(fold_mapped).collect(),
            allowed_origins: self.allowed_origins.into_iter().map(Into::into).collect(),
        };
        let home = Home {
            application_id: self.application_id,
            app_id: self.app_id.into(),
            environment_id: self.environment_id,
        };
        let facts = KeyFacts::new(
            self.id,
            interned.home(home),
            interned.terms(Terms::new(granted, limits.collect())),
            by_both_clocks(self.expires_at, self.has_expired),
            rare,
        );
        Told { facts, public_id: self.public_key, name: self.name }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn what_has_ended_by_either_clock_has_ended() {
        let now = Utc::now();
        let (past, future) = (now - TimeDelta::minutes(2), now + TimeDelta::minutes(2));
        assert_eq!(by_both_clocks(Some(past), true), Some(past), "and says when");
        assert_eq!(by_both_clocks(Some(past), false), Some(past));
        assert_eq!(by_both_clocks(Some(future), false), Some(future));
        assert!(by_both_clocks(Some(future), true).unwrap() <= Utc::now(), "our clock is slow");
        assert_eq!(by_both_clocks(None, false), None);
    }
}
