//! `POST /v1/verify`, described.

use serde_json::json;
use utoipa::openapi::{
    ContentBuilder, HttpMethod, PathItem, Required, ResponseBuilder,
    path::{Operation, OperationBuilder, PathItemBuilder},
    request_body::{RequestBody, RequestBodyBuilder},
    security::SecurityRequirement,
};

use super::{
    bodies, document,
    parts::{
        always, answer, cannot_know, header, json_of, problem, problem_body, retry_after, text,
        unknown_gateway, with_standing,
    },
};
use crate::verify::Code;

/// The address.
pub fn path() -> PathItem {
    PathItemBuilder::new()
        .operation(HttpMethod::Post, verify())
        .operation(HttpMethod::Options, options())
        .build()
}

fn verify() -> Operation {
    OperationBuilder::new()
        .operation_id(Some("verify"))
        .tag(document::VERIFICATION)
        .summary(Some("Ask whether a key may do something"))
        .description(Some(
            "For gateways, and for code that reads its callers’ credentials itself. The answer is **200** with the verdict, whatever the verdict: `valid` says it, `code` says why, and `status` is what your caller should see. There is no query string: a key never belongs in one.",
        ))
        .security(SecurityRequirement::new(document::GATEWAY_BEARER, [""; 0]))
        .request_body(Some(question()))
        .response("200", verdict())
        .response("400", bad_request())
        .response("401", unknown_gateway("Problem"))
        .response("408", problem(
            "The body took longer than 5 seconds. The connection is closed.",
            "Problem",
            problem_body(408, "Request Timeout", "TOO_SLOW", "The body took longer than 5 seconds."),
        ))
        .response("413", problem(
            "The body is larger than 16 KiB. The connection is closed.",
            "Problem",
            problem_body(413, "Payload Too Large", "TOO_LARGE", "The body is larger than 16 KiB."),
        ))
        .response("415", problem(
            "The body is not `application/json`, or it is compressed.",
            "Problem",
            problem_body(
                415,
                "Unsupported Media Type",
                "NOT_JSON",
                "The body must be application/json, not encoded otherwise.",
            ),
        ))
        .response("503", cannot_know("Problem"))
        .build()
}

/// Browsers do not ask here, so there is no CORS.
fn options() -> Operation {
    let allow = always(header(text(), "What this address does.", "OPTIONS, POST"));
    OperationBuilder::new()
        .operation_id(Some("verifyOptions"))
        .tag(document::VERIFICATION)
        .summary(Some("What the address of verify does"))
        .description(Some("Without CORS: browsers do not ask here, gateways do."))
        .securities(Some([]))
        .response(
            "204",
            ResponseBuilder::new().description("The methods, in `Allow`.").header("Allow", allow),
        )
        .build()
}

fn question() -> RequestBody {
    let example = json!({
        "key": "prod_sk_…",
        "scopes": ["affiliates:read"],
        "customer": "cus_42",
        "ip": "203.0.113.9",
        "method": "GET",
        "path": "/affiliates",
        "cost": 1,
    });
    RequestBodyBuilder::new()
        .description(Some("At most 16 KiB, within 5 seconds."))
        .content("application/json", json_of("Question", example))
        .required(Some(Required::True))
        .build()
}

fn verdict() -> ResponseBuilder {
    let yes = json!({
        "valid": true,
        "code": "VALID",
        "status": 200,
        "key_id": "prod_pk_4fTq81LmZx09AbCd",
        "name": "Rentmy Production",
        "application_id": "app_7Kd02mXq91LpZa4T",
        "environment": "production",
        "scopes": ["affiliates:read"],
        "customers": null,
        "expires_at": null,
        "rate_limit": { "limit": 100, "remaining": 99, "reset_seconds": 1 },
    });
    let no = json!({
        "valid": false,
        "code": "EXPIRED",
        "status": 401,
        "key_id": "prod_pk_4fTq81LmZx09AbCd",
        "detail": "It expired on 2027-01-31.",
        "message": Code::Expired.message(),
    });
    let content = ContentBuilder::new()
        .schema(Some(bodies::verdict()))
        .examples_from_iter([("A yes", example(yes)), ("A no", example(no))])
        .build();
    with_standing(answer("The verdict.", content))
        .header("Retry-After", retry_after("Of RATE_LIMITED: seconds until there is room."))
}

fn example(value: serde_json::Value) -> utoipa::openapi::example::Example {
    utoipa::openapi::example::ExampleBuilder::new().value(Some(value)).build()
}

fn bad_request() -> ResponseBuilder {
    problem(
        "Two credentials at once, a key in the query string, a member that is not known or of another type, a cost out of range.",
        "Problem",
        problem_body(400, "Bad Request", "BAD_REQUEST", "Send key or basic, not both."),
    )
}
