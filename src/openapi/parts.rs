//! What comes again and again: headers of answers, parameters, problems.

use serde_json::{Value, json};
use utoipa::openapi::{
    Content, ContentBuilder, Header, HeaderBuilder, ObjectBuilder, Ref, Required, Response,
    ResponseBuilder, Type,
    path::{Parameter, ParameterBuilder, ParameterIn},
    schema::SchemaType,
};

use crate::verify::Code;

const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";

/// The public key of the examples.
pub const PUBLIC_KEY: &str = "prod_pk_4fTq81LmZx09AbCd";

/// A string.
pub fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// A whole number that is not negative.
pub fn count() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0))
}

/// A header of an answer.
pub fn header(schema: ObjectBuilder, description: &str, example: impl Into<Value>) -> Header {
    HeaderBuilder::new()
        .schema(Some(schema))
        .description(Some(description))
        .example(Some(example.into()))
        .build()
}

/// A header that an answer always has.
pub fn always(mut header: Header) -> Header {
    // utoipa has no word for it.
    header.extensions = Some([("required", true)].into_iter().collect());
    header
}

/// JSON of a schema.
pub fn json_of(schema: &str, example: Value) -> Content {
    ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).example(Some(example)).build()
}

/// An answer with a JSON body.
pub fn answer(description: &str, content: Content) -> ResponseBuilder {
    ResponseBuilder::new().description(description).content(JSON, content)
}

/// An answer without a verdict, or, to a forward-auth gateway, a refusal.
pub fn problem(description: &str, schema: &str, example: Value) -> ResponseBuilder {
    ResponseBuilder::new().description(description).content(PROBLEM, json_of(schema, example))
}

/// A problem’s body, as an example.
pub fn problem_body(status: u16, title: &str, code: &str, detail: &str) -> Value {
    json!({ "type": "about:blank", "title": title, "status": status, "code": code, "detail": detail })
}

/// A refusal’s body, as an example: with the words that the caller reads.
pub fn refusal_body(title: &str, code: Code) -> Value {
    problem_body(code.status(), title, code.slug(), code.message())
}

/// What a limited key’s answers tell, and how old the facts are if they are.
pub fn with_standing(response: ResponseBuilder) -> ResponseBuilder {
    response
        .header("RateLimit-Policy", rate_limit_policy())
        .header("RateLimit", rate_limit())
        .header("X-Verify-Stale", stale())
}

/// `Retry-After`
pub fn retry_after(description: &str) -> Header {
    header(count(), description, 1)
}

fn rate_limit_policy() -> Header {
    header(
        text(),
        "Of limited keys: each window’s name, its quota `q` and its seconds `w` (draft-ietf-httpapi-ratelimit-headers).",
        r#""second";q=100;w=1, "day";q=1000;w=86400"#,
    )
}

fn rate_limit() -> Header {
    header(
        text(),
        "Of limited keys: each window’s name, what remains `r`, and the seconds `t` until all of it is there again.",
        r#""second";r=99;t=1, "day";r=7;t=4000"#,
    )
}

fn stale() -> Header {
    header(
        count(),
        "Postgres could not be asked: so many seconds old is what this answer rests on, at most 60.",
        12,
    )
}

/// The gateway did not say who it is.
pub fn unknown_gateway(schema: &str) -> ResponseBuilder {
    problem(
        "The gateway’s token is missing, malformed, unknown or revoked; all the same.",
        schema,
        problem_body(401, "Unauthorized", "UNKNOWN_GATEWAY", "A gateway’s token is needed."),
    )
    .header(
        "WWW-Authenticate",
        always(header(text(), "Whose credential is needed.", r#"Bearer realm="latchkey""#)),
    )
}

/// Postgres does not answer, and memory does not know.
pub fn cannot_know(schema: &str) -> ResponseBuilder {
    problem(
        "Postgres does not answer, and the key is not in memory. Not a no: ask again.",
        schema,
        problem_body(
            503,
            "Service Unavailable",
            "UNAVAILABLE",
            "It cannot be known now. Try again in a moment.",
        ),
    )
    .header("Retry-After", always(retry_after("Seconds to wait before asking again.")))
}

/// A parameter that may be left out.
pub fn parameter(
    name: &str,
    place: ParameterIn,
    schema: ObjectBuilder,
    description: &str,
    example: impl Into<Value>,
) -> Parameter {
    let needed = needed(name, place, schema, description, example);
    ParameterBuilder::from(needed).required(Required::False).build()
}

/// A parameter that has to be there.
pub fn needed(
    name: &str,
    place: ParameterIn,
    schema: ObjectBuilder,
    description: &str,
    example: impl Into<Value>,
) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(Required::True)
        .description(Some(description))
        .schema(Some(schema))
        .example(Some(example.into()))
        .build()
}

/// The key that an address is about.
pub fn public_key() -> Parameter {
    needed("key", ParameterIn::Path, text(), "The key’s public key.", PUBLIC_KEY)
}

/// Plain text.
pub fn plain(description: &str, example: &str) -> Response {
    let content = ContentBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(SchemaType::new(Type::String))))
        .example(Some(json!(example)))
        .build();
    ResponseBuilder::new().description(description).content("text/plain", content).build()
}
