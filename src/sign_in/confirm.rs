//! Asking somebody who is signed in for the password once more, before what must not happen at a desk left alone.

use std::time::Instant;

use actix_session::Session;
use chrono::{DateTime, TimeDelta, Utc};
use zeroize::Zeroizing;

use crate::{
    app::App,
    error::AppResult,
    users::{Viewer, passwords::Verified, queries},
};

/// Under which name the session keeps when the password was last given.
const CONFIRMED_AT: &str = "password_confirmed_at";
/// For so long it is not asked for again where an act does not insist.
const MINUTES: i64 = 5;

/// What the password turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Confirmed {
    Yes,
    /// The sentence for the field.
    No(String),
}

/// Whether the password was given in this session within the last minutes.
pub fn is_confirmed(session: &Session) -> bool {
    let given: Option<i64> = session.get(CONFIRMED_AT).ok().flatten();
    let now = Utc::now();
    given
        .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
        .is_some_and(|at| at <= now && now - at < TimeDelta::minutes(MINUTES))
}

/// Checks the password; it may not be guessed any faster here than at sign-in. A right one counts for some minutes.
///
/// # Errors
/// [`crate::error::AppError::TooManyAttempts`]; [`crate::error::AppError::Unavailable`] when too many are waiting.
pub async fn confirm(
    app: &App,
    viewer: &Viewer,
    session: &Session,
    password: String,
) -> AppResult<Confirmed> {
    let password = Zeroizing::new(password);
    if password.is_empty() {
        return Ok(Confirmed::No("Enter your password.".into()));
    }
    let guess = app.throttle.begin(&viewer.email, viewer.origin.ip, Instant::now())?;
    let email = viewer.email.clone();
    let stored = app
        .db
        .read(move |conn| Ok(queries::sign_in(conn, &email)?.and_then(|found| found.password_hash)))
        .await?;
    match app.passwords.verify(password, stored).await? {
        Verified::Right | Verified::RightButOld(_) => {
            guess.succeeded();
            session.insert(CONFIRMED_AT, Utc::now().timestamp()).map_err(anyhow::Error::from)?;
            Ok(Confirmed::Yes)
        }
        Verified::Wrong => {
            guess.failed();
            session.remove(CONFIRMED_AT);
            Ok(Confirmed::No("That is not your password.".into()))
        }
    }
}
