//! What the keys of a large installation look like.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use rand::{Rng, RngExt, seq::IndexedRandom};

use super::secrets::{Line, Lines};
use crate::{
    credentials::{self, Secret},
    environments::Environment,
    schema::{key_limits, key_permissions, key_secrets, key_sections, keys},
    scopes::Section,
    text,
};

const COMPANIES: [&str; 40] = [
    "Northwind",
    "Harbor Coffee",
    "Blue Fjord",
    "Larkspur",
    "Granite & Pine",
    "Odette",
    "Tessera",
    "Kestrel Outdoor",
    "Maple Row",
    "Saltbox",
    "Verano",
    "Quayside",
    "Ironleaf",
    "Sunfield",
    "Copper Lane",
    "Halcyon",
    "Juniper",
    "Redwood Supply",
    "Fable & Finch",
    "Atlas Freight",
    "Birchwood",
    "Cobalt Cycles",
    "Drift",
    "Ember",
    "Foxglove",
    "Gatehouse",
    "Hearth",
    "Inkwell",
    "Kite & Co",
    "Lumen",
    "Meridian",
    "Nimbus",
    "Orchard Street",
    "Pebble",
    "Quill",
    "Rivet",
    "Sable",
    "Thistle",
    "Umbra",
    "Windmill",
];
const PURPOSES: [&str; 30] = [
    "order sync",
    "stock feed",
    "storefront",
    "mobile app",
    "nightly export",
    "reporting dashboard",
    "returns desk",
    "price updater",
    "warehouse scanner",
    "marketing site",
    "partner portal",
    "invoice import",
    "shipping labels",
    "seller onboarding",
    "payout check",
    "search index",
    "support console",
    "loyalty cards",
    "email campaigns",
    "fraud review",
    "tax export",
    "data lake",
    "point of sale",
    "kiosk",
    "smoke tests",
    "staging",
    "CI",
    "load test",
    "analytics",
    "webhook relay",
];
const REASONS: [&str; 4] = [
    "Replaced by a new key",
    "Found in a public repository",
    "The integration is gone",
    "The partner left",
];
const LIMITS: [(i32, i32); 7] =
    [(5, 1), (10, 1), (100, 1), (60, 60), (600, 60), (5_000, 3_600), (100_000, 86_400)];

/// What there is to choose from.
pub struct World {
    pub now: DateTime<Utc>,
    pub applications: Vec<i64>,
    pub environments: Vec<Environment>,
    pub owners: Vec<i64>,
    pub catalogue: Vec<Section>,
    /// No key is revoked, expired or disabled, and few are limited; their secrets are told.
    pub all_work: bool,
}

/// Rows as COPY takes them.
#[derive(Default)]
pub struct Batch {
    pub keys: Vec<KeyRow>,
    pub secrets: Vec<SecretRow>,
    pub sections: Vec<SectionRow>,
    pub permissions: Vec<PermissionRow>,
    pub limits: Vec<LimitRow>,
    pub lines: Lines,
}

#[derive(Insertable)]
#[diesel(table_name = keys, treat_none_as_default_value = false)]
pub struct KeyRow {
    id: i64,
    public_key: String,
    name: String,
    name_skeleton: String,
    application_id: i64,
    environment_id: i64,
    owner_id: Option<i64>,
    all_permissions: bool,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    disabled_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    revoke_reason: Option<&'static str>,
    last_used_at: Option<DateTime<Utc>>,
}

#[derive(Insertable)]
#[diesel(table_name = key_secrets, treat_none_as_default_value = false)]
pub struct SecretRow {
    key_id: i64,
    hash: Vec<u8>,
    masked: String,
    created_at: DateTime<Utc>,
}

#[derive(Insertable)]
#[diesel(table_name = key_sections, treat_none_as_default_value = false)]
pub struct SectionRow {
    key_id: i64,
    section_id: i64,
}

#[derive(Insertable)]
#[diesel(table_name = key_permissions, treat_none_as_default_value = false)]
pub struct PermissionRow {
    key_id: i64,
    permission_id: i64,
}

#[derive(Insertable)]
#[diesel(table_name = key_limits, treat_none_as_default_value = false)]
pub struct LimitRow {
    key_id: i64,
    per_seconds: i32,
    requests: i32,
}

impl World {
    /// A key for each id. Ids are in the names, so that no two names look alike.
    pub fn make(&self, ids: &[i64]) -> Batch {
        let rng = &mut rand::rng();
        let mut batch = Batch::default();
        if self.all_work {
            batch.lines = Lines::with_room_for(ids.len());
        }
        for &id in ids {
            self.make_one(rng, id, &mut batch);
        }
        batch
    }

