//! The chain: what is hashed of an event, and where the chain ends.
//!
//! The hash of an event is the SHA-256 of 32 bytes, the hash of the event before it (zeros before the first), and this
//! JSON array in UTF-8, as Postgres writes it, with a blank after each comma:
//!
//! ```text
//! ["latchkey-audit-1", number, microseconds since 1970, actor_id, actor, ip, request_id, action, subject, subject_name, details]
//! ```
//!
//! `ip` has its prefix (`203.0.113.9/32`), `details` is the text of the `jsonb`, what is absent is `null`. Postgres
//! writes it (`audit_encoding` in the migrations); it is worked out here a second time, so that a Postgres that was
//! taught to lie about it is found out too.

use std::fmt;

use chrono::{DateTime, Utc};
use diesel::{
    PgConnection,
    prelude::*,
    sql_query,
    sql_types::{BigInt, Binary, Nullable, Text, Timestamptz},
};
use sha2::{Digest, Sha256};

use crate::{error::AppResult, schema::audit_events};

/// What ties an event to all before it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash([u8; 32]);

impl Hash {
    /// Before the first event.
    pub const NONE: Self = Self([0; 32]);

    /// 64 hexadecimal digits.
    pub fn parse(typed: &str) -> Option<Self> {
        Self::from_bytes(&hex::decode(typed.trim()).ok()?)
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The last event: whoever has written down its hash elsewhere knows whether anything up to it was changed.
#[derive(Debug, Clone)]
pub struct Head {
    pub number: i64,
    pub at: DateTime<Utc>,
    pub hash: Hash,
}

/// Where the chain ends; `None` before anything happened.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn head(conn: &mut PgConnection) -> AppResult<Option<Head>> {
    let last: Option<(i64, DateTime<Utc>, Vec<u8>)> = audit_events::table
        .order(audit_events::id.desc())
        .select((audit_events::id, audit_events::at, audit_events::hash))
        .first(conn)
        .optional()?;
    Ok(last
        .and_then(|(number, at, hash)| Some(Head { number, at, hash: Hash::from_bytes(&hash)? })))
}

/// An event with all that is hashed, as Postgres has it.
#[derive(Debug, Clone, QueryableByName)]
pub struct Link {
    #[diesel(sql_type = BigInt)]
    pub number: i64,
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
    #[diesel(sql_type = BigInt)]
    micros: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    actor_id: Option<i64>,
    #[diesel(sql_type = Text)]
    pub actor: String,
    #[diesel(sql_type = Nullable<Text>)]
    ip: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    request_id: Option<String>,
    #[diesel(sql_type = Text)]
    pub action: String,
    #[diesel(sql_type = Text)]
    pub subject: String,
    #[diesel(sql_type = Text)]
    subject_name: String,
    #[diesel(sql_type = Text)]
    details: String,
    #[diesel(sql_type = Binary)]
    previous_hash: Vec<u8>,
    #[diesel(sql_type = Binary)]
    hash: Vec<u8>,
}

impl Link {
    /// The hash it says the event before it has.
    pub(super) fn says_before(&self) -> Hash {
        Hash::from_bytes(&self.previous_hash).unwrap_or(Hash::NONE)
    }

    /// The hash it has.
    pub(super) fn says(&self) -> Hash {
        Hash::from_bytes(&self.hash).unwrap_or(Hash::NONE)
    }

    /// The hash it ought to have after an event of that hash.
    pub(super) fn ought_to_be(&self, before: Hash) -> Hash {
        let mut sha = Sha256::new();
        sha.update(before.0);
        sha.update(self.encoding().as_bytes());
        Hash(sha.finalize().into())
    }

    fn encoding(&self) -> String {
        let text = |text: &str| serde_json::Value::from(text).to_string();
        let or_null = |value: Option<String>| value.unwrap_or_else(|| "null".into());
        let fields = [
            text("latchkey-audit-1"),
            self.number.to_string(),
            self.micros.to_string(),
            or_null(self.actor_id.map(|id| id.to_string())),
            text(&self.actor),
            or_null(self.ip.as_deref().map(text)),
            or_null(self.request_id.as_deref().map(text)),
            text(&self.action),
            text(&self.subject),
            text(&self.subject_name),
            self.details.clone(),
        ];
        format!("[{}]", fields.join(", "))
    }
}

/// The next events after that number, at most so many.
pub(super) fn links_after(
    conn: &mut PgConnection,
    number: i64,
    at_most: i64,
) -> AppResult<Vec<Link>> {
    Ok(sql_query(
        "select id as number, at, (extract(epoch from at) * 1000000)::bigint as micros, actor_id, actor, \
         ip::text as ip, request_id::text as request_id, action, subject, subject_name, details::text as details, \
         previous_hash, hash from audit_events where id > $1 order by id limit $2",
    )
    .bind::<BigInt, _>(number)
    .bind::<BigInt, _>(at_most)
    .load(conn)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_hashed_as_anybody_can_work_it_out() {
        let link = Link {
            number: 2,
            at: DateTime::UNIX_EPOCH,
            micros: 1_795_943_879_998_278,
            actor_id: None,
            actor: "Kim \"K\" Söder".into(),
            ip: Some("203.0.113.9/32".into()),
            request_id: None,
            action: "key.revoked".into(),
            subject: "prod_pk_x".into(),
            subject_name: "a\u{1f}\u{7f}\u{8}\u{c}\n\\/".into(),
            details: r#"{"name": ["a", "b"]}"#.into(),
            previous_hash: vec![0; 32],
            hash: vec![0; 32],
        };
        assert_eq!(
            link.encoding(),
            "[\"latchkey-audit-1\", 2, 1795943879998278, null, \"Kim \\\"K\\\" Söder\", \"203.0.113.9/32\", null, \"key.revoked\", \"prod_pk_x\", \"a\\u001f\u{7f}\\b\\f\\n\\\\/\", {\"name\": [\"a\", \"b\"]}]"
        );
        assert_ne!(link.ought_to_be(Hash::NONE), link.ought_to_be(Hash([1; 32])));
    }

    #[test]
    fn a_hash_is_64_digits() {
        let digits = "0f".repeat(32);
        assert_eq!(Hash::parse(&format!(" {digits}\n")).unwrap().to_string(), digits);
        assert_eq!(Hash::parse(&digits.to_uppercase()).unwrap().to_string(), digits);
        for wrong in ["", "0f", &"0g".repeat(32), &"0f".repeat(33)] {
            assert_eq!(Hash::parse(wrong), None, "{wrong}");
        }
    }
}
