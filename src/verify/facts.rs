//! What is known about whoever presents a credential: facts, never verdicts. Facts change only when somebody changes
//! them, and then they are forgotten; a verdict also depends on the clock and on the question.

use chrono::{DateTime, Utc};
use ipnet::IpNet;

use crate::{limits::Limit, metrics::Memory};

/// What a cache needs to know of the facts it keeps.
pub trait Fact: Send + Sync + 'static {
    /// Which memory it is kept in.
    const MEMORY: Memory;

    /// The row's id, under which a change is announced.
    fn id(&self) -> i64;
}

/// A key, as one of its secrets or its public key finds it. Deleted keys are not found.
#[derive(Debug, Clone)]
pub struct KeyFacts {
    pub id: i64,
    pub public_key: Box<str>,
    pub name: Box<str>,
    pub app_id: Box<str>,
    pub environment_id: i64,
    /// Its slug.
    pub environment: Box<str>,
    pub expires_at: Option<DateTime<Utc>>,
    pub disabled_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    /// The presented secret; `None` when found by its public key.
    pub secret_id: Option<i64>,
    /// When the presented secret ends or ended, if a regeneration replaced it.
    pub secret_ends_at: Option<DateTime<Utc>>,
    /// In the catalogue's order.
    pub scopes: Box<[Scope]>,
    /// The platform's ids of the customers it is restricted to; empty: any.
    pub customers: Box<[Box<str>]>,
    /// Empty: from anywhere.
    pub allowed_ips: Box<[IpNet]>,
    /// Never from there.
    pub excluded_ips: Box<[IpNet]>,
    /// Web origins from which the public key alone is accepted; empty: from any, and without one.
    pub allowed_origins: Box<[Box<str>]>,
    /// The shortest window first.
    pub limits: Box<[Limit]>,
}

/// A permission that a key holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    pub slug: Box<str>,
    /// The public key alone may do it.
    pub publishable: bool,
}

/// An application, as its App Secret finds it. Archived ones are not found.
#[derive(Debug, Clone)]
pub struct ApplicationFacts {
    pub id: i64,
    pub app_id: Box<str>,
    pub name: Box<str>,
}

/// A gateway, as its token finds it. Revoked ones are not found.
#[derive(Debug, Clone)]
pub struct GatewayFacts {
    pub id: i64,
    pub environment_id: i64,
    /// Its slug.
    pub environment: Box<str>,
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
