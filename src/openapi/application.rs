//! `/v1/application`, described: what an application does with its own keys.

use serde_json::json;
use utoipa::openapi::{
    HttpMethod, ObjectBuilder, PathItem, ResponseBuilder, Type,
    path::{OperationBuilder, Parameter, ParameterIn, PathItemBuilder},
    request_body::RequestBodyBuilder,
    security::SecurityRequirement,
};

use super::{
    document,
    parts::{
        PUBLIC_KEY, always, answer, cannot_know, header, json_of, needed, parameter, problem,
        problem_body, public_key, retry_after, text,
    },
};

/// `GET /v1/application/keys`
pub fn keys() -> PathItem {
    let example = json!({
        "keys": [{
            "key_id": PUBLIC_KEY,
            "name": "Rentmy Production",
            "environment": "production",
            "status": "active",
            "all_permissions": false,
            "sections": [],
            "scopes": ["affiliates:read"],
            "rate_limits": [{ "limit": 100, "window_seconds": 1 }],
            "secret_created_at": "2027-01-01T12:00:00.000Z",
            "created_at": "2027-01-01T12:00:00.000Z",
            "expires_at": null,
            "last_used_at": "2027-01-31T12:00:00.120Z",
        }],
        "next": null,
    });
    let operation = begin("applicationKeys", "List the application’s keys")
        .description(Some(
            "In the order they were made, whatever their status; deleted ones are left out. Secrets are never listed.",
        ))
        .parameter(parameter(
            "limit",
            ParameterIn::Query,
            whole(200),
            "At most so many keys; 50 if it is not told.",
            50,
        ))
        .parameter(parameter(
            "after",
            ParameterIn::Query,
            text().pattern(Some("^[a-z]{2,8}_pk_[0-9A-Za-z]{16}$")),
            "Goes on after the key with this public key: what `next` said before.",
            PUBLIC_KEY,
        ))
        .response("200", answer("Some keys, and from where to go on.", json_of("ApplicationKeys", example)))
        .response(
            "400",
            bad_request("The list takes limit, from 1 to 200, and after, a key’s public key."),
        )
        .response("404", not_found());
    PathItemBuilder::new().operation(HttpMethod::Get, operation).build()
}

/// `GET /v1/application/keys/{key}/usage`
pub fn usage() -> PathItem {
    let example = json!({
        "key_id": PUBLIC_KEY,
        "since": "2027-01-31T00:00:00.000Z",
        "last_used_at": "2027-01-31T12:00:00.120Z",
        "allowed": 1200,
        "refused": 3,
        "by_code": { "VALID": 1200, "RATE_LIMITED": 3 },
        "days": [{ "date": "2027-01-31", "allowed": 1200, "refused": 3 }],
    });
    let operation = begin("applicationKeyUsage", "Read how a key is used")
        .description(Some("Requests by day (UTC) and by verdict, exactly counted."))
        .parameter(public_key())
        .parameter(parameter(
            "days",
            ParameterIn::Query,
            whole(90),
            "So many days back, today included; 14 if it is not told.",
            14,
        ))
        .response("200", answer("How often it was used.", json_of("KeyUsage", example)))
        .response("400", bad_request("The usage takes days, from 1 to 90."))
        .response("404", not_found());
    PathItemBuilder::new().operation(HttpMethod::Get, operation).build()
}

