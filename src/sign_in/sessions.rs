//! A person's own sessions: which there are, and ending those that aren't this one.

use std::net::IpAddr;

use actix_session::Session;
use chrono::{DateTime, Utc};
use diesel::{
    PgConnection,
    dsl::sql,
    prelude::*,
    sql_types::{Bool, Text},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;
use woothee::parser::Parser;

use super::store::{ABSOLUTE_LIMIT, IDLE_LIMIT, State};
use crate::{
    error::{AppError, AppResult},
    schema::{sessions, users},
    text,
    users::Viewer,
    web::layout::STAMP,
};

/// Under which name a session keeps a number of its own. It opens nothing; it tells sessions apart.
pub(super) const MARK: &str = "mark";
/// And how it was begun.
pub(super) const BEGUN: &str = "begun";
/// Agents that cannot be told in words are shown as they are, so far.
const SHOWN_OF_AGENT: usize = 60;

/// From where and with what somebody signed in.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Begun {
    pub ip: Option<IpAddr>,
    pub agent: String,
}

/// A session, as its owner sees it.
#[derive(Debug)]
pub struct OpenSession {
    pub signed_in_at: DateTime<Utc>,
    /// To the minute.
    pub last_used_at: DateTime<Utc>,
    pub ip: Option<IpAddr>,
    /// “Firefox on Linux”
    pub program: String,
    /// Whether it is the one that asks.
    pub is_this: bool,
}

/// The number of the session that asks.
pub fn mark_of(session: &Session) -> Option<Uuid> {
    session.get(MARK).ok().flatten()
}

/// The viewer's sessions that are not over: this one first, then by last use.
///
/// # Errors
/// [`AppError::Forbidden`] for the operator, who has none.
pub fn open_sessions(
    conn: &mut PgConnection,
    viewer: &Viewer,
    mark: Option<Uuid>,
) -> AppResult<Vec<OpenSession>> {
    let (id, now) = (viewer.id.ok_or(AppError::Forbidden)?, Utc::now());
    let stamp: i32 = users::table.find(id).select(users::session_stamp).first(conn)?;
    let rows: Vec<(serde_json::Value, DateTime<Utc>, DateTime<Utc>)> = sessions::table
        .filter(sessions::user_id.eq(id))
        .filter(sessions::expires_at.gt(now))
        .filter(sessions::created_at.gt(now - ABSOLUTE_LIMIT))
        .order(sessions::expires_at.desc())
        .select((sessions::state, sessions::created_at, sessions::expires_at))
        .load(conn)?;
    let mut open: Vec<OpenSession> = rows
        .into_iter()
        .filter_map(|(state, signed_in_at, expires_at)| {
            let state: State = serde_json::from_value(state).ok()?;
            let begun: Begun = kept(&state, BEGUN).unwrap_or_default();
            (kept::<i32>(&state, STAMP)? == stamp).then(|| OpenSession {
                signed_in_at,
                last_used_at: (expires_at - IDLE_LIMIT).min(now),
                ip: begun.ip,
                program: in_words(&begun.agent),
                is_this: mark.is_some() && kept(&state, MARK) == mark,
            })
        })
        .collect();
    open.sort_by_key(|session| !session.is_this);
    Ok(open)
}

/// Deletes the sessions of a person except the one with that mark; returns how many there were.
///
/// # Errors
/// When Postgres refuses.
pub fn delete_others(
    conn: &mut PgConnection,
    user_id: i64,
    mark: Option<Uuid>,
) -> AppResult<usize> {
    // The state holds JSON within JSON: a text in its quotation marks.
    let mark = mark.map(|mark| format!("\"{mark}\"")).unwrap_or_default();
    let is_another = sql::<Bool>("state->>'mark' is distinct from ").bind::<Text, _>(mark);
    Ok(diesel::delete(sessions::table.filter(sessions::user_id.eq(user_id)).filter(is_another))
        .execute(conn)?)
}

fn kept<T: DeserializeOwned>(state: &State, name: &str) -> Option<T> {
    serde_json::from_str(state.get(name)?).ok()
}

/// “Firefox on Linux”. What a program says of itself is a hint for the eye, nothing is decided by it.
fn in_words(agent: &str) -> String {
    let known = Parser::new().parse(agent).filter(|known| {
        known.category != "crawler" && known.name != "UNKNOWN" && known.os != "UNKNOWN"
    });
    if let Some(known) = known {
        let system = match known.os {
            "Mac OSX" => "macOS",
            // Newer ones say that they are Windows 10.
            windows if windows.starts_with("Windows ") => "Windows",
            other => other,
        };
        return format!("{} on {system}", known.name);
    }
    let shown: String = text::tidy(agent).chars().take(SHOWN_OF_AGENT).collect();
    if shown.is_empty() || !text::is_showable(&shown) { "Unknown program".into() } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_told_in_words() {
        for (agent, words) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
                "Chrome on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15",
                "Safari on macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            ("acme-backup 2.1", "acme-backup 2.1"),
            ("<script>alert(1)</script>", "<script>alert(1)</script>"),
            ("", "Unknown program"),
            ("evil\u{202e}", "Unknown program"),
        ] {
            assert_eq!(in_words(agent), words);
        }
        assert_eq!(in_words(&"x".repeat(300)).len(), SHOWN_OF_AGENT);
    }
}
