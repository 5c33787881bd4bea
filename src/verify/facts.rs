//! What is known about whoever presents a credential: facts, never verdicts. Facts change only when somebody changes
//! them, and then they are forgotten; a verdict also depends on the clock and on the question.

use std::{
    hash::{Hash, Hasher},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use chrono::{DateTime, Utc};
use ipnet::IpNet;
use parking_lot::Mutex;

use super::{
    catalogue::{Granted, Listed},
    entry::Entry,
};
use crate::{limits::Limit, metrics::Memory, usage::Tally};

/// What a cache needs to know of the facts it keeps.
pub trait Fact: Send + Sync + 'static {
    /// Which memory it is kept in.
    const MEMORY: Memory;

    /// The row's id, under which a change is announced.
    fn id(&self) -> i64;
}

/// A key, as one of its secrets or its public key finds it. Deleted keys are not found. There may be a million of
/// these: what many keys have in common is shared, what few have is kept apart.
#[derive(Debug)]
pub struct KeyFacts {
    pub id: i64,
    pub home: Arc<Home>,
    pub terms: Arc<Terms>,
    /// Microseconds since 1970, as Postgres has them.
    expires_at: i64,
    rare: Option<Box<Rare>>,
    /// How often it was accepted, until that is written.
    pub tally: Tally,
}

/// Where a key belongs.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Home {
    pub application_id: i64,
    pub app_id: Box<str>,
    pub environment_id: i64,
}

/// What a key may do, and how often.
#[derive(Debug)]
pub struct Terms {
    pub granted: Granted,
    /// The shortest window first.
    pub limits: Box<[Limit]>,
    /// Its permissions as they were last listed in an answer.
    pub(super) listed: Mutex<Option<Arc<Listed>>>,
}

/// What most keys have nothing of.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rare {
    pub disabled_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    /// The presented secret, if a regeneration replaced it, and when it ends or ended.
    pub replaced: Option<(i64, DateTime<Utc>)>,
    /// The platform's ids of the customers it is restricted to; empty: any.
    pub customers: Vec<Box<str>>,
    /// Empty: from anywhere.
    pub allowed_ips: Vec<IpNet>,
    /// Never from there.
    pub excluded_ips: Vec<IpNet>,
    /// Web origins from which the public key alone is accepted; empty: from any, and without one.
    pub allowed_origins: Vec<Box<str>>,
}

static NOTHING: Rare = Rare {
    disabled_at: None,
    revoked_at: None,
    replaced: None,
    customers: Vec::new(),
    allowed_ips: Vec::new(),
    excluded_ips: Vec::new(),
    allowed_origins: Vec::new(),
};

/// An application, as its App Secret finds it. Archived ones are not found.
#[derive(Debug, Clone)]
pub struct ApplicationFacts {
    pub id: i64,
}

/// A gateway, as its token finds it. Revoked ones are not found.
#[derive(Debug, Default)]
pub struct GatewayFacts {
    pub id: i64,
    pub environment_id: i64,
    /// The second in which it was last noted that it asked.
    pub noted_at: AtomicI64,
}

impl KeyFacts {
    pub fn new(
        id: i64,
        home: Arc<Home>,
        terms: Arc<Terms>,
        expires_at: Option<DateTime<Utc>>,
        rare: Rare,
    ) -> Self {
        let expires_at = expires_at.map_or(i64::MAX, |at| at.timestamp_micros());
        let rare = (rare != NOTHING).then(|| Box::new(rare));
        Self { id, home, terms, expires_at, rare, tally: Tally::default() }
    }

    pub fn expires_at(&self) -> Option<DateTime<Utc>> {
        match self.expires_at {
            i64::MAX => None,
            at => DateTime::from_timestamp_micros(at),
        }
    }

    /// What it has that most keys have not.
    pub fn rare(&self) -> &Rare {
        self.rare.as_deref().unwrap_or(&NOTHING)
    }
}

impl Terms {
    pub fn new(granted: Granted, limits: Box<[Limit]>) -> Self {
        Self { granted, limits, listed: Mutex::default() }
    }

    fn windows(&self) -> impl Iterator<Item = (u32, u32)> {
        self.limits.iter().map(|limit| (limit.requests, limit.per_seconds))
    }
}

impl PartialEq for Terms {
    fn eq(&self, other: &Self) -> bool {
        self.granted == other.granted && self.limits == other.limits
    }
}

impl Eq for Terms {}

impl Hash for Terms {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.granted.hash(state);
        self.windows().for_each(|window| window.hash(state));
    }
}

impl GatewayFacts {
    /// Whether this is the first time in this second that it asks.
    pub fn is_first_in_second(&self, second: i64) -> bool {
        self.noted_at.load(Ordering::Relaxed) < second
            && self.noted_at.fetch_max(second, Ordering::Relaxed) < second
    }
}

impl Entry<KeyFacts> {
    pub fn public_key(&self) -> &str {
        self.public_id()
    }
}

impl Entry<GatewayFacts> {
    /// Its environment's slug.
    pub fn environment(&self) -> &str {
        self.public_id()
    }
}

impl Fact for KeyFacts {
    const MEMORY: Memory = Memory::Keys;

    fn id(&self) -> i64 {
        self.id
    }
}

impl Fact for ApplicationFacts {
    const MEMORY: Memory = Memory::Applications;

    fn id(&self) -> i64 {
        self.id
    }
}

impl Fact for GatewayFacts {
    const MEMORY: Memory = Memory::Gateways;

    fn id(&self) -> i64 {
        self.id
    }
}