    fn make_one(&self, rng: &mut impl Rng, id: i64, batch: &mut Batch) {
        let environment = &self.environments[skewed(rng, self.environments.len())];
        let secret = Secret::for_key(&environment.prefix);
        let company = COMPANIES[rng.random_range(0..COMPANIES.len())];
        let purpose = PURPOSES[rng.random_range(0..PURPOSES.len())];
        let name = format!("{company} {purpose} {id}");
        // Recent ones are more frequent.
        let age = TimeDelta::seconds((rng.random::<f64>().powi(2) * 730.0 * 86_400.0) as i64);
        let created_at = self.now - age;
        let since = |rng: &mut _| self.now - age.mul_f(random_part(rng));
        let lives = rng.random_range(0..100);
        let expires_at = match lives {
            0..8 if !self.all_work => Some(since(rng)),
            0..25 => None,
            _ => Some(self.now + TimeDelta::hours(rng.random_range(1..365 * 24))),
        };
        let is_revoked = rng.random_range(0..100) < 7 && !self.all_work;
        let is_disabled = rng.random_range(0..100) < 6 && !self.all_work;
        let is_unused = rng.random_range(0..100) < 18;
        let last_used = age.mul_f(random_part(rng).powi(4));
        let all_permissions = rng.random_range(0..100) < 4;
        let public_key = credentials::public_key(&environment.prefix);
        let permissions = if all_permissions { Held::Everything } else { self.choose(rng) };
        let is_limited = rng.random_range(0..100) < if self.all_work { 10 } else { 70 };
        let limit = is_limited.then(|| LIMITS[rng.random_range(0..LIMITS.len())]);

        if self.all_work {
            batch.lines.add(&Line {
                secret: &secret,
                public_key: &public_key,
                environment: &environment.slug,
                limit,
                scopes: &self.spell(&permissions),
            });
        }
        batch.keys.push(KeyRow {
            id,
            public_key,
            name_skeleton: text::look(&name),
            name,
            application_id: self.applications[skewed(rng, self.applications.len())],
            environment_id: environment.id,
            owner_id: self.owners.choose(rng).copied(),
            all_permissions,
            created_at,
            expires_at,
            disabled_at: is_disabled.then(|| since(rng)),
            revoked_at: is_revoked.then(|| since(rng)),
            revoke_reason: REASONS.choose(rng).copied().filter(|_| is_revoked),
            last_used_at: Some(self.now - last_used).filter(|_| !is_unused),
        });
        batch.secrets.push(SecretRow {
            key_id: id,
            hash: secret.hash().as_bytes().to_vec(),
            masked: secret.masked(),
            created_at,
        });
        match permissions {
            Held::Everything | Held::Nothing => {}
            Held::Section(section_id) => {
                batch.sections.push(SectionRow { key_id: id, section_id });
            }
            Held::Some(chosen) => batch.permissions.extend(
                chosen.into_iter().map(|permission_id| PermissionRow { key_id: id, permission_id }),
            ),
        }
        batch.limits.extend(limit.map(|(requests, per_seconds)| LimitRow {
            key_id: id,
            per_seconds,
            requests,
        }));
    }

    /// A whole section, or one to three permissions.
    fn choose(&self, rng: &mut impl Rng) -> Held {
        let Some(section) = self.catalogue.choose(rng) else { return Held::Nothing };
        if rng.random_range(0..100) < 25 {
            return Held::Section(section.id);
        }
        let first = section.permissions.choose(rng).map(|permission| permission.id);
        let others = (0..skewed(rng, 3))
            .filter_map(|_| Some(self.catalogue.choose(rng)?.permissions.choose(rng)?.id));
        let mut chosen: Vec<i64> = first.into_iter().chain(others).collect();
        chosen.sort_unstable();
        chosen.dedup();
        Held::Some(chosen)
    }

    /// What a key may do, as gateways ask for it.
    fn spell(&self, held: &Held) -> Vec<&str> {
        self.catalogue
            .iter()
            .flat_map(|section| &section.permissions)
            .filter(|permission| match held {
                Held::Everything => true,
                Held::Section(id) => permission.section_id == *id,
                Held::Some(chosen) => chosen.contains(&permission.id),
                Held::Nothing => false,
            })
            .map(|permission| &*permission.slug)
            .collect()
    }
}

/// What a key holds of the catalogue.
enum Held {
    Everything,
    Section(i64),
    Some(Vec<i64>),
    Nothing,
}

/// A place in a list, the earlier the likelier.
fn skewed(rng: &mut impl Rng, length: usize) -> usize {
    (rng.random::<f64>().powi(2) * length as f64) as usize
}

fn random_part(rng: &mut impl Rng) -> f64 {
    rng.random()
}

trait Part {
    fn mul_f(self, part: f64) -> Self;
}

impl Part for TimeDelta {
    fn mul_f(self, part: f64) -> Self {
        Self::seconds((self.num_seconds() as f64 * part) as i64)
    }
}
