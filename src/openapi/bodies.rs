//! What is sent and answered as JSON. Only its shape is told here: the engine reads and writes in its own, faster way,
//! and specs hold the two together.

#![expect(dead_code, reason = "what has only a shape is never made")]

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type,
        schema::{AnyOfBuilder, OneOfBuilder, Ref},
    },
};

use super::codes::{ProblemCode, RefusalCode};

/// What a gateway asks about one call. At most one of `key` and `basic`; everything but the credential is optional,
/// and members that are not listed are refused.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// What the caller presented: a secret key, or a public key alone.
    #[schema(examples("prod_sk_…"))]
    key: Option<String>,
    /// What the caller presented as HTTP Basic: base64 of `public key:secret key`, or of `App ID:App Secret`.
    #[schema(examples("cHJvZF9wa1/igKY="))]
    basic: Option<String>,
    /// The scopes that the call needs, all of them.
    #[schema(max_items = 99, examples(json!(["affiliates:read"])))]
    scopes: Option<Vec<String>>,
    /// The platform’s own id of the customer whom the call concerns. Empty is none.
    #[schema(max_length = 255, examples("cus_42"))]
    customer: Option<String>,
    /// The caller’s address.
    #[schema(schema_with = ip)]
    ip: Option<String>,
    /// What the caller’s browser sent as `Origin`.
    #[schema(examples("https://shop.example"))]
    origin: Option<String>,
    /// The call’s method, for the log.
    #[schema(examples("GET"))]
    method: Option<String>,
    /// The call’s path. With a key in its query string the question is refused.
    #[schema(examples("/affiliates"))]
    path: Option<String>,
    /// What the call takes of the rate limits; 1 if it is not told.
    #[schema(minimum = 1, maximum = 1_000_000, examples(1))]
    cost: Option<u32>,
}

/// A credential that a scanner found. Members that are not listed are passed over.
#[derive(ToSchema)]
pub struct Found {
    /// What was found.
    token: String,
    /// The scanner’s word for its kind.
    #[schema(rename = "type", max_length = 200, examples("latchkey_secret_key"))]
    kind: String,
    /// Where it was found.
    #[schema(examples("https://code.example/acme/shop/blob/1f2e/.env"))]
    url: Option<String>,
    /// The scanner’s word for that kind of place.
    #[schema(max_length = 200, examples("content"))]
    source: Option<String>,
}

/// Whether what was found is a credential.
#[derive(ToSchema)]
pub struct Label {
    /// SHA-256 of the token, hexadecimal.
    #[schema(examples("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"))]
    token_hash: String,
    /// The kind, as it was sent.
    #[schema(examples("latchkey_secret_key"))]
    token_type: String,
    /// `true_positive` for a credential that was handed out here, whether or not it still works; else `false_positive`.
    #[schema(examples("true_positive"))]
    label: String,
}

/// A yes.
#[derive(ToSchema)]
pub struct Accepted {
    #[schema(schema_with = yes)]
    valid: bool,
    #[schema(schema_with = valid)]
    code: String,
    #[schema(schema_with = ok)]
    status: u16,
    /// The key’s public key; null when an application identified itself.
    #[schema(required = true, examples("prod_pk_4fTq81LmZx09AbCd"))]
    key_id: Option<String>,
    /// The name of the key, or of the application that identified itself.
    #[schema(examples("Rentmy Production"))]
    name: String,
    /// The App ID of the application it belongs to.
    #[schema(examples("app_7Kd02mXq91LpZa4T"))]
    application_id: String,
    /// The environment’s slug.
    #[schema(examples("production"))]
    environment: String,
    /// What the key may do as it was presented.
    #[schema(examples(json!(["affiliates:read"])))]
    scopes: Vec<String>,
    /// The customers it is restricted to; null when it is for all of them.
    #[schema(required = true)]
    customers: Option<Vec<String>>,
    /// When it ends; null when it does not.
    #[schema(required = true)]
    expires_at: Option<DateTime<Utc>>,
    /// The tightest of its limits; null when it has none.
    #[schema(required = true)]
    rate_limit: Option<RateLimit>,
}

/// A no. What is known of the key is told as well.
#[derive(ToSchema)]
pub struct Refused {
    #[schema(schema_with = no)]
    valid: bool,
    /// Why not.
    code: RefusalCode,
    #[schema(schema_with = refusal_status)]
    status: u16,
    /// The key’s public key, when there is such a key.
    #[schema(nullable = false, examples("prod_pk_4fTq81LmZx09AbCd"))]
    key_id: Option<String>,
    /// For the gateway’s log and the key’s owner.
    detail: String,
    /// Safe to pass to the caller.
    message: String,
    /// How the tightest limit stands, when it was asked.
    #[schema(nullable = false)]
    rate_limit: Option<RateLimit>,
}

