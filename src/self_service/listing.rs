//! An application's keys, and how one is used.

use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, NaiveTime, SecondsFormat, Utc};
use diesel::PgConnection;
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::{Caller, cannot_know};
use crate::{
    app::App,
    credentials::Presented,
    error::{AppError, AppResult},
    keys::{
        Key,
        queries::{self, Holdings},
    },
    usage,
    users::Origin,
    verify::Problem,
};

/// So many keys are listed at once, unless the question says how many.
const USUAL: i64 = 50;
/// And at most so many.
const MOST: i64 = 200;
/// A usage goes back so many days, and at most so many.
const USUAL_DAYS: u64 = 14;
const MOST_DAYS: u64 = 90;

const NOT_A_LIST: Problem =
    Problem::BadRequest("The list takes limit, from 1 to 200, and after, a key’s public key.");
const NOT_A_SPAN: Problem = Problem::BadRequest("The usage takes days, from 1 to 90.");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Span {
    days: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    limit: Option<i64>,
    after: Option<String>,
}

/// `GET /v1/application/keys`
///
/// # Errors
/// 400, 404 when the list is to go on after a key that is not there, and as [`Caller::of`].
pub async fn list(
    app: &App,
    request: &HttpRequest,
    origin: Origin,
) -> Result<HttpResponse, Problem> {
    let caller = Caller::of(app, request, origin).await?;
    let part: Part = serde_html_form::from_str(request.query_string()).map_err(|_| NOT_A_LIST)?;
    let limit = part.limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(NOT_A_LIST);
    }
    let after = match &part.after {
        Some(after) => Some(public_key(after).ok_or(NOT_A_LIST)?),
        None => None,
    };
    let (viewer, id) = (caller.viewer(), caller.id);
    let read = move |conn: &mut PgConnection| {
        let after = match after {
            Some(after) => Some(of_application(conn, &caller, &after)?.id),
            None => None,
        };
        queries::of_application(conn, &viewer, id, after, limit + 1)
    };
    let mut found = match app.db.read(read).await {
        Ok(found) => found,
        Err(AppError::NotFound) => return Err(Problem::NotFound),
        Err(error) => return Err(cannot_know(error)),
    };
    let has_more = found.len() as i64 > limit;
    found.truncate(limit as usize);
    let next = if has_more { found.last().map(|(key, _)| key.public_key.clone()) } else { None };
    let now = Utc::now();
    let keys: Vec<Value> = found.iter().map(|(key, held)| told(key, held, now)).collect();
    Ok(HttpResponse::Ok().json(json!({ "keys": keys, "next": next })))
}

/// `GET /v1/application/keys/{public key}/usage`
///
/// # Errors
/// 400, 404 for a key of another application too, and as [`Caller::of`].
pub async fn usage(
    app: &App,
    request: &HttpRequest,
    key: &str,
    origin: Origin,
) -> Result<HttpResponse, Problem> {
    let caller = Caller::of(app, request, origin).await?;
    let span: Span = serde_html_form::from_str(request.query_string()).map_err(|_| NOT_A_SPAN)?;
    let days = span.days.unwrap_or(USUAL_DAYS);
    if !(1..=MOST_DAYS).contains(&days) {
        return Err(NOT_A_SPAN);
    }
    let public_key = public_key(key).ok_or(Problem::NotFound)?;
    let read = move |conn: &mut PgConnection| {
        let key = of_application(conn, &caller, &public_key)?;
        let today = Utc::now().date_naive();
        let by_day = usage::by_day(conn, key.id, days, today)?;
        let first = by_day.first().map_or(today, |day| day.date);
        let since = first.and_time(NaiveTime::MIN).and_utc();
        let totals = usage::totals_since(conn, key.id, since)?;
        Ok((key, since, totals, by_day))
    };
    let (key, since, totals, by_day) = match app.db.read(read).await {
        Ok(read) => read,
        Err(AppError::NotFound) => return Err(Problem::NotFound),
        Err(error) => return Err(cannot_know(error)),
    };
    let by_code: Value = totals.by_code.iter().map(|(code, count)| (code, *count)).collect();
    let by_day: Vec<Value> = by_day
        .iter()
        .map(|day| json!({ "date": day.date, "allowed": day.valid, "refused": day.refused }))
        .collect();
    Ok(HttpResponse::Ok().json(json!({
        "key_id": key.public_key,
        "since": spell(since),
        "last_used_at": key.last_used_at.map(spell),
        "allowed": totals.valid,
        "refused": totals.refused,
        "by_code": by_code,
        "days": by_day,
    })))
}

/// A key of the caller's own. Another's is not found, as if it were not there.
///
/// # Errors
/// [`AppError::NotFound`]
pub fn of_application(
    conn: &mut PgConnection,
    caller: &Caller,
    public_key: &str,
) -> AppResult<Key> {
    let key = queries::find(conn, &caller.viewer(), public_key)?;
    if key.application_id == caller.id { Ok(key) } else { Err(AppError::NotFound) }
}

/// What may be the public key of a key.
pub fn public_key(text: &str) -> Option<String> {
    match Presented::parse(text) {
        Some(Presented::PublicKey(public_key)) => Some(public_key.to_owned()),
        _ => None,
    }
}

/// An instant, as all answers spell it.
pub fn spell(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn told(key: &Key, held: &Holdings, now: DateTime<Utc>) -> Value {
    let slugs = |named: &[(String, String)]| -> Vec<String> {
        named.iter().map(|(slug, _)| slug.clone()).collect()
    };
    let limits: Vec<Value> = held
        .limits
        .iter()
        .map(|limit| json!({ "limit": limit.requests, "window_seconds": limit.per_seconds }))
        .collect();
    json!({
        "key_id": key.public_key,
        "name": key.name,
        "environment": key.environment.slug,
        "status": key.status(now).slug(),
        "all_permissions": key.all_permissions,
        "sections": slugs(&held.sections),
        "scopes": slugs(&held.permissions),
        "rate_limits": limits,
        "secret_created_at": spell(key.secret.created_at),
        "created_at": spell(key.created_at),
        "expires_at": key.expires_at.map(spell),
        "last_used_at": key.last_used_at.map(spell),
    })
}
