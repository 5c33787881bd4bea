//! Beginning a session, and writing down who tried.

use actix_session::Session;
use actix_web::{HttpRequest, http::header};
use chrono_tz::Tz;
use diesel::PgConnection;
use serde_json::json;
use uuid::Uuid;

use super::sessions::{BEGUN, Begun, MARK};
use crate::{
    audit::{self, Action, Subject},
    error::AppResult,
    users::{Origin, Role, User, Viewer, commands},
    web::layout::{STAMP, USER_ID, origin_of},
};

/// No browser says more about itself than is kept.
const LONGEST_AGENT: usize = 300;

/// Begins a session for a person as they were when they proved who they are, under a new id; the old one is dead and
/// whatever it held is gone. From where and with what it was begun is kept for their own page.
///
/// # Errors
/// When the session cannot hold a number.
pub fn begin(session: &Session, req: &HttpRequest, user: &User) -> AppResult<()> {
    session.clear();
    session.renew();
    session.insert(USER_ID, user.id).map_err(anyhow::Error::from)?;
    session.insert(STAMP, user.session_stamp).map_err(anyhow::Error::from)?;
    session.insert(MARK, Uuid::new_v4()).map_err(anyhow::Error::from)?;
    let agent = req.headers().get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let begun = Begun {
        ip: origin_of(req).ip,
        agent: agent.unwrap_or_default().chars().take(LONGEST_AGENT).collect(),
    };
    session.insert(BEGUN, begun).map_err(anyhow::Error::from)?;
    Ok(())
}

/// Writes down that somebody signed in; keeps a password that was hashed in the past under today's parameters.
pub(super) fn sign_in(
    conn: &mut PgConnection,
    origin: Origin,
    user_id: i64,
    rehashed: Option<(String, String)>,
) -> AppResult<()> {
    if let Some((old, new)) = rehashed {
        commands::rehash(conn, user_id, &old, &new)?;
    }
    record(conn, origin, user_id)
}

/// Writes down that this person signed in.
///
/// # Errors
/// When Postgres refuses, or there is no such person any more.
pub fn record(conn: &mut PgConnection, origin: Origin, user_id: i64) -> AppResult<()> {
    let viewer = Viewer::load(conn, user_id, origin)?;
    let subject = format!("user:{user_id}");
    let subject = Subject { id: &subject, name: &viewer.name };
    audit::record(conn, &viewer, Action::SignedIn, subject, json!({}))
}

/// Writes down that somebody was refused. What has no @ may be a password typed into the wrong field, and stays out.
pub(super) fn record_refusal(
    conn: &mut PgConnection,
    origin: Origin,
    email: &str,
) -> AppResult<()> {
    let visitor = Viewer {
        id: None,
        name: "Visitor".into(),
        email: String::new(),
        role: Role::Manager,
        granted_at: None,
        zone: Tz::UTC,
        grant: None,
        mode: None,
        origin,
    };
    let id = if email.contains('@') { email } else { "not an e-mail address" };
    let subject = Subject { id, name: "" };
    audit::record(conn, &visitor, Action::SignInRefused, subject, json!({}))
}
