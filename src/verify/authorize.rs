//! `/v1/authorize`: the same check for gateways that forward a request's head and go by our status: nginx
//! `auth_request`, Caddy `forward_auth`, Traefik ForwardAuth, Envoy ext_authz.
//!
//! Every method is really checked, OPTIONS and HEAD too: gateways forward the caller's method, and a friendly 204 to
//! OPTIONS would let every preflight through to the upstream.

use std::time::{Duration, Instant};

use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    http::{StatusCode, header::WWW_AUTHENTICATE},
    web::Data,
};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::{
    Engine, answer, caller,
    checks::is_scope_token,
    code::Code,
    engine::PATIENCE,
    gateway,
    problem::{self, Problem},
    verdict::{Question, Verdict},
};

/// What a header cannot carry as it is, and the percent sign itself. Everything beyond ASCII is encoded anyway.
const NOT_IN_A_HEADER: &AsciiSet = &CONTROLS.add(b'%');

/// The handler.
pub async fn authorize(engine: Data<Engine>, request: HttpRequest) -> HttpResponse {
    let dialect = Dialect::of(&request);
    match try_to(&engine, &request, dialect).await {
        Ok(response) => response,
        Err(problem) => refuse(problem, dialect),
    }
}

async fn try_to(
    engine: &Engine,
    request: &HttpRequest,
    dialect: Dialect,
) -> Result<HttpResponse, Problem> {
    let deadline = Instant::now() + PATIENCE;
    let asking = gateway::by_header(engine, request, deadline).await?;
    let asked = caller::parse_query(request.query_string())?;
    caller::refuse_key_elsewhere(request)?;
    let credential = caller::credential(request)?;

    let question = Question {
        environment_id: asking.gateway.environment_id,
        environment: &asking.gateway.environment,
        scopes: asked.scopes,
        customer: asked.customer,
        ip: caller::ip(request, engine.trusted_proxies()),
        origin: caller::origin(request)?,
        cost: asked.cost,
    };
    let (verdict, stale) =
        engine.judge(&credential, &question, deadline).await.map_err(|_| Problem::CannotKnow)?;
    Ok(respond(&verdict, &question, stale.max(asking.stale), dialect))
}

/// Which statuses the gateway understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    /// All of them.
    Http,
    /// nginx takes 2xx, 401 and 403, and turns everything else into 500. So everything else becomes a 403, and
    /// `X-Verify-Code` says what it was: `RATE_LIMITED` (429), `BAD_REQUEST` (400), `UNAVAILABLE` (503). The recipe
    /// maps them back.
    Nginx,
}

impl Dialect {
    fn of(request: &HttpRequest) -> Self {
        let asks_for_nginx = request.query_string().split('&').any(|pair| pair == "for=nginx");
        if asks_for_nginx { Self::Nginx } else { Self::Http }
    }

    fn status(self, status: StatusCode) -> StatusCode {
        let is_understood = status.is_success()
            || matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        if self == Self::Nginx && !is_understood { StatusCode::FORBIDDEN } else { status }
    }
}

fn respond(
    verdict: &Verdict,
    question: &Question<'_>,
    stale: Option<Duration>,
    dialect: Dialect,
) -> HttpResponse {
    let status = StatusCode::from_u16(verdict.code.status()).expect("codes have real statuses");
    let status = dialect.status(status);
    // Forward-auth gateways hand our body to the caller: it says what the caller may read.
    let mut response = problem::begin(status);
    response.insert_header(("X-Verify-Code", verdict.code.slug()));
    answer::add_fields(&mut response, verdict, stale);
    if verdict.code != Code::Valid {
        if let Some(challenge) = challenge(verdict.code, question) {
            response.insert_header((WWW_AUTHENTICATE, challenge));
        }
        return response.body(problem::body(status, verdict.code.slug(), verdict.code.message()));
    }
    // All of them, always, empty where there is nothing to say: a client cannot slip in one of its own.
    let holder = &verdict.holder;
    let customer = question.customer.as_deref().unwrap_or_default();
    HttpResponse::Ok()
        .insert_header(("Cache-Control", "no-store"))
        .insert_header(("X-Verify-Code", verdict.code.slug()))
        .insert_header(("X-Key-Id", holder.key_id().unwrap_or_default()))
        .insert_header(("X-Key-Name", header_text(holder.name())))
        .insert_header(("X-Application-Id", holder.application_id()))
        .insert_header(("X-Key-Scopes", header_text(&holder.scopes().join(" "))))
        .insert_header(("X-Customer-Id", header_text(customer)))
        .finish()
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
    let mut response = problem.respond(dialect.status(problem.status_code()));
    let headers = response.headers_mut();
    headers.insert(
        "X-Verify-Code".parse().expect("it is a header's name"),
        problem.code().parse().expect("codes are plain letters"),
    );
    response
}

/// Text as a header's value: control characters, `%` and everything beyond ASCII percent-encoded as UTF-8, so that
/// `Größe` reads `Gr%C3%B6%C3%9Fe` and decoding gives back exactly the text.
fn header_text(text: &str) -> String {
    utf8_percent_encode(text, NOT_IN_A_HEADER).to_string()
}
