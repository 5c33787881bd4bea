//! Which gateway asks.

use std::time::{Duration, Instant};

use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use super::{Engine, entry::Entry, facts::GatewayFacts, problem::Problem};
use crate::credentials::Presented;

static GATEWAY_TOKEN: HeaderName = HeaderName::from_static("x-gateway-token");

/// A gateway, and how old what we know of it is if Postgres could not be asked.
pub struct Asking {
    pub gateway: Entry<GatewayFacts>,
    pub stale: Option<Duration>,
}

/// The gateway whose token comes as `Authorization: Bearer`.
///
/// # Errors
/// 400 for two of them, 401, 503.
pub async fn by_bearer(
    engine: &Engine,
    headers: &HeaderMap,
    now: Instant,
    deadline: Instant,
) -> Result<Asking, Problem> {
    let value = only_one(headers, &AUTHORIZATION)?.and_then(|value| value.to_str().ok());
    let token = value
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim_matches(' '));
    by_token(engine, token, now, deadline).await
}

/// The gateway whose token comes as `X-Gateway-Token`; `Authorization` is the caller's there.
///
/// # Errors
/// As [`by_bearer`].
pub async fn by_header(
    engine: &Engine,
    headers: &HeaderMap,
    now: Instant,
    deadline: Instant,
) -> Result<Asking, Problem> {
    let token = only_one(headers, &GATEWAY_TOKEN)?.and_then(|value| value.to_str().ok());
    by_token(engine, token, now, deadline).await
}

async fn by_token(
    engine: &Engine,
    token: Option<&str>,
    now: Instant,
    deadline: Instant,
) -> Result<Asking, Problem> {
    let Some(token @ Presented::GatewayToken(_)) = token.and_then(Presented::parse) else {
        return Err(Problem::UnknownGateway);
    };
    let learned =
        engine.gateway(token.hash(), now, deadline).await.map_err(|_| Problem::CannotKnow)?;
    let gateway = learned.found.ok_or(Problem::UnknownGateway)?;
    Ok(Asking { gateway, stale: learned.stale })
}

/// A header that may come once. Which of two is meant cannot be known, and guessing is how doors are opened.
///
/// # Errors
/// 400 for two of them.
pub fn only_one<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a HeaderValue>, Problem> {
    let mut values = headers.get_all(name);
    let first = values.next();
    match values.next() {
        Some(_) => Err(Problem::BadRequest("A header that may come once comes twice.")),
        None => Ok(first),
    }
}
