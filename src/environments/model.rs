//! What an environment is.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::schema::environments;

/// A class of environments: the switch at the top of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// For real.
    Live,
    /// Nothing that matters can happen.
    Test,
}

impl Mode {
    /// Both, in the order of the switch.
    pub const ALL: [Self; 2] = [Self::Live, Self::Test];

    /// As stored and as addresses spell it.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }

    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Live => "Live",
            Self::Test => "Test",
        }
    }

    /// The one that is not this.
    pub fn other(self) -> Self {
        match self {
            Self::Live => Self::Test,
            Self::Test => Self::Live,
        }
    }

    /// The mode of that slug.
    pub fn parse(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.slug() == slug)
    }
}

impl TryFrom<String> for Mode {
    type Error = String;

    fn try_from(slug: String) -> Result<Self, String> {
        Self::parse(&slug).ok_or_else(|| format!("{slug} is not a mode"))
    }
}

/// An environment. A key of one is never accepted in another.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = environments, check_for_backend(diesel::pg::Pg))]
pub struct Environment {
    pub id: i64,
    pub slug: String,
    pub name: String,
    /// Begins every key of this environment: `prod` in `prod_sk_…`.
    pub prefix: String,
    #[diesel(deserialize_as = String)]
    pub mode: Mode,
    /// Takes no new keys or gateways from then on.
    pub retired_at: Option<DateTime<Utc>>,
    /// The policy: a key expires at most so many days after it is made or edited.
    pub longest_days: Option<i32>,
    /// The policy: a key may be made that never expires.
    pub allows_never: bool,
}

impl Environment {
    /// How the audit trail calls it.
    pub fn subject(&self) -> String {
        format!("environment:{}", self.slug)
    }

    pub fn is_retired(&self) -> bool {
        self.retired_at.is_some()
    }

    /// The policy, in a few words.
    pub fn policy(&self) -> String {
        match (self.longest_days, self.allows_never) {
            (Some(1), _) => "At most 1 day".into(),
            (Some(days), _) => format!("At most {days} days"),
            (None, true) => "Any lifetime, also never".into(),
            (None, false) => "Any lifetime, but an end".into(),
        }
    }
}

/// An environment about to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEnvironment {
    pub slug: String,
    pub name: String,
    pub prefix: String,
    pub mode: Mode,
    pub longest_days: Option<i32>,
    pub allows_never: bool,
}
