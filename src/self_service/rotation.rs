//! A new secret, once for each `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a request that is sent
//! twice regenerates once, and its secret is shown once, so that the second answer says what happened and no secret.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{CONTENT_TYPE, HeaderName},
    web::Payload,
};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::{PgConnection, prelude::*};
use serde::Deserialize;
use serde_json::json;

use super::{
    caller::{Caller, cannot_know},
    listing::{of_application, public_key, spell},
};
use crate::{
    app::App,
    changes::Change,
    credentials::Secret,
    error::{AppError, AppResult},
    keys::{Key, Overlap, commands, overlap_of},
    schema::idempotent_requests,
    users::Origin,
    verify::{Problem, read_json},
};

/// What was asked is remembered for so long.
const REMEMBERED_DAYS: i64 = 7;
/// The longest name of a request.
const LONGEST: usize = 255;

static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The body, if there is one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// When the old secret stops: `now`, `15m`, `1h`, `24h` or `7d`.
    #[serde(default = "now")]
    overlap: String,
}

fn now() -> String {
    Overlap::Now.slug().into()
}

/// A key with its new secret, and until when the old one works too.
struct Made {
    key: Key,
    secret: Secret,
    until: Option<DateTime<Utc>>,
}

/// What became of a regeneration.
enum Outcome {
    Made(Box<Made>),
    /// The same was asked before.
    MadeBefore,
    /// Something else was asked under this name.
    Different,
}

/// `POST /v1/application/keys/{public key}/regenerate`
///
/// # Errors
/// 400, 404, 409, 413, 415, 422 and as [`Caller::of`].
pub async fn regenerate(
    app: &App,
    request: &HttpRequest,
    payload: Payload,
    key: &str,
    origin: Origin,
) -> Result<HttpResponse, Problem> {
    let caller = Caller::of(app, request, origin).await?;
    if !request.query_string().is_empty() {
        return Err(Problem::BadRequest("This address takes no query string."));
    }
    let name = idempotency_key(request)?;
    let overlap = overlap(request, payload).await?;
    let public_key = public_key(key).ok_or(Problem::NotFound)?;
    let vault = app.config.vault.clone();
    let write = move |conn: &mut PgConnection| {
        // Whose key it is does not change, and that it is not theirs must look the same as that it is not there.
        of_application(conn, &caller, &public_key)?;
        match remember(conn, &caller, &name, &public_key, overlap)? {
            Some(before) if before == (public_key.clone(), overlap.slug().into()) => {
                return Ok(Outcome::MadeBefore);
            }
            Some(_) => return Ok(Outcome::Different),
            None => {}
        }
        let (key, secret) =
            commands::regenerate(conn, &caller.viewer(), &public_key, None, overlap)?;
        commands::keep(conn, vault.as_ref(), &key, &secret)?;
        // After the key, as everything takes them: nobody waits in a circle.
        caller.confirm(conn)?;
        let until = overlap_of(conn, key.id, Utc::now())?;
        Ok(Outcome::Made(Box::new(Made { key, secret, until })))
    };
    match app.db.write(write).await {
        Ok(Outcome::Made(made)) => {
            let Made { key, secret, until } = *made;
            app.forget(Change::Key(key.id));
            let basic = secret.basic_token(&key.public_key);
            Ok(HttpResponse::Ok().json(json!({
                "key_id": key.public_key,
                "secret": secret.reveal(),
                "basic": basic.reveal(),
                "old_secret_ends_at": until.map(spell),
            })))
        }
        Ok(Outcome::MadeBefore) => Err(Problem::DoneBefore),
        Ok(Outcome::Different) => Err(Problem::Unprocessable(
            "This Idempotency-Key was used for something else. Choose another for another request.",
        )),
        Err(AppError::NotFound) => Err(Problem::NotFound),
        Err(AppError::Forbidden) => Err(Problem::NotPermitted),
        Err(AppError::Conflict(_)) => {
            Err(Problem::Conflict("A key that is revoked or has expired gets no new secret."))
        }
        Err(error) => Err(cannot_know(error)),
    }
}

/// Forgets requests that nobody sends again.
///
/// # Errors
/// When Postgres refuses.
pub fn sweep(conn: &mut PgConnection) -> AppResult<()> {
    let kept = Utc::now() - TimeDelta::days(REMEMBERED_DAYS);
    diesel::delete(idempotent_requests::table.filter(idempotent_requests::created_at.lt(kept)))
        .execute(conn)?;
    Ok(())
}

/// `None`: it is the first of that name, and remembered now. One that is under way is waited for.
fn remember(
    conn: &mut PgConnection,
    caller: &Caller,
    name: &str,
    public_key: &str,
    overlap: Overlap,
) -> AppResult<Option<(String, String)>> {
    let added = diesel::insert_into(idempotent_requests::table)
        .values((
            idempotent_requests::application_id.eq(caller.id),
            idempotent_requests::idempotency_key.eq(name),
            idempotent_requests::public_key.eq(public_key),
            idempotent_requests::overlap.eq(overlap.slug()),
        ))
        .on_conflict_do_nothing()
        .execute(conn)?;
    if added > 0 {
        return Ok(None);
    }
    Ok(Some(
        idempotent_requests::table
            .find((caller.id, name))
            .select((idempotent_requests::public_key, idempotent_requests::overlap))
            .first(conn)?,
    ))
}

fn idempotency_key(request: &HttpRequest) -> Result<String, Problem> {
    const NEEDED: Problem = Problem::BadRequest(
        "An Idempotency-Key of 1 to 255 visible ASCII characters is needed, new for each regeneration.",
    );
    let mut values = request.headers().get_all(&IDEMPOTENCY_KEY);
    let (Some(value), None) = (values.next(), values.next()) else { return Err(NEEDED) };
    let text = value.to_str().map_err(|_| NEEDED)?;
    let is_good = (1..=LONGEST).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    if is_good { Ok(text.to_owned()) } else { Err(NEEDED) }
}

async fn overlap(request: &HttpRequest, payload: Payload) -> Result<Overlap, Problem> {
    const NOT_ONE: Problem = Problem::BadRequest(
        "The body is empty, or a JSON object with overlap: now, 15m, 1h, 24h or 7d.",
    );
    // Without a body nobody says what it is.
    let bytes = match request.headers().get(CONTENT_TYPE) {
        Some(_) => read_json(request.headers(), payload).await?,
        None => Default::default(),
    };
    if bytes.is_empty() {
        return Ok(Overlap::Now);
    }
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(NOT_ONE);
    }
    let asked: Asked = serde_json::from_slice(&bytes).map_err(|_| NOT_ONE)?;
    Overlap::parse(&asked.overlap).map_err(|_| NOT_ONE)
}
