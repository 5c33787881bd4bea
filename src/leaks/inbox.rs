//! `POST /v1/leaks`: what secret scanners found, in the way GitHub's programme for its partners has it.

use std::{net::IpAddr, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName},
    web::Payload,
};
use futures_util::StreamExt;
use serde::Deserialize;
use zeroize::{Zeroize, Zeroizing};

use super::{answer, partners};
use crate::{
    app::App,
    changes::Change,
    credentials::Presented,
    error::AppError,
    limits::{Limit, Limiter},
    users::Origin,
    verify::Problem,
    web::client_ip::client_ip,
};

/// How often one address may report.
const REPORTS: [Limit; 1] = [Limit { requests: 600, per_seconds: 60 }];
/// So many addresses are counted.
const ADDRESSES: usize = 10_000;
const LARGEST: usize = 256 * 1024;
const SLOWEST: Duration = Duration::from_secs(5);
/// A report names at most so many credentials.
const MOST: usize = 1_000;
/// A partner's word for a kind of credential or place is no longer.
const LONGEST_WORD: usize = 200;

const NOT_A_REPORT: Problem = Problem::BadRequest(
    "The body must be a JSON array of at most 1000 objects with token and type, and as needed url and source, each a text.",
);

static KEY_ID: [HeaderName; 2] = [
    HeaderName::from_static("latchkey-key-id"),
    HeaderName::from_static("github-public-key-identifier"),
];
static SIGNATURE: [HeaderName; 2] = [
    HeaderName::from_static("latchkey-signature"),
    HeaderName::from_static("github-public-key-signature"),
];

/// How often leaks may be reported, by address: whoever they say they are is not known before their signature is.
pub struct Door(Limiter<IpAddr>);

impl Default for Door {
    fn default() -> Self {
        Self(Limiter::new(ADDRESSES))
    }
}

/// What a scanner found. Members that are not known here are left alone: the programme grows.
#[derive(Deserialize)]
pub struct Match {
    pub token: String,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub url: Option<String>,
    #[serde(default)]
    pub source: Option<String>,
}

impl Drop for Match {
    fn drop(&mut self) {
        self.token.zeroize();
    }
}

/// Takes a report.
///
/// # Errors
/// 400, 401 for whatever is not signed by a partner, 408, 413, 415, 429, 503.
pub async fn report(
    app: &App,
    request: &HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let peer = request.peer_addr().map(|peer| peer.ip());
    let ip = client_ip(peer, request.headers(), &app.config.trusted_proxies);
    app.leaks.let_in(ip)?;
    if !request.query_string().is_empty() {
        return Err(Problem::BadRequest("This address takes no query string."));
    }
    let key_id = one_of(request.headers(), &KEY_ID)?;
    let signature = one_of(request.headers(), &SIGNATURE)?;
    let body = read(request, payload).await?;
    let (Some(key_id), Some(signature)) = (key_id, signature) else {
        return Err(Problem::UnknownPartner);
    };
    let named = key_id.to_owned();
    let partner = app.db.read(move |conn| partners::find_by_key_id(conn, &named)).await;
    let partner = partner.map_err(cannot)?.ok_or(Problem::UnknownPartner)?;
    if !partner.key.signed(&body, signature) {
        return Err(Problem::UnknownPartner);
    }
    let matches = parse(&body)?;
    drop(body);
    let origin = Origin { ip, request_id: None };
    let told = app.db.write(move |conn| answer::act(conn, &partner, matches, origin)).await;
    let told = told.map_err(cannot)?;
    if !told.changed.is_empty() {
        app.forget(Change::Keys(told.changed));
    }
    Ok(HttpResponse::Ok().json(told.labels))
}

impl Door {
    fn let_in(&self, ip: Option<IpAddr>) -> Result<(), Problem> {
        let Some(ip) = ip else { return Ok(()) };
        match self.0.spend(ip, &REPORTS, 1) {
            Some(spent) if !spent.admitted => {
                Err(Problem::TooMany { retry_after_seconds: spent.retry_after_seconds })
            }
            _ => Ok(()),
        }
    }
}

fn cannot(error: AppError) -> Problem {
    tracing::warn!(?error, "a report of leaks could not be taken");
    Problem::CannotKnow
}

/// A header by either of its names. Which of two is meant cannot be known.
fn one_of<'a>(headers: &'a HeaderMap, names: &[HeaderName]) -> Result<Option<&'a str>, Problem> {
    let mut values = names.iter().flat_map(|name| headers.get_all(name));
    let first = values.next();
    if values.next().is_some() {
        return Err(Problem::BadRequest("A header that may come once comes twice."));
    }
    // What is no text is nobody's signature.
    Ok(first.map(|value| value.to_str().unwrap_or_default()))
}

async fn read(request: &HttpRequest, payload: Payload) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let essence = header(CONTENT_TYPE).unwrap_or_default().split(';').next().unwrap_or_default();
    let encoding = header(CONTENT_ENCODING).unwrap_or("identity");
    if !essence.trim().eq_ignore_ascii_case("application/json")
        || !encoding.eq_ignore_ascii_case("identity")
    {
        return Err(Problem::NotJson);
    }
    tokio::time::timeout(SLOWEST, collect(payload)).await.map_err(|_| Problem::TooSlow)?
}

async fn collect(mut payload: Payload) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let mut body = Zeroizing::new(Vec::with_capacity(LARGEST));
    while let Some(piece) = payload.next().await {
        let piece = piece.map_err(|_| Problem::BadRequest("The body ended early."))?;
        if body.len() + piece.len() > LARGEST {
            return Err(Problem::LargeReport);
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

fn parse(body: &[u8]) -> Result<Vec<Match>, Problem> {
    let matches: Vec<Match> = serde_json::from_slice(body).map_err(|_| NOT_A_REPORT)?;
    let is_word =
        |word: &str| word.chars().count() <= LONGEST_WORD && !Presented::looks_secret(word);
    let fits = |found: &Match| is_word(&found.kind) && found.source.as_deref().is_none_or(is_word);
    if matches.len() > MOST || !matches.iter().all(fits) {
        return Err(NOT_A_REPORT);
    }
    Ok(matches)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_an_array_of_what_was_found() {
        let parsed = |json: &str| parse(json.as_bytes()).map(|matches| matches.len());
        assert_eq!(parsed("[]"), Ok(0));
        assert_eq!(parsed(r#"[{"token":"a","type":"b"}]"#), Ok(1));
        assert_eq!(
            parsed(r#"[{"token":"a","type":"b","url":"c","source":"d","more":[1]}]"#),
            Ok(1)
        );
        assert_eq!(parsed(r#"[{"token":"a","type":"b","url":null}]"#), Ok(1));
        for wrong in [
            "",
            "null",
            "{}",
            "[1]",
            "[[]]",
            r#"[{"token":"a"}]"#,
            r#"[{"token":1,"type":"b"}]"#,
            r#"[{"token":"a","token":"b","type":"c"}]"#,
            r#"[{"token":"a","type":"b"}] x"#,
            "\u{feff}[]",
            &"[".repeat(20_000),
            &format!("[{}]", vec![r#"{"token":"a","type":"b"}"#; 1001].join(",")),
            &format!(r#"[{{"token":"a","type":"{}"}}]"#, "b".repeat(201)),
            r#"[{"token":"a","type":"prod_sk_0123456789abcdefghij"}]"#,
        ] {
            assert_eq!(parsed(wrong), Err(NOT_A_REPORT), "{wrong:.80}");
        }
    }
}
