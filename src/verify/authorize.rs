//! `/v1/authorize`: the same check for gateways that forward a request's head and go by our status: nginx
//! `auth_request`, Caddy `forward_auth`, Traefik ForwardAuth, Envoy ext_authz.
//!
//! Every method is really checked, OPTIONS and HEAD too: gateways forward the caller's method, and a friendly 204 to
//! OPTIONS would let every preflight through to the upstream.

use std::time::{Duration, Instant};

use actix_http::RequestHead;
use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{HeaderMap, HeaderName, HeaderValue, WWW_AUTHENTICATE},
    },
};

use super::{
    Engine,
    answer::{self, header_value},
    caller,
    checks::is_scope_token,
    code::Code,
    engine::PATIENCE,
    gateway,
    logged::{forwarded, mark},
    problem::{self, Problem},
    verdict::{Question, Verdict},
};
use crate::metrics::Endpoint;

const PROBLEM: HeaderName = HeaderName::from_static("x-verify-problem");

/// The handler.
pub async fn authorize(engine: &Engine, head: &RequestHead, now: Instant) -> HttpResponse {
    let query = head.uri.query().unwrap_or_default();
    let dialect = Dialect::of(query);
    match try_to(engine, head, (query, dialect), now).await {
        Ok(response) => response,
        Err(problem) => {
            engine.metrics().problem(Endpoint::Authorize, problem.code());
            refuse(problem, dialect)
        }
    }
}

async fn try_to(
    engine: &Engine,
    head: &RequestHead,
    (query, dialect): (&str, Dialect),
    now: Instant,
) -> Result<HttpResponse, Problem> {
    let (headers, deadline) = (&head.headers, now + PATIENCE);
    let asking = gateway::by_header(engine, headers, now, deadline).await?;
    let asked = caller::parse_query(query)?;
    caller::refuse_key_elsewhere(headers)?;
    let credential = caller::credential(headers)?;

    let question = Question {
        environment_id: asking.gateway.environment_id,
        environment: asking.gateway.environment(),
        scopes: asked.scopes,
        customer: asked.customer,
        ip: caller::ip(headers, engine.trusted_proxies()),
        origin: caller::origin(headers)?,
        cost: asked.cost,
    };
    let judged = engine
        .judge(&credential, &question, now, deadline)
        .await
        .map_err(|_| Problem::CannotKnow)?;
    let took = now.elapsed();
    engine.metrics().verdict(Endpoint::Authorize, judged.verdict.code, took);
    let (of, how) = ((&question, &judged.verdict), (Endpoint::Authorize, took));
    let logged = engine.note(&asking.gateway, of, how, || forwarded(head));
    let stale = judged.stale.max(asking.stale);
    Ok(mark(respond(&judged.verdict, &question, stale, dialect), logged))
}

/// Which statuses the gateway understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    /// All of them.
    Http,
    /// nginx takes 2xx, 401 and 403, and turns everything else into 500. So every other no becomes a 403, and
    /// `X-Verify-Code` says what it was: `RATE_LIMITED` (429), `BAD_REQUEST` (400). The recipe maps them back. It also
    /// throws our body away, so what the caller should read comes as `X-Verify-Problem` too. That we cannot know (503)
    /// stays what it is: nginx asks another node then, and without one says 500, which is not a no.
    Nginx,
}

impl Dialect {
    fn of(query: &str) -> Self {
        let asks_for_nginx = query.split('&').any(|pair| pair == "for=nginx");
        if asks_for_nginx { Self::Nginx } else { Self::Http }
    }

    fn status(self, status: StatusCode) -> StatusCode {
        let is_understood = status.is_success()
            || status.is_server_error()
            || matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        if self == Self::Nginx && !is_understood { StatusCode::FORBIDDEN } else { status }
    }

    /// The body of a refusal as it would be without nginx in between.
    fn add_problem(self, headers: &mut HeaderMap, status: StatusCode, code: &str, detail: &str) {
        if self == Self::Nginx {
            let body = HeaderValue::try_from(problem::body(status, code, detail));
            headers.insert(PROBLEM, body.expect("JSON on one line, of our own words"));
        }
    }
}

