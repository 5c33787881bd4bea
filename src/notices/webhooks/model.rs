//! A webhook, what is told to it, and each attempt to do so.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use url::Url;

use super::{Secrets, secrets::SigningSecret};
use crate::{
    notices::Kind,
    schema::{webhook_attempts, webhook_deliveries, webhooks},
    text,
};

/// So many bytes of an answer are kept.
pub const LONGEST_ANSWER: u64 = 1024;
/// What a test is called.
pub const TEST: &str = "webhook.test";

/// An address that is told of notices.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = webhooks, check_for_backend(diesel::pg::Pg))]
pub struct Webhook {
    pub id: i64,
    pub url: String,
    pub kinds: Vec<String>,
    nonce: Vec<u8>,
    secret_hash: Vec<u8>,
    pub secret_made_at: DateTime<Utc>,
    old_nonce: Option<Vec<u8>>,
    old_secret_hash: Option<Vec<u8>>,
    pub old_until: Option<DateTime<Utc>>,
    pub disabled_at: Option<DateTime<Utc>>,
    pub disabled_why: Option<String>,
    pub failing_since: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

impl Webhook {
    /// How the audit trail calls it.
    pub fn subject(&self) -> String {
        format!("webhook:{}", self.id)
    }

    /// The host and, unless it is the usual one, port: what it is called. The rest of the address may hold what only
    /// its owner should know.
    pub fn name(&self) -> String {
        name_of(&self.url)
    }

    pub fn is_enabled(&self) -> bool {
        self.disabled_at.is_none()
    }

    pub fn hears_of(&self, kind: Kind) -> bool {
        self.kinds.iter().any(|slug| slug == kind.slug())
    }

    /// The kinds it hears of, in words.
    pub fn kinds_spelled(&self) -> String {
        let heard: Vec<&str> = Kind::ALL
            .iter()
            .filter(|(kind, ..)| self.hears_of(*kind))
            .map(|(.., label)| *label)
            .collect();
        match heard.len() {
            all if all == Kind::ALL.len() => "All notices".into(),
            0 => "Nothing".into(),
            _ => heard.join(", "),
        }
    }

    /// What it is signed with now: the secret, and the one before it while that counts. `None`: the session key was
    /// changed, so that it cannot be told any more.
    pub fn secrets(&self, secrets: &Secrets, now: DateTime<Utc>) -> Option<Vec<SigningSecret>> {
        let mut found = vec![secrets.recall(&self.nonce, &self.secret_hash)?];
        if self.old_until.is_some_and(|until| until > now)
            && let (Some(nonce), Some(hash)) = (&self.old_nonce, &self.old_secret_hash)
        {
            found.extend(secrets.recall(nonce, hash));
        }
        Some(found)
    }
}

/// The host and, unless it is the usual one, port.
pub fn name_of(url: &str) -> String {
    let Ok(url) = Url::parse(url) else { return String::new() };
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// What is to be told, or was.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = webhook_deliveries, check_for_backend(diesel::pg::Pg))]
pub struct Delivery {
    pub id: i64,
    pub webhook_id: i64,
    pub message_id: String,
    pub event: String,
    pub body: String,
    pub created_at: DateTime<Utc>,
    pub attempts: i32,
    pub next_at: Option<DateTime<Utc>>,
    pub outcome: Option<String>,
}

impl Delivery {
    pub fn is_open(&self) -> bool {
        self.outcome.is_none()
    }

    pub fn has_arrived(&self) -> bool {
        self.outcome.as_deref() == Some("delivered")
    }
}

/// One attempt.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = webhook_attempts, check_for_backend(diesel::pg::Pg))]
pub struct Attempt {
    pub delivery_id: i64,
    pub number: i32,
    pub at: DateTime<Utc>,
    pub took_ms: i32,
    pub status: Option<i32>,
    pub error: Option<String>,
    pub answer: String,
}

impl Attempt {
    /// “204”, “500”, or why nothing came back.
    pub fn outcome(&self) -> String {
        match (self.status, &self.error) {
            (Some(status), _) => format!("Answered {status}"),
            (None, Some(error)) => error.clone(),
            (None, None) => String::new(),
        }
    }

    /// “40 ms”, “1.2 s”
    pub fn took(&self) -> String {
        match self.took_ms {
            ..1_000 => format!("{} ms", self.took_ms),
            ms => format!("{:.1} s", f64::from(ms) / 1e3),
        }
    }
}

/// The beginning of an answer as text that can be stored and shown, whatever somebody else's server put into it.
pub fn harmless(answer: &[u8]) -> String {
    let is_fine =
        |letter: char| letter == '\n' || text::is_showable(letter.encode_utf8(&mut [0; 4]));
    String::from_utf8_lossy(answer)
        .replace("\r\n", "\n")
        .replace('\t', " ")
        .chars()
        .map(|letter| if is_fine(letter) { letter } else { '·' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_shown_without_what_could_deceive() {
        assert_eq!(harmless(b"ok\r\nfine\tso"), "ok\nfine so");
        assert_eq!(harmless(b"a\0b\x1b[31mc\xff"), "a·b·[31mc·");
        assert_eq!(harmless("a\u{202e}b\u{200b}".as_bytes()), "a·b·");
    }

    #[test]
    fn a_webhook_is_called_by_its_host() {
        assert_eq!(name_of("https://hooks.example.com/T0/secret?token=x"), "hooks.example.com");
        assert_eq!(name_of("http://127.0.0.1:9000/"), "127.0.0.1:9000");
    }
}
