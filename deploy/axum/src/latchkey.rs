//! axum middleware: asks Latchkey whether the caller's key may do this, and fails closed.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{ConnectInfo, OriginalUri, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// Latchkey answers within 150 ms whatever happens to its database. Each node gets this long, so two of them half a second.
const PATIENCE: Duration = Duration::from_millis(250);
const LIMITS: [&str; 3] = ["ratelimit", "ratelimit-policy", "retry-after"];

/// Whom to ask. One client, which keeps its connections.
#[derive(Clone)]
pub struct Latchkey {
    client: reqwest::Client,
    urls: Arc<[String]>,
    token: Arc<str>,
}

/// What a route needs: the middleware's state.
#[derive(Clone)]
pub struct Needs {
    latchkey: Latchkey,
    scopes: &'static [&'static str],
}

/// Who calls, for handlers: `Extension<Key>`.
#[derive(Clone, Debug)]
pub struct Key {
    pub id: Option<String>,
    pub name: String,
    pub application_id: String,
    pub scopes: Vec<String>,
}

/// A verdict, or the problem that a 400 is.
#[derive(Deserialize)]
struct Answer {
    valid: Option<bool>,
    status: u16,
    code: String,
    message: Option<String>,
    detail: Option<String>,
    key_id: Option<String>,
    name: Option<String>,
    application_id: Option<String>,
    #[serde(default)]
    scopes: Vec<String>,
}

impl Latchkey {
    pub fn new(urls: &str, token: &str) -> reqwest::Result<Self> {
        let client = reqwest::Client::builder().timeout(PATIENCE).no_proxy();
        let client = client.redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { client, urls: urls.split(',').map(Into::into).collect(), token: token.into() })
    }

    /// Without scopes any good key will do.
    pub fn needs(&self, scopes: &'static [&'static str]) -> Needs {
        Needs { latchkey: self.clone(), scopes }
    }

    /// A question that failed has spent nothing, so asking the next node is safe.
    async fn ask(&self, question: &Value) -> Option<(Answer, HeaderMap)> {
        for url in &*self.urls {
            let request = self.client.post(format!("{url}/v1/verify")).bearer_auth(&self.token);
            let Ok(response) = request.json(question).send().await else { continue };
            let (status, headers) = (response.status(), response.headers().clone());
            let Ok(answer) = response.json::<Answer>().await else { continue };
            // 400 is about the request, such as a key in its query string. Anything else (503, our token refused) is about us.
            if (status == StatusCode::OK && answer.valid.is_some())
                || status == StatusCode::BAD_REQUEST
            {
                return Some((answer, headers));
            }
        }
        None
    }
}

/// The middleware: `from_fn_with_state(latchkey.needs(&["orders:read"]), check)`.
pub async fn check(
    State(needs): State<Needs>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    OriginalUri(uri): OriginalUri,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(mut question) = presented(request.headers()) else {
        return problem(400, "BAD_REQUEST", "Send one credential, once.");
    };
    question["scopes"] = json!(needs.scopes);
    question["ip"] = json!(peer.ip()); // behind a proxy this is the proxy: take the address it tells instead
    question["method"] = json!(request.method().as_str());
    question["path"] = json!(uri.to_string());
    if let Some(origin) = request.headers().get(header::ORIGIN) {
        question["origin"] = json!(String::from_utf8_lossy(origin.as_bytes()));
    }
    let Some((answer, told)) = needs.latchkey.ask(&question).await else {
        let mut response =
            problem(503, "UNAVAILABLE", "It cannot be known now. Try again in a moment.");
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        return response;
    };
    let mut response = if answer.valid == Some(true) {
        request.extensions_mut().insert(Key {
            id: answer.key_id,
            name: answer.name.unwrap_or_default(),
            application_id: answer.application_id.unwrap_or_default(),
            scopes: answer.scopes,
        });
        next.run(request).await
    } else {
        refuse(&answer, needs.scopes)
    };
    for name in LIMITS {
        if let Some(value) = told.get(name) {
            response.headers_mut().insert(HeaderName::from_static(name), value.clone());
        }
    }
    response
}

/// The credential as it came; nothing for more than one, of which nobody knows which is meant.
fn presented(headers: &HeaderMap) -> Option<Value> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter().map(|value| (true, value));
    let mut other = headers.get_all("x-api-key").iter().map(|value| (false, value));
    let all = [given.next(), given.next(), other.next(), other.next()];
    let mut all = all.into_iter().flatten();
    let (first, None) = (all.next(), all.next()) else { return None };
    let Some((is_authorization, value)) = first else { return Some(json!({})) };
    let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
    let (scheme, rest) = value.split_once(' ').unwrap_or((&value, ""));
    Some(match scheme.to_ascii_lowercase().as_str() {
        "basic" if is_authorization => json!({ "basic": rest.trim() }),
        "bearer" if is_authorization => json!({ "key": rest.trim() }),
        _ => json!({ "key": value }),
    })
}

fn refuse(answer: &Answer, scopes: &[&str]) -> Response {
    const REALM: &str = r#"Bearer realm="api""#;
    let message = answer.message.as_ref().or(answer.detail.as_ref()).map_or("", String::as_str);
    let challenge = match (answer.code.as_str(), answer.status) {
        ("MISSING_KEY", _) => Some(REALM.to_owned()),
        ("INSUFFICIENT_SCOPE", _) => {
            Some(format!(r#"{REALM}, error="insufficient_scope", scope="{}""#, scopes.join(" ")))
        }
        (_, 401) => {
            Some(format!(r#"{REALM}, error="invalid_token", error_description="{message}""#))
        }
        _ => None,
    };
    let mut response = problem(answer.status, &answer.code, message);
    if let Some(challenge) = challenge.and_then(|text| HeaderValue::try_from(text).ok()) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

fn problem(status: u16, code: &str, detail: &str) -> Response {
    let body = json!({ "type": "about:blank", "status": status, "code": code, "detail": detail });
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let headers =
        [(header::CONTENT_TYPE, "application/problem+json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, Json(body)).into_response()
}
