//! `POST /v1/leaks`, described.

use serde_json::json;
use utoipa::openapi::{
    ArrayBuilder, Content, ContentBuilder, HttpMethod, PathItem, Ref, Required,
    path::{OperationBuilder, PathItemBuilder},
    request_body::{RequestBody, RequestBodyBuilder},
    security::SecurityRequirement,
};

use super::{
    document,
    parts::{always, answer, cannot_know, header, problem, problem_body, retry_after, text},
};

/// The address.
pub fn path() -> PathItem {
    let operation = OperationBuilder::new()
        .operation_id(Some("leaks"))
        .tag(document::LEAKS)
        .summary(Some("Report credentials that were found where they should not be"))
        .description(Some(
            "For secret scanners that an administrator has added as leak partners, in the way of GitHub’s secret scanning partner programme. The body is signed as it is sent: ECDSA on P-256 with SHA-256, DER in base64. `Github-Public-Key-Identifier` and `Github-Public-Key-Signature` are as good as the names here. What a report does is the partner’s policy: it is shown to people, or it revokes the key. The same report again changes nothing.",
        ))
        .security(
            SecurityRequirement::new(document::PARTNER_KEY_ID, [""; 0])
                .add(document::PARTNER_SIGNATURE, [""; 0]),
        )
        .request_body(Some(report()))
        .response("200", answer("What is real, in the order of the report. Never the token itself.", labels()))
        .response("400", problem(
            "There is a query string, a header comes twice, or the body is no report.",
            "Problem",
            problem_body(
                400,
                "Bad Request",
                "BAD_REQUEST",
                "This address takes no query string.",
            ),
        ))
        .response("401", problem(
            "The report is not signed, or not by a leak partner; all the same.",
            "Problem",
            problem_body(
                401,
                "Unauthorized",
                "UNKNOWN_PARTNER",
                "The signature of a leak partner is needed.",
            ),
        ).header(
            "WWW-Authenticate",
            always(header(text(), "What is needed.", r#"Signature realm="latchkey""#)),
        ))
        .response("408", problem(
            "The body took longer than 5 seconds. The connection is closed.",
            "Problem",
            problem_body(408, "Request Timeout", "TOO_SLOW", "The body took longer than 5 seconds."),
        ))
        .response("413", problem(
            "The body is larger than 256 KiB. The connection is closed.",
            "Problem",
            problem_body(
                413,
                "Payload Too Large",
                "TOO_LARGE",
                "The report is larger than 256 KiB. Send it in several.",
            ),
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
        .response("429", problem(
            "More than 600 reports came from this address in a minute.",
            "Problem",
            problem_body(
                429,
                "Too Many Requests",
                "TOO_MANY_REQUESTS",
                "Too many requests. Wait for as long as Retry-After says.",
            ),
        ).header("Retry-After", always(retry_after("Seconds until there is room."))))
        .response("503", cannot_know("Problem"));
    PathItemBuilder::new().operation(HttpMethod::Post, operation).build()
}

fn report() -> RequestBody {
    let example = json!([{
        "token": "prod_sk_…",
        "type": "latchkey_secret_key",
        "url": "https://code.example/acme/shop/blob/1f2e/.env",
        "source": "content",
    }]);
    RequestBodyBuilder::new()
        .description(Some("At most 1000 finds and 256 KiB, within 5 seconds."))
        .content("application/json", list_of("Found", 1_000, example))
        .required(Some(Required::True))
        .build()
}

fn labels() -> Content {
    let example = json!([{
        "token_hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "token_type": "latchkey_secret_key",
        "label": "true_positive",
    }]);
    list_of("Label", 1_000, example)
}

fn list_of(schema: &str, at_most: usize, example: serde_json::Value) -> Content {
    let list =
        ArrayBuilder::new().items(Ref::from_schema_name(schema)).max_items(Some(at_most)).build();
    ContentBuilder::new().schema(Some(list)).example(Some(example)).build()
}
