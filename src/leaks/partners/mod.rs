//! Leak partners: secret scanners that may report what they find, and what their reports do.

mod commands;
mod forms;
mod queries;
mod routes;
mod views;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

pub use commands::has_reported;
pub use queries::find_by_key_id;
pub use routes::routes;

use super::signature::PublicKey;
use crate::{
    schema::leak_partners,
    users::{Origin, Viewer},
};

/// What a partner's reports do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// They are shown; people decide.
    Notify,
    /// They end keys whose secret works.
    Revoke,
}

impl Policy {
    /// Both, for forms.
    pub const ALL: [Self; 2] = [Self::Notify, Self::Revoke];

    /// As stored and as forms spell it.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Notify => "notify",
            Self::Revoke => "revoke",
        }
    }

    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Notify => "Notify",
            Self::Revoke => "Revoke",
        }
    }

    /// What that means.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Notify => "The key’s page and Leak triage show the report. People decide.",
            Self::Revoke => {
                "A key whose current secret was found is revoked at once, for good. A replaced secret that still works is stopped."
            }
        }
    }

    /// The policy of that slug.
    pub fn parse(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.slug() == slug)
    }
}

impl TryFrom<String> for Policy {
    type Error = String;

    fn try_from(slug: String) -> Result<Self, String> {
        Self::parse(&slug).ok_or_else(|| format!("{slug} is not a policy"))
    }
}

impl TryFrom<Vec<u8>> for PublicKey {
    type Error = String;

    fn try_from(stored: Vec<u8>) -> Result<Self, String> {
        Self::stored(&stored).ok_or_else(|| "a stored public key is no point".to_owned())
    }
}

/// A partner that may report.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = leak_partners, check_for_backend(diesel::pg::Pg))]
pub struct Partner {
    pub id: i64,
    pub name: String,
    /// How its requests name the key they are signed with.
    pub key_id: String,
    #[diesel(deserialize_as = Vec<u8>, column_name = public_key)]
    pub key: PublicKey,
    #[diesel(deserialize_as = String)]
    pub policy: Policy,
    pub created_at: DateTime<Utc>,
    pub last_report_at: Option<DateTime<Utc>>,
}

impl Partner {
    /// How the audit trail calls it.
    pub fn subject(&self) -> String {
        format!("leak_partner:{}", self.id)
    }

    /// The partner as somebody who does something to a key.
    pub fn acting(&self, origin: Origin) -> Viewer {
        Viewer { name: format!("{} (leak partner)", self.name), origin, ..Viewer::operator() }
    }
}
