//! What is known of a customer.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::{schema::customers, text};

/// A customer of the platform. A key can be restricted to some of them.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = customers, check_for_backend(diesel::pg::Pg))]
pub struct Customer {
    pub id: i64,
    /// The platform's own id of its customer.
    pub external_id: String,
    pub created_at: DateTime<Utc>,
    /// What people call them; may be empty.
    pub name: String,
}

impl Customer {
    /// The address of its page. The platform's id may hold anything, so the address has a number of ours.
    pub fn address(&self) -> String {
        format!("/customers/{}", self.id)
    }

    /// What to call them: the name, or else the id.
    pub fn called(&self) -> &str {
        if self.name.is_empty() { &self.external_id } else { &self.name }
    }

    /// How the audit trail calls a customer.
    pub fn subject(&self) -> String {
        format!("customer:{}", self.id)
    }
}

/// An id as the platform spells it. Unlike a name it is compared byte by byte, so only outer blanks are removed.
///
/// # Errors
/// The sentence for the field.
pub fn parse_external_id(typed: &str) -> Result<&str, String> {
    let id = typed.trim();
    if id.is_empty() || id.chars().count() > 255 {
        return Err("Customer must be 1-255 characters.".into());
    }
    if !text::is_showable(id) {
        return Err("Customer contains characters that cannot be shown.".into());
    }
    Ok(id)
}

/// What people call a customer, tidied; nothing at all is fine too.
///
/// # Errors
/// The sentence for the field.
pub fn parse_name(typed: &str) -> Result<String, String> {
    if typed.trim().is_empty() {
        return Ok(String::new());
    }
    text::parse_name("Name", typed, 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_kept_as_the_platform_spells_it() {
        assert_eq!(parse_external_id(" cus_42 "), Ok("cus_42"));
        assert_eq!(parse_external_id("CUS e\u{301}"), Ok("CUS e\u{301}"));
        assert!(parse_external_id("  ").is_err());
        assert!(parse_external_id("cus\u{0}").is_err());
        assert!(parse_external_id(&"x".repeat(256)).is_err());
        assert!(parse_external_id(&"x".repeat(255)).is_ok());
    }
}
