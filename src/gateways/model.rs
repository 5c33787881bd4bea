//! What a gateway is.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::{environments::Environment, schema::gateways};

/// What asks us to verify; its environment is the environment of every question it asks.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = gateways, check_for_backend(diesel::pg::Pg))]
pub struct Gateway {
    pub id: i64,
    pub name: String,
    /// How lists show its token: `gw_9fK2…x7Qa`.
    pub masked: String,
    pub created_at: DateTime<Utc>,
    pub revoked_at: Option<DateTime<Utc>>,
    pub last_contact_at: Option<DateTime<Utc>>,
    #[diesel(embed)]
    pub environment: Environment,
}

impl Gateway {
    /// How the audit trail calls it.
    pub fn subject(&self) -> String {
        format!("gateway:{}", self.id)
    }
}
