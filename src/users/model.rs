//! A person, as lists show them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::Role;
use crate::{schema::users, text};

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
pub struct User {
    pub id: i64,
    /// As addresses are compared: NFKC, lower case, trimmed.
    pub email: String,
    pub name: String,
    #[diesel(deserialize_as = String)]
    pub role: Role,
    pub created_at: DateTime<Utc>,
    /// Goes up when password or role change, and when sessions are ended: one begun under another stamp is over.
    pub session_stamp: i32,
    /// May not sign in from then on.
    pub disabled_at: Option<DateTime<Utc>>,
}

impl User {
    /// How the audit trail calls a person.
    pub fn subject(&self) -> String {
        format!("user:{}", self.id)
    }
}

impl TryFrom<String> for Role {
    type Error = String;

    fn try_from(slug: String) -> Result<Self, String> {
        Self::parse(&slug).ok_or_else(|| format!("{slug} is not a role"))
    }
}

/// Somebody to add.
#[derive(Debug, Clone)]
pub struct NewUser {
    pub email: String,
    pub name: String,
    pub role: Role,
    /// Administrators have API access anyway.
    pub api_access: bool,
}

/// A person on the Team page.
#[derive(Debug, Clone)]
pub struct Member {
    pub user: User,
    /// Whether the person has chosen a password yet.
    pub has_password: bool,
    /// The one-time link that waits for them, or waited until it expired.
    pub link: Option<OpenLink>,
    /// The grant that is in force; administrators need none.
    pub api_access: Option<ApiAccess>,
    /// How the last grant ended, when none is in force.
    pub withdrawal: Option<Withdrawal>,
}

impl Member {
    /// Whether API Keys exist for this person.
    pub fn has_api_access(&self) -> bool {
        self.user.role == Role::Administrator || self.api_access.is_some()
    }
}

/// A one-time link that nobody has used.
#[derive(Debug, Clone, Copy)]
pub struct OpenLink {
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

impl OpenLink {
    pub fn has_expired(&self) -> bool {
        self.expires_at <= Utc::now()
    }
}

/// API access that was granted.
#[derive(Debug, Clone)]
pub struct ApiAccess {
    pub granted_at: DateTime<Utc>,
    /// `None` when the operator did, or somebody who is gone.
    pub granted_by: Option<String>,
    /// Whether it covers less than everything.
    pub is_limited: bool,
}

/// API access that was taken back.
#[derive(Debug, Clone)]
pub struct Withdrawal {
    pub withdrawn_at: DateTime<Utc>,
    /// `None` when the operator did, or somebody who is gone.
    pub withdrawn_by: Option<String>,
}

/// An e-mail address, folded as addresses are compared.
///
/// # Errors
/// The sentence for the field.
pub fn parse_email(typed: &str) -> Result<String, String> {
    let email = text::fold_email(typed);
    let fine = email.len() <= 254
        && text::is_showable(&email)
        && !email.contains(char::is_whitespace)
        && email.split_once('@').is_some_and(|(local, host)| {
            !local.is_empty() && !host.is_empty() && !host.contains('@')
        });
    if fine { Ok(email) } else { Err("E-mail must be an address such as kim@example.com.".into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_compared_without_regard_to_case() {
        assert_eq!(parse_email(" Kim@Example.COM "), Ok("kim@example.com".into()));
    }

    #[test]
    fn an_address_has_one_at_and_no_blanks() {
        for typed in [
            "",
            "kim",
            "@example.com",
            "kim@",
            "kim@@example.com",
            "kim@lee@example.com",
            "kim lee@example.com",
            "kim@example.com\nBcc: x",
            "kim\u{0}@example.com",
            "kim\u{202e}@example.com",
            &format!("{}@example.com", "x".repeat(250)),
        ] {
            assert!(parse_email(typed).is_err(), "{typed:?}");
        }
    }
}
