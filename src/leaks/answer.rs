//! Acting on a partner's report, and what the partner is told: which of its finds are credentials of ours.

use chrono::{DateTime, Utc};
use diesel::PgConnection;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{
    inbox::Match,
    known::{Whose, whose},
    partners::{self, Partner, Policy},
    reports::{self, Finder, Outcome},
    scan::{self, Candidate},
};
use crate::{
    applications,
    audit::{self, Action, Subject},
    credentials::Presented,
    error::AppResult,
    gateways,
    keys::{self, Key, Status, commands},
    text,
    users::{Origin, Viewer},
};

/// A reason has at most so many characters.
const REASON: usize = 200;
/// An address has at most so many.
const URL: usize = 2_000;

/// What a partner is told of one find: never the token itself.
#[derive(Serialize)]
pub struct Label {
    /// SHA-256, hexadecimal.
    token_hash: String,
    token_type: String,
    label: &'static str,
}

/// What came of a report.
pub struct Told {
    /// In the order of the report.
    pub labels: Vec<Label>,
    /// The ids of keys that were changed.
    pub changed: Vec<i64>,
}

/// Notes every credential of ours in a report, and ends keys where the partner's policy says so.
///
/// # Errors
/// When Postgres refuses; nothing is done then.
pub fn act(
    conn: &mut PgConnection,
    partner: &Partner,
    matches: Vec<Match>,
    origin: Origin,
) -> AppResult<Told> {
    let found: Vec<Option<Candidate>> = matches.iter().map(secret_in).collect();
    let owners = whose(conn, found.iter().flatten())?;
    let mut labels = Vec::with_capacity(matches.len());
    let mut known: Vec<(Whose, &Match)> = Vec::new();
    for (reported, candidate) in matches.iter().zip(&found) {
        let owner = candidate.as_ref().and_then(|candidate| owners.get(&candidate.hash));
        known.extend(owner.map(|whose| (*whose, reported)));
        labels.push(Label {
            token_hash: hex::encode(Sha256::digest(reported.token.as_bytes())),
            token_type: reported.kind.clone(),
            label: if owner.is_some() { "true_positive" } else { "false_positive" },
        });
    }
    // In the order of their ids, so that two reports wait for each other instead of for ever.
    known.sort_by_key(|(whose, _)| match whose {
        Whose::Key { id, .. } => (0, *id),
        Whose::Application { id } => (1, *id),
        Whose::Gateway { id } => (2, *id),
    });
    let actor = partner.acting(origin);
    let now = Utc::now();
    let (mut changed, mut news) = (Vec::new(), 0);
    for (whose, reported) in &known {
        let noted = take(conn, &actor, partner, whose, reported, now)?;
        news += usize::from(noted.is_new);
        if let (true, Whose::Key { id, .. }) = (noted.has_changed, whose) {
            changed.push(*id);
        }
    }
    partners::has_reported(conn, partner.id)?;
    if news > 0 {
        let subject = Subject { id: &partner.subject(), name: &partner.name };
        let details = json!({ "reported": labels.len(), "known": known.len(), "new": news });
        audit::record(conn, &actor, Action::LeaksReported, subject, details)?;
    }
    Ok(Told { labels, changed })
}

/// The secret in what a scanner calls a token; it may have taken more than that.
fn secret_in(reported: &Match) -> Option<Candidate> {
    let found = scan::scan(reported.token.as_bytes(), &[]);
    found.candidates.into_iter().find(|candidate| candidate.kind.is_secret())
}

struct Noted {
    is_new: bool,
    has_changed: bool,
}

fn take(
    conn: &mut PgConnection,
    actor: &Viewer,
    partner: &Partner,
    whose: &Whose,
    reported: &Match,
    now: DateTime<Utc>,
) -> AppResult<Noted> {
    let url = showable(reported.url.as_deref().unwrap_or_default());
    let source = showable(reported.source.as_deref().unwrap_or_default());
    let finder =
        Finder { partner_id: Some(partner.id), user_id: None, name: &partner.name, url, source };
    let key = match whose {
        Whose::Key { id, .. } => keys::queries::by_ids(conn, actor, &[*id])?.pop(),
        _ => None,
    };
    let worked = match (whose, &key) {
        (Whose::Key { .. }, Some(key)) => {
            key.status(now) == Status::Active && !whose.is_replaced(now)
        }
        (Whose::Key { .. }, None) => false,
        (Whose::Application { id }, _) => applications::by_ids(conn, actor, &[*id])?
            .iter()
            .any(|application| !application.is_archived()),
        (Whose::Gateway { id }, _) => {
            gateways::by_ids(conn, actor, &[*id])?.iter().any(|found| found.revoked_at.is_none())
        }
    };
    let outcome = match (&key, partner.policy) {
        (Some(key), Policy::Revoke) => end(conn, actor, partner, whose, key, url, now)?,
        _ => Outcome::Notified,
    };
    let is_new = reports::note(conn, whose, &finder, worked, outcome)?;
    let has_changed = outcome != Outcome::Notified;
    if let (Some(key), true) = (&key, is_new || has_changed) {
        let mut details = json!({ "by": "partner", "worked": worked });
        if !url.is_empty() {
            details["url"] = json!(url);
        }
        let subject = Subject { id: &key.public_key, name: &key.name };
        audit::record(conn, actor, Action::KeyLeakFound, subject, details)?;
    }
    Ok(Noted { is_new, has_changed })
}

/// Ends what the secret opens: the key if it is the current one, or else the secret if it still works. A secret that
/// does not work any more is no reason to end a key.
fn end(
    conn: &mut PgConnection,
    actor: &Viewer,
    partner: &Partner,
    whose: &Whose,
    key: &Key,
    url: &str,
    now: DateTime<Utc>,
) -> AppResult<Outcome> {
    match whose {
        Whose::Key { ends_at: None, .. } if key.revoked_at.is_none() => {
            let place = if url.is_empty() { String::new() } else { format!(" at {url}") };
            let reason = format!("Reported leaked by {}{place}", partner.name);
            let reason: String = reason.chars().take(REASON).collect();
            commands::revoke(conn, actor, &key.public_key, Some(&reason))?;
            Ok(Outcome::Revoked)
        }
        Whose::Key { ends_at: Some(at), .. } if *at > now && key.revoked_at.is_none() => {
            // The same report may name it twice.
            let key = keys::queries::find(conn, actor, &key.public_key)?;
            match commands::finish_overlap(conn, actor, &key.public_key, key.version) {
                Ok(_) => Ok(Outcome::Stopped),
                Err(crate::error::AppError::Conflict(_)) => Ok(Outcome::Notified),
                Err(error) => Err(error),
            }
        }
        _ => Ok(Outcome::Notified),
    }
}

/// What can be kept and shown of an address; nothing when there is a secret in it.
fn showable(typed: &str) -> &str {
    let is_fine = typed.len() <= URL
        && text::is_showable(typed)
        && !Presented::looks_secret(typed)
        && !Presented::looks_secret(&percent_decode_str(typed).decode_utf8_lossy());
    if is_fine { typed } else { "" }
}
