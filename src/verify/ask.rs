//! `POST /v1/verify`: a gateway asks, the answer is 200 with the verdict, whatever the verdict.

use std::time::Instant;

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};

use super::{Engine, answer, body, engine::PATIENCE, gateway, problem::Problem, verdict::Question};
use crate::metrics::Endpoint;

/// The handler. A key in the query string would end up in logs, so there is no query string at all.
pub async fn verify(
    engine: Data<Engine>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let answer = try_to(&engine, &request, payload).await;
    answer.inspect_err(|problem| engine.metrics().problem(Endpoint::Verify, problem.code()))
}

async fn try_to(
    engine: &Engine,
    request: &HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let began = Instant::now();
    let asking = gateway::by_bearer(engine, request, began + PATIENCE).await?;
    let waited = began.elapsed();
    if !request.query_string().is_empty() {
        return Err(Problem::BadRequest(
            "This address takes no query string; a key never belongs in one.",
        ));
    }
    let asked = body::read(request, payload).await?;

    let question = Question {
        environment_id: asking.gateway.environment_id,
        environment: &asking.gateway.environment,
        scopes: asked.borrowed_scopes(),
        customer: asked.customer.as_deref().map(Into::into),
        ip: asked.ip,
        origin: asked.origin.as_deref().map(Into::into),
        cost: asked.cost,
    };
    // The time the body took is the caller's; what we wait for Postgres is ours, over both look-ups together.
    let read_at = Instant::now();
    let deadline = read_at + PATIENCE.saturating_sub(waited);
    let (verdict, stale) = engine
        .judge(&asked.credential, &question, deadline)
        .await
        .map_err(|_| Problem::CannotKnow)?;
    engine.metrics().verdict(Endpoint::Verify, verdict.code, waited + read_at.elapsed());
    Ok(answer::as_json(&verdict, asking.gateway.environment.as_ref(), stale.max(asking.stale)))
}