/// How the tightest limit stands after this question.
#[derive(ToSchema)]
pub struct RateLimit {
    /// Requests in a window.
    #[schema(minimum = 1, examples(100))]
    limit: u32,
    /// Of these, how many are left now.
    #[schema(examples(99))]
    remaining: u32,
    /// Seconds until all of them are there again.
    #[schema(examples(60))]
    reset_seconds: u64,
    /// On a refusal: seconds until there is room for this question.
    #[schema(nullable = false)]
    retry_after_seconds: Option<u64>,
}

/// How far the latest change of a key has come.
#[derive(ToSchema)]
pub struct Changes {
    /// The key’s public key.
    key_id: String,
    /// Null for a key that was never changed.
    #[schema(required = true)]
    change: Option<Change>,
    nodes: Vec<Node>,
    /// So many nodes have applied it.
    applied: u32,
    /// Of so many that have to.
    of: u32,
    /// All of them have.
    complete: bool,
}

/// A change of a key.
#[derive(ToSchema)]
pub struct Change {
    id: i64,
    at: DateTime<Utc>,
    /// What it made of the key.
    #[schema(examples("revoked"))]
    status: String,
}

/// A process that verifies.
#[derive(ToSchema)]
pub struct Node {
    name: String,
    /// `applied`, `started_later`, `waiting`, or `silent`: it was not seen for so long that it answers 503 by itself.
    #[schema(examples("applied"))]
    state: String,
    #[schema(required = true)]
    applied_at: Option<DateTime<Utc>>,
    /// Milliseconds from the change to its being applied.
    #[schema(required = true)]
    after_ms: Option<i64>,
    /// When it was last in touch with Postgres.
    seen_at: DateTime<Utc>,
}

/// Why there is no verdict (RFC 9457). Nothing of what was sent is repeated.
#[derive(ToSchema)]
pub struct Problem {
    #[schema(rename = "type", schema_with = about_blank)]
    r#type: String,
    /// The status in words.
    title: String,
    /// The status as a number.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// Why there is no verdict, for programs.
    code: ProblemCode,
    /// What is wrong.
    detail: String,
}

/// A refusal, as the caller may read it (RFC 9457): forward-auth gateways hand it on.
#[derive(ToSchema)]
pub struct Refusal {
    #[schema(rename = "type", schema_with = about_blank)]
    r#type: String,
    /// The status in words.
    title: String,
    /// The status as a number.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    #[schema(schema_with = any_code)]
    code: String,
    /// Safe to read for the caller.
    detail: String,
}

/// The question, with what utoipa has no word for: not both credentials.
pub fn question() -> RefOr<Schema> {
    let mut schema = Question::schema();
    if let RefOr::T(Schema::Object(object)) = &mut schema {
        let text = json!({ "type": "string" });
        let both =
            json!({ "required": ["key", "basic"], "properties": { "key": text, "basic": text } });
        object.extensions = Some([("not", both)].into_iter().collect());
    }
    schema
}

/// Either way 200: the verdict is in the body.
pub fn verdict() -> Schema {
    let (yes, no) = (Ref::from_schema_name("Accepted"), Ref::from_schema_name("Refused"));
    OneOfBuilder::new().item(yes).item(no).description(Some("A yes or a no.")).build().into()
}

fn ip() -> Schema {
    let address = |format| {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(format)))
    };
    AnyOfBuilder::new()
        .item(address(KnownFormat::Ipv4))
        .item(address(KnownFormat::Ipv6))
        .item(ObjectBuilder::new().schema_type(Type::Null))
        .description(Some("The caller’s address."))
        .examples(["203.0.113.9"])
        .build()
        .into()
}

fn yes() -> ObjectBuilder {
    let text = Some("The key may do this.");
    ObjectBuilder::new().schema_type(Type::Boolean).description(text).enum_values(Some([true]))
}

fn no() -> ObjectBuilder {
    let text = Some("The key may not do this.");
    ObjectBuilder::new().schema_type(Type::Boolean).description(text).enum_values(Some([false]))
}

fn valid() -> ObjectBuilder {
    let text = Some("The verdict’s code.");
    ObjectBuilder::new().schema_type(Type::String).description(text).enum_values(Some(["VALID"]))
}

fn ok() -> ObjectBuilder {
    let text = Some("What the caller should see.");
    ObjectBuilder::new().schema_type(Type::Integer).description(text).enum_values(Some([200]))
}

fn refusal_status() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .description(Some("What the caller should see."))
        .enum_values(Some([401, 403, 429]))
}

fn about_blank() -> ObjectBuilder {
    let text = Some("Nothing more than the status says (RFC 9457).");
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(text)
        .enum_values(Some([json!("about:blank")]))
}

fn any_code() -> RefOr<Schema> {
    let (refusal, problem) =
        (Ref::from_schema_name("RefusalCode"), Ref::from_schema_name("ProblemCode"));
    Schema::from(
        AnyOfBuilder::new()
            .item(refusal)
            .item(problem)
            .description(Some("The verdict’s code, or why there is none."))
            .build(),
    )
    .into()
}
