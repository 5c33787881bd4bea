//! `POST /v1/verify`: a gateway asks, the answer is 200 with the verdict, whatever the verdict.

use std::time::Instant;

use actix_http::{Payload, RequestHead};
use actix_web::HttpResponse;

use super::{
    Engine, answer, body, engine::PATIENCE, gateway, logged::mark, problem::Problem,
    verdict::Question,
};
use crate::{logs::Told, metrics::Endpoint};

/// The handler. A key in the query string would end up in logs, so there is no query string at all.
///
/// # Errors
/// When there is no verdict.
pub async fn verify(
    engine: &Engine,
    head: &RequestHead,
    payload: Payload,
    began: Instant,
) -> Result<HttpResponse, Problem> {
    let answer = try_to(engine, head, payload, began).await;
    answer.inspect_err(|problem| engine.metrics().problem(Endpoint::Verify, problem.code()))
}

async fn try_to(
    engine: &Engine,
    head: &RequestHead,
    payload: Payload,
    began: Instant,
) -> Result<HttpResponse, Problem> {
    let headers = &head.headers;
    let asking = gateway::by_bearer(engine, headers, began, began + PATIENCE).await?;
    if head.uri.query().is_some_and(|query| !query.is_empty()) {
        return Err(Problem::BadRequest(
            "This address takes no query string; a key never belongs in one.",
        ));
    }
    let (bytes, waited) = body::read(headers, payload).await?;
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
    let now = began + waited;
    let judged = engine
        .judge(&asked.credential, &question, now, now + PATIENCE)
        .await
        .map_err(|_| Problem::CannotKnow)?;
    let took = now.elapsed();
    engine.metrics().verdict(Endpoint::Verify, judged.verdict.code, took);
    let (of, how) = ((&question, &judged.verdict), (Endpoint::Verify, took));
    let logged = engine.note(&asking.gateway, of, how, || {
        let (method, path) = (asked.method.unwrap_or_default(), asked.path.unwrap_or_default());
        Told { method, path, ..Told::default() }
    });
    let stale = judged.stale.max(asking.stale);
    Ok(mark(answer::as_json(&judged.verdict, &question, stale), logged))
}