/// What a gateway that understands every status would be answered.
pub(super) fn told(verdict: &Verdict, question: &Question<'_>) -> HttpResponse {
    respond(verdict, question, None, Dialect::Http)
}

fn respond(
    verdict: &Verdict,
    question: &Question<'_>,
    stale: Option<Duration>,
    dialect: Dialect,
) -> HttpResponse {
    if verdict.code == Code::Valid {
        return allow(verdict, question, stale);
    }
    let own = StatusCode::from_u16(verdict.code.status()).expect("codes have real statuses");
    let status = dialect.status(own);
    // Forward-auth gateways hand our body to the caller: it says what the caller may read.
    let (code, message) = (verdict.code.slug(), verdict.code.message());
    let mut response = problem::begin(status);
    response.insert_header((VERIFY_CODE.clone(), code));
    answer::add_fields(&mut response, verdict, stale);
    if let Some(challenge) = challenge(verdict.code, question) {
        response.insert_header((WWW_AUTHENTICATE, challenge));
    }
    let mut response = response.body(problem::body(status, code, message));
    dialect.add_problem(response.headers_mut(), own, code, message);
    response
}

static VERIFY_CODE: HeaderName = HeaderName::from_static("x-verify-code");
static KEY_ID: HeaderName = HeaderName::from_static("x-key-id");
static KEY_NAME: HeaderName = HeaderName::from_static("x-key-name");
static APPLICATION_ID: HeaderName = HeaderName::from_static("x-application-id");
static KEY_SCOPES: HeaderName = HeaderName::from_static("x-key-scopes");
static CUSTOMER_ID: HeaderName = HeaderName::from_static("x-customer-id");

/// Says who it is in headers: all of them, always, empty where there is nothing to say, so that a client cannot slip
/// in one of its own.
fn allow(verdict: &Verdict, question: &Question<'_>, stale: Option<Duration>) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    answer::add_fields(&mut response, verdict, stale);
    let mut response = response.finish();
    let headers = response.headers_mut();
    headers.append(VERIFY_CODE.clone(), HeaderValue::from_static(Code::Valid.slug()));
    let holder = &verdict.holder;
    let mut tell = |name: &HeaderName, value| headers.append(name.clone(), value);
    tell(&KEY_ID, header_value(holder.key_id().unwrap_or_default()));
    tell(&KEY_NAME, header_value(holder.name()));
    tell(&APPLICATION_ID, header_value(holder.application_id()));
    let scopes = verdict.permissions.as_ref().map(|listed| listed.spaced.clone());
    tell(&KEY_SCOPES, scopes.unwrap_or_else(|| HeaderValue::from_static("")));
    tell(&CUSTOMER_ID, header_value(question.customer.as_deref().unwrap_or_default()));
    response
}

/// RFC 6750: no error when nothing was presented, else what is wrong, and which scopes would be needed.
fn challenge(code: Code, question: &Question<'_>) -> Option<String> {
    const REALM: &str = r#"Bearer realm="api""#;
    match (code, code.status()) {
        (Code::MissingKey, _) => Some(REALM.into()),
        (Code::InsufficientScope, _) => {
            let needed: Vec<&str> = question.scopes.iter().map(AsRef::as_ref).collect();
            let needed: Vec<&str> =
                needed.into_iter().filter(|scope| is_scope_token(scope)).collect();
            Some(format!(r#"{REALM}, error="insufficient_scope", scope="{}""#, needed.join(" ")))
        }
        (_, 401) => Some(format!(
            r#"{REALM}, error="invalid_token", error_description="{}""#,
            code.message()
        )),
        _ => None,
    }
}

fn refuse(problem: Problem, dialect: Dialect) -> HttpResponse {
    let own = problem.status_code();
    let mut response = problem.respond(dialect.status(own));
    let headers = response.headers_mut();
    headers.insert(VERIFY_CODE.clone(), HeaderValue::from_static(problem.code()));
    dialect.add_problem(headers, own, problem.code(), &problem.to_string());
    response
}
