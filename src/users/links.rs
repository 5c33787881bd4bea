//! One-time links: each does one thing, once, for a while. Only the hash of its token is stored.

use chrono::{TimeDelta, Utc};
use diesel::{PgConnection, prelude::*};

use super::queries;
use crate::{
    credentials::{Secret, SecretHash},
    error::{AppError, AppResult},
    schema::one_time_links,
};

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The first administrator. Good as long as there is nobody.
    Setup,
    /// This person chooses a password.
    Password(i64),
}

impl Purpose {
    /// How long such a link is good.
    pub fn lifetime(self) -> TimeDelta {
        match self {
            Self::Setup => TimeDelta::hours(24),
            Self::Password(_) => TimeDelta::hours(72),
        }
    }

    fn slug(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Password(_) => "password",
        }
    }

    fn user_id(self) -> Option<i64> {
        match self {
            Self::Setup => None,
            Self::Password(user_id) => Some(user_id),
        }
    }

    fn stored(slug: &str, user_id: Option<i64>) -> Option<Self> {
        match (slug, user_id) {
            ("setup", None) => Some(Self::Setup),
            ("password", Some(user_id)) => Some(Self::Password(user_id)),
            _ => None,
        }
    }
}

/// Makes a link. Earlier ones for the same purpose stop working.
///
/// # Errors
/// When Postgres refuses.
pub fn create(conn: &mut PgConnection, purpose: Purpose) -> AppResult<Secret> {
    let token = Secret::for_link();
    diesel::delete(
        one_time_links::table.filter(
            one_time_links::purpose
                .eq(purpose.slug())
                .and(one_time_links::user_id.is_not_distinct_from(purpose.user_id())),
        ),
    )
    .execute(conn)?;
    diesel::insert_into(one_time_links::table)
        .values((
            one_time_links::token_hash.eq(token.hash().as_bytes()),
            one_time_links::purpose.eq(purpose.slug()),
            one_time_links::user_id.eq(purpose.user_id()),
            one_time_links::expires_at.eq(Utc::now() + purpose.lifetime()),
        ))
        .execute(conn)?;
    Ok(token)
}

/// What the link is for, without using it up: for the page it leads to.
///
/// # Errors
/// [`AppError::LinkGone`] when it was used, has expired or never was.
pub fn peek(conn: &mut PgConnection, token: &str) -> AppResult<Purpose> {
    let found = one_time_links::table
        .filter(
            one_time_links::token_hash
                .eq(SecretHash::of(token).as_bytes())
                .and(one_time_links::expires_at.gt(Utc::now())),
        )
        .select((one_time_links::purpose, one_time_links::user_id))
        .first(conn)
        .optional()?;
    still_good(conn, found)
}

/// Uses the link up, in the transaction that does what it is for: of two at once one finds it gone.
///
/// # Errors
/// As [`peek`].
pub fn use_up(conn: &mut PgConnection, token: &str) -> AppResult<Purpose> {
    let found = diesel::delete(
        one_time_links::table.filter(
            one_time_links::token_hash
                .eq(SecretHash::of(token).as_bytes())
                .and(one_time_links::expires_at.gt(Utc::now())),
        ),
    )
    .returning((one_time_links::purpose, one_time_links::user_id))
    .get_result(conn)
    .optional()?;
    still_good(conn, found)
}

/// Where the link for the first administrator leads, under the base URL.
pub fn setup_path(token: &Secret) -> String {
    format!("/setup?token={}", token.reveal())
}

/// Where the link for choosing a password leads, under the base URL.
pub fn password_path(token: &Secret) -> String {
    format!("/welcome?token={}", token.reveal())
}

/// Deletes links that have expired.
///
/// # Errors
/// When Postgres refuses.
pub fn sweep(conn: &mut PgConnection) -> AppResult<()> {
    diesel::delete(one_time_links::table.filter(one_time_links::expires_at.le(Utc::now())))
        .execute(conn)?;
    Ok(())
}

fn still_good(conn: &mut PgConnection, found: Option<(String, Option<i64>)>) -> AppResult<Purpose> {
    let purpose = found
        .and_then(|(slug, user_id)| Purpose::stored(&slug, user_id))
        .ok_or(AppError::LinkGone)?;
    let is_good = match purpose {
        Purpose::Setup => !queries::is_anybody_here(conn)?,
        Purpose::Password(user_id) => queries::may_sign_in(conn, user_id)?,
    };
    if is_good { Ok(purpose) } else { Err(AppError::LinkGone) }
}
