//! Sections and permissions.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{credentials::Presented, schema::permissions, text};

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
    /// Not granted any more from then on; keys that hold it keep it.
    pub retired_at: Option<DateTime<Utc>>,
}

impl Permission {
    /// How the audit trail calls it.
    pub fn subject(&self) -> String {
        format!("permission:{}", self.slug)
    }
}

/// A group of permissions that can be granted whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    pub id: i64,
    pub slug: String,
    pub name: String,
    /// Not granted any more from then on, nor anything in it; keys that hold it keep it.
    pub retired_at: Option<DateTime<Utc>>,
    pub permissions: Vec<Permission>,
}

impl Section {
    /// How the audit trail calls it.
    pub fn subject(&self) -> String {
        format!("section:{}", self.slug)
    }

    pub fn is_retired(&self) -> bool {
        self.retired_at.is_some()
    }

    /// Whether that permission of this section is granted to nobody any more.
    pub fn has_retired(&self, permission: &Permission) -> bool {
        self.is_retired() || permission.retired_at.is_some()
    }
}

/// A slug as platforms spell them: letters, digits and `_ : . -`.
///
/// # Errors
/// The sentence for the field.
pub fn parse_slug(typed: &str) -> Result<String, String> {
    let fits = (1..=100).contains(&typed.len())
        && typed
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'.' | b'-'));
    if !fits {
        return Err("Slug must be 1-100 letters, digits or any of _ : . -, without blanks, such as orders:read.".into());
    }
    if Presented::looks_secret(typed) {
        return Err(
            "This is a credential, and a slug is shown to everybody. Choose another.".into()
        );
    }
    Ok(typed.to_owned())
}

/// What a permission allows, in a sentence; may be empty.
///
/// # Errors
/// The sentence for the field.
pub fn parse_description(typed: &str) -> Result<String, String> {
    if text::tidy(typed).is_empty() {
        return Ok(String::new());
    }
    text::parse_name("Description", typed, 300)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_spelled_as_platforms_spell_them() {
        for slug in ["affiliates:read", "member_write", "license-management", "v1.Orders", "x"] {
            assert_eq!(parse_slug(slug), Ok(slug.to_owned()));
        }
        let secret = crate::credentials::Secret::for_key("prod");
        for slug in [
            "",
            " ",
            "two words",
            "\"",
            "a\\b",
            "a*",
            "größe",
            "a,b",
            secret.reveal(),
            &"x".repeat(101),
        ] {
            assert!(parse_slug(slug).is_err(), "{slug}");
        }
    }
}
