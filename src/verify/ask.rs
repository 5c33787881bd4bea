//! `POST /v1/verify`: a gateway asks, the answer is 200 with the verdict, whatever the verdict.

use std::time::Instant;

use actix_web::{HttpRequest, HttpResponse, web::Payload};

use super::{Engine, answer, body, engine::PATIENCE, gateway, problem::Problem, verdict::Question};
use crate::{logs::Told, metrics::Endpoint};

/// The handler. A key in the query string would end up in logs, so there is no query string at all.
///
/// # Errors
/// When there is no verdict.
pub async fn verify(request: &HttpRequest, payload: Payload) -> Result<HttpResponse, Problem> {
    let engine = Engine::of(request);
    let answer = try_to(engine, request, payload).await;
    answer.inspect_err(|problem| engine.metrics().problem(Endpoint::Verify, problem.code()))
}

async fn try_to(
    engine: &Engine,
    request: &HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let began = Instant::now();
    let asking = gateway::by_bearer(engine, request, began, began + PATIENCE).await?;
    let waited = began.elapsed();
    if !request.query_string().is_empty() {
        return Err(Problem::BadRequest(
            "This address takes no query string; a key never belongs in one.",
        ));
    }
    let bytes = body::read(request, payload).await?;
    let asked = body::parse(&bytes)?;

    let question = Question {
        environment_id: asking.gateway.environment_id,
        environment: asking.gateway.environment(),
        scopes: asked.scopes,
        customer: asked.customer,
        ip: asked.ip,
        origin: asked.origin,
        cost: asked.cost,
    };
    // The time the body took is the caller's; what we wait for Postgres is ours, over both look-ups together.
    let now = Instant::now();
    let judged = engine
        .judge(&asked.credential, &question, now, now + PATIENCE.saturating_sub(waited))
        .await
        .map_err(|_| Problem::CannotKnow)?;
    let took = waited + now.elapsed();
    engine.metrics().verdict(Endpoint::Verify, judged.verdict.code, took);
    let (of, how) = ((&question, &judged.verdict), (Endpoint::Verify, took));
    engine.note(request, &asking.gateway, of, how, || {
        let (method, path) = (asked.method.unwrap_or_default(), asked.path.unwrap_or_default());
        Told { method, path, ..Told::default() }
    });
    Ok(answer::as_json(&judged.verdict, &question, judged.stale.max(asking.stale)))
}
