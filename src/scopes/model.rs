//! Sections and permissions.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::schema::permissions;

/// Whether a permission looks or changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Access {
    Read,
    Write,
}

impl Access {
    /// As stored, and as people read it.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Read => "READ",
            Self::Write => "WRITE",
        }
    }
}

impl TryFrom<String> for Access {
    type Error = String;

    fn try_from(slug: String) -> Result<Self, String> {
        match slug.as_str() {
            "READ" => Ok(Self::Read),
            "WRITE" => Ok(Self::Write),
            _ => Err(format!("{slug} is not an access type")),
        }
    }
}

/// One thing a key can be allowed to do.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = permissions, check_for_backend(diesel::pg::Pg))]
pub struct Permission {
    pub id: i64,
    pub section_id: i64,
    pub slug: String,
    pub label: String,
    pub description: String,
    #[diesel(deserialize_as = String)]
    pub access: Access,
    /// Safe in a browser: the public key alone may do this.
    pub publishable: bool,
}

/// A group of permissions that can be granted whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    pub id: i64,
    pub slug: String,
    pub name: String,
    pub permissions: Vec<Permission>,
}
