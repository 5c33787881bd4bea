//! The page of the nodes, for administrators; `/v1/changes`, for gateways.

use std::time::Instant;

use actix_web::{
    HttpRequest, HttpResponse,
    web::{self, Data, ServiceConfig},
};
use chrono::{SecondsFormat, Utc};
use diesel::prelude::*;
use serde_json::{Value, json};

use super::{
    proof::{Proof, Standing},
    queries, views,
};
use crate::{
    app::App,
    credentials::Presented,
    error::{AppError, AppResult},
    schema::keys,
    verify::{PATIENCE, Problem, by_bearer},
    web::{Layout, page},
};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/settings/nodes").get(index));
}

async fn index(app: Data<App>, layout: Layout) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let nodes = app.db.read(queries::list).await?;
    let now = nodes.first().map_or_else(Utc::now, |node| node.now);
    let this = app.engine.node();
    page(&views::Index { layout, nodes, this, now })
}

/// `GET /v1/changes/{public key}`: which node refuses a key of the gateway's environment, since when.
///
/// # Errors
/// 401, 404 for a key that isn't there, 503.
pub async fn changes_of(
    app: &App,
    request: &HttpRequest,
    public_key: &str,
) -> Result<HttpResponse, Problem> {
    let now = Instant::now();
    let asking = by_bearer(&app.engine, request.headers(), now, now + PATIENCE).await?;
    if !request.query_string().is_empty() {
        return Err(Problem::BadRequest(
            "This address takes no query string; a key never belongs in one.",
        ));
    }
    let Some(Presented::PublicKey(public_key)) = Presented::parse(public_key) else {
        return Err(Problem::NotFound);
    };
    let (public_key, environment_id) = (public_key.to_owned(), asking.gateway.environment_id);
    let asked = public_key.clone();
    let found = app.db.read(move |conn| {
        // Deleted ones too: that they are refused is worth a proof.
        let id: i64 = keys::table
            .filter(keys::public_key.eq(&asked).and(keys::environment_id.eq(environment_id)))
            .select(keys::id)
            .first(conn)?;
        queries::latest_of(conn, id)
    });
    match found.await {
        Ok(proof) => Ok(HttpResponse::Ok().json(told(&public_key, proof.as_ref()))),
        Err(AppError::NotFound) => Err(Problem::NotFound),
        Err(error) => {
            tracing::warn!(?error, "the changes of a key cannot be read");
            Err(Problem::CannotKnow)
        }
    }
}

fn told(public_key: &str, proof: Option<&Proof>) -> Value {
    let nodes = proof.map_or_else(Vec::new, |proof| {
        proof
            .standings()
            .map(|(node, standing)| {
                let after = match standing {
                    Standing::Applied(after) => Some(after),
                    _ => None,
                };
                json!({
                    "name": node.name,
                    "state": state(standing),
                    "applied_at": node.applied_at.map(spell),
                    "after_ms": after,
                    "seen_at": spell(node.seen_at),
                })
            })
            .collect()
    });
    json!({
        "key_id": public_key,
        "change": proof.map(|proof| json!({
            "id": proof.change.id,
            "at": spell(proof.change.at),
            "status": proof.change.status,
        })),
        "nodes": nodes,
        "applied": proof.map_or(0, Proof::applied),
        "of": proof.map_or(0, Proof::of),
        "complete": proof.is_none_or(Proof::is_complete),
    })
}

fn state(standing: Standing) -> &'static str {
    match standing {
        Standing::Applied(_) | Standing::Sometime => "applied",
        Standing::FromTheStart => "started_later",
        Standing::NotYet => "waiting",
        Standing::Silent => "silent",
    }
}

fn spell(at: chrono::DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
