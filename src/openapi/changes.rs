//! `GET /v1/changes/{public key}`, described.

use serde_json::json;
use utoipa::openapi::{
    HttpMethod, PathItem,
    path::{OperationBuilder, PathItemBuilder},
    security::SecurityRequirement,
};

use super::{
    document,
    parts::{
        PUBLIC_KEY, answer, cannot_know, json_of, problem, problem_body, public_key,
        unknown_gateway,
    },
};

/// The address.
pub fn path() -> PathItem {
    let found = json!({
        "key_id": PUBLIC_KEY,
        "change": { "id": 812, "at": "2027-01-31T12:00:00.120Z", "status": "revoked" },
        "nodes": [
            {
                "name": "node1",
                "state": "applied",
                "applied_at": "2027-01-31T12:00:00.131Z",
                "after_ms": 11,
                "seen_at": "2027-01-31T12:00:01.002Z",
            },
        ],
        "applied": 1,
        "of": 1,
        "complete": true,
    });
    let operation = OperationBuilder::new()
        .operation_id(Some("changes"))
        .tag(document::VERIFICATION)
        .summary(Some("Prove that a change of a key is in force"))
        .description(Some(
            "The latest change of a key of the gateway’s environment, and which node has applied it since when: after a revocation, who refuses the key.",
        ))
        .security(SecurityRequirement::new(document::GATEWAY_BEARER, [""; 0]))
        .parameter(public_key())
        .response("200", answer("How far the change has come.", json_of("Changes", found)))
        .response("400", problem(
            "There is a query string; this address takes none.",
            "Problem",
            problem_body(
                400,
                "Bad Request",
                "BAD_REQUEST",
                "This address takes no query string; a key never belongs in one.",
            ),
        ))
        .response("401", unknown_gateway("Problem"))
        .response("404", problem(
            "There is no such key in the gateway’s environment.",
            "Problem",
            problem_body(404, "Not Found", "NOT_FOUND", "There’s nothing here."),
        ))
        .response("503", cannot_know("Problem"));
    PathItemBuilder::new().operation(HttpMethod::Get, operation).build()
}