/// `POST /v1/application/keys/{key}/regenerate`
pub fn regenerate() -> PathItem {
    let made = json!({
        "key_id": PUBLIC_KEY,
        "secret": "prod_sk_…",
        "basic": "cHJvZF9wa1/igKY=",
        "old_secret_ends_at": "2027-01-31T13:00:00.000Z",
    });
    let body = RequestBodyBuilder::new()
        .description(Some("At most 16 KiB. Without a body the old secret stops at once."))
        .content("application/json", json_of("Regeneration", json!({ "overlap": "1h" })))
        .build();
    let conflict = problem_body(
        409,
        "Conflict",
        "ALREADY_DONE",
        "This was done under the same Idempotency-Key before; the secret cannot be shown again.",
    );
    let operation = begin("applicationKeyRegenerate", "Give a key a new secret")
        .description(Some(
            "The answer is the only one that has the secret. Sent again under the same `Idempotency-Key`, within a week, the request changes nothing and answers 409.",
        ))
        .parameter(public_key())
        .parameter(idempotency_key())
        .request_body(Some(body))
        .response("200", answer("The new secret, this once.", json_of("Regenerated", made)))
        .response("400", bad_request(
            "An Idempotency-Key of 1 to 255 visible ASCII characters is needed, new for each regeneration.",
        ))
        .response("404", not_found())
        .response("408", one("The body was slow.", 408, "Request Timeout", "TOO_SLOW", "The body took longer than 5 seconds."))
        .response("409", problem(
            "It was done before, or the key is revoked or has expired.",
            "Problem",
            conflict,
        ))
        .response("413", one("The body is too large.", 413, "Payload Too Large", "TOO_LARGE", "The body is larger than 16 KiB."))
        .response("415", one(
            "The body is something else.",
            415,
            "Unsupported Media Type",
            "NOT_JSON",
            "The body must be application/json, not encoded otherwise.",
        ))
        .response("422", one(
            "The name was used for another key or another overlap.",
            422,
            "Unprocessable Entity",
            "UNPROCESSABLE",
            "This Idempotency-Key was used for something else. Choose another for another request.",
        ));
    PathItemBuilder::new().operation(HttpMethod::Post, operation).build()
}

/// What all of them have: who asks, and how it may fail.
fn begin(id: &str, summary: &str) -> OperationBuilder {
    let unknown = problem(
        "The App credentials are missing, malformed, wrong, or of an archived application; all the same.",
        "Problem",
        problem_body(
            401,
            "Unauthorized",
            "UNKNOWN_APPLICATION",
            "App credentials are needed: App ID and App Secret as Basic.",
        ),
    )
    .header(
        "WWW-Authenticate",
        always(header(text(), "Whose credential is needed.", r#"Basic realm="latchkey""#)),
    );
    let too_many = one(
        "More than 120 requests a minute.",
        429,
        "Too Many Requests",
        "TOO_MANY_REQUESTS",
        "Too many requests. Wait for as long as Retry-After says.",
    )
    .header("Retry-After", always(retry_after("Seconds to wait.")));
    OperationBuilder::new()
        .operation_id(Some(id))
        .tag(document::APPLICATION)
        .summary(Some(summary))
        .security(SecurityRequirement::new(document::APPLICATION_BASIC, [""; 0]))
        .response("401", unknown)
        .response("403", one(
            "No administrator lets this application manage its keys.",
            403,
            "Forbidden",
            "NOT_PERMITTED",
            "This application may not manage its keys. An administrator can let it on its page.",
        ))
        .response("429", too_many)
        .response("503", cannot_know("Problem"))
}

fn one(description: &str, status: u16, title: &str, code: &str, detail: &str) -> ResponseBuilder {
    problem(description, "Problem", problem_body(status, title, code, detail))
}

fn bad_request(detail: &str) -> ResponseBuilder {
    one("The question cannot be understood.", 400, "Bad Request", "BAD_REQUEST", detail)
}

fn not_found() -> ResponseBuilder {
    one("The application has no such key.", 404, "Not Found", "NOT_FOUND", "There’s nothing here.")
}

fn whole(most: u32) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(most))
}

fn idempotency_key() -> Parameter {
    needed(
        "Idempotency-Key",
        ParameterIn::Header,
        text().min_length(Some(1)).max_length(Some(255)).pattern(Some("^[!-~]+$")),
        "What you call this request: visible ASCII, new for each regeneration (draft-ietf-httpapi-idempotency-key-header).",
        "8e03978e-40d5-43e8-bc93-6894a57f9324",
    )
}
