//! `/v1/authorize`, described.

use serde_json::json;
use utoipa::openapi::{
    ArrayBuilder, HttpMethod, PathItem, ResponseBuilder,
    path::{
        Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, ParameterStyle,
        PathItemBuilder,
    },
    security::SecurityRequirement,
};

use super::{
    document,
    parts::{
        always, cannot_know, count, header, parameter, problem, problem_body, refusal_body,
        retry_after, text, with_standing,
    },
};
use crate::verify::Code;

/// Gateways forward the method of their caller, and every method is really checked.
const METHODS: [(HttpMethod, &str); 8] = [
    (HttpMethod::Get, "authorize"),
    (HttpMethod::Post, "authorizePost"),
    (HttpMethod::Put, "authorizePut"),
    (HttpMethod::Patch, "authorizePatch"),
    (HttpMethod::Delete, "authorizeDelete"),
    (HttpMethod::Head, "authorizeHead"),
    (HttpMethod::Options, "authorizeOptions"),
    (HttpMethod::Trace, "authorizeTrace"),
];

/// The address.
pub fn path() -> PathItem {
    let item = METHODS
        .into_iter()
        .fold(PathItemBuilder::new(), |item, (method, id)| item.operation(method, authorize(id)));
    item.build()
}

fn authorize(id: &str) -> Operation {
    let operation = OperationBuilder::new()
        .operation_id(Some(id))
        .tag(document::VERIFICATION)
        .summary(Some("The same question as forward auth"))
        .description(Some(
            "For nginx `auth_request`, Caddy `forward_auth`, Traefik ForwardAuth, Envoy ext_authz and the like: they forward the head of a request, and go by the status of this answer. With any method, since gateways forward their caller’s. The caller’s credential comes as it came: as a Bearer token, as `X-API-Key` or as HTTP Basic; never two of them.",
        ))
        .securities(Some(
            [document::CALLER_BEARER, document::CALLER_BASIC, document::CALLER_API_KEY]
                .map(|caller| {
                    SecurityRequirement::new(document::GATEWAY_HEADER, [""; 0]).add(caller, [""; 0])
                }),
        ))
        .parameters(Some(parameters()))
        .response("200", allowed())
        .response("400", verify_code(problem(
            "Two credentials at once, a key in the caller’s query string, a parameter that is not known, a cost out of range.",
            "Refusal",
            problem_body(400, "Bad Request", "BAD_REQUEST", "Send the key as Authorization or as X-API-Key, not both."),
        )))
        .response("401", verify_code(unauthorized()))
        .response("403", verify_code(forbidden()))
        .response("429", verify_code(with_standing(problem(
            "A rate limit is used up. The refusal spends nothing.",
            "Refusal",
            refusal_body("Too Many Requests", Code::RateLimited),
        ))).header("Retry-After", always(retry_after("Seconds until there is room."))))
        .response("503", verify_code(cannot_know("Refusal")));
    operation.build()
}

fn parameters() -> Vec<Parameter> {
    let scope = ParameterBuilder::new()
        .name("scope")
        .parameter_in(ParameterIn::Query)
        .description(Some(
            "A scope that the call needs. Any number of times up to 99; all are needed.",
        ))
        .schema(Some(ArrayBuilder::new().items(text()).max_items(Some(99))))
        .style(Some(ParameterStyle::Form))
        .explode(Some(true))
        .example(Some(json!(["affiliates:read"])))
        .build();
    let cost = count().minimum(Some(1)).maximum(Some(1_000_000));
    let head = |name: &str, description: &str, example: &str| {
        parameter(name, ParameterIn::Header, text(), description, example)
    };
    vec![
        scope,
        parameter(
            "customer",
            ParameterIn::Query,
            text().max_length(Some(255)),
            "The platform’s own id of the customer whom the call concerns.",
            "cus_42",
        ),
        parameter(
            "cost",
            ParameterIn::Query,
            cost,
            "What the call takes of the rate limits; 1 if it is not told.",
            1,
        ),
        parameter(
            "for",
            ParameterIn::Query,
            text().enum_values(Some(["nginx"])),
            "`nginx` takes 2xx, 401 and 403, and makes 500 of the rest: with it, 400, 429 and 503 come as 403, and `X-Verify-Code` says what it was.",
            "nginx",
        ),
        head(
            "X-Forwarded-For",
            "The caller’s address: the right-most that is no trusted proxy of ours. The gateway has to set it, or the caller could.",
            "203.0.113.9",
        ),
        head("X-Real-IP", "The caller’s address, when there is no X-Forwarded-For.", "203.0.113.9"),
        head(
            "X-Forwarded-Uri",
            "The call’s address. With a key in its query string it is refused. X-Original-URI and X-Original-URL are the same.",
            "/affiliates?page=2",
        ),
        head("Origin", "The page that the caller’s browser is on.", "https://shop.example"),
    ]
}

fn allowed() -> ResponseBuilder {
    let told = |response: ResponseBuilder, name: &str, description: &str, example: &str| {
        response.header(name, always(header(text(), description, example)))
    };
    let answer = ResponseBuilder::new().description(
        "The key may do this. The headers always come, empty where there is nothing to say, so that a caller cannot slip in one of its own.",
    );
    let answer = told(answer, "X-Verify-Code", "VALID.", "VALID");
    let answer = told(answer, "X-Key-Id", "The key’s public key.", "prod_pk_4fTq81LmZx09AbCd");
    let answer = told(
        answer,
        "X-Key-Name",
        "The key’s name; percent-encoded where a header cannot carry it.",
        "Rentmy Production",
    );
    let answer = told(answer, "X-Application-Id", "Its application.", "app_7Kd02mXq91LpZa4T");
    let answer = told(
        answer,
        "X-Key-Scopes",
        "What the key may do as it was presented, with spaces between.",
        "affiliates:read clicks:write",
    );
    with_standing(told(answer, "X-Customer-Id", "The customer that was asked for.", "cus_42"))
}

fn unauthorized() -> ResponseBuilder {
    problem(
        "No to who is calling: the key is missing, malformed, unknown, replaced, revoked, expired, disabled or of another environment. Or the gateway’s own token is not known.",
        "Refusal",
        refusal_body("Unauthorized", Code::Revoked),
    )
    .header(
        "WWW-Authenticate",
        always(header(
            text(),
            "What is wrong (RFC 6750); with realm `latchkey` it is the gateway’s token.",
            r#"Bearer realm="api", error="invalid_token", error_description="This API key was revoked.""#,
        )),
    )
    .header("X-Verify-Stale", header(count(), "As of a 200.", 12))
}

fn forbidden() -> ResponseBuilder {
    with_standing(problem(
        "No to what is called: a scope, the customer or the address. And, `for=nginx`, whatever else nginx does not understand.",
        "Refusal",
        refusal_body("Forbidden", Code::InsufficientScope),
    ))
    .header(
        "WWW-Authenticate",
        header(
            text(),
            "Of INSUFFICIENT_SCOPE: which scopes are needed.",
            r#"Bearer realm="api", error="insufficient_scope", scope="affiliates:read""#,
        ),
    )
    .header("Retry-After", retry_after("With `for=nginx`, of what would be 429."))
}

fn verify_code(response: ResponseBuilder) -> ResponseBuilder {
    response.header(
        "X-Verify-Code",
        always(header(text(), "The verdict’s code, or why there is none.", "RATE_LIMITED")),
    )
}
