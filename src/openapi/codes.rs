//! The codes of verdicts and problems, from the engine's own list.

use serde_json::{Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type, extensions::ExtensionsBuilder},
};

use crate::verify::{Code, PROBLEM_CODES};

/// What a code means to whoever reads it in a gateway's log.
pub fn meaning(code: Code) -> &'static str {
    match code {
        Code::Valid => "The key may do this.",
        Code::MissingKey => "The caller presented no credential.",
        Code::MalformedKey => {
            "Not spelled like a key: prefix, length, alphabet or checksum. Costs no look-up."
        }
        Code::KeyNotFound => "Well spelled, but there is no such key, or it was deleted.",
        Code::SecretReplaced => "The secret was replaced by a new one; the key itself lives.",
        Code::Revoked => "The key was revoked, for good.",
        Code::Expired => "The key’s last day is over.",
        Code::Disabled => "The key is switched off for now.",
        Code::WrongEnvironment => "The key belongs to another environment than the gateway.",
        Code::IpNotAllowed => "The key is restricted to other addresses, or none was told.",
        Code::CustomerNotAllowed => "The key is restricted to other customers, or none was told.",
        Code::InsufficientScope => "The key lacks one of the scopes that were asked for.",
        Code::RateLimited => {
            "A rate limit is used up, or too many unknown keys came from this address."
        }
    }
}

/// What a code of a problem means: there is no verdict.
pub fn meaning_of_problem(code: &str) -> &'static str {
    match code {
        "BAD_REQUEST" => "The question cannot be understood; `detail` says why.",
        "UNKNOWN_PARTNER" => "The report is not signed by a leak partner.",
        "UNKNOWN_GATEWAY" => "The gateway’s token is missing, malformed, unknown or revoked.",
        "UNKNOWN_APPLICATION" => {
            "The App credentials are missing, malformed, wrong, or of an archived application."
        }
        "NOT_PERMITTED" => "No administrator lets this application manage its keys.",
        "NOT_FOUND" => "There is no such address.",
        "METHOD_NOT_ALLOWED" => "This address does not do this; `Allow` says what it does.",
        "TOO_SLOW" => "The body took longer than 5 seconds.",
        "CONFLICT" => "The key is in no state for this; `detail` says why.",
        "ALREADY_DONE" => {
            "The same was done under this `Idempotency-Key` before. Its secret is not shown again."
        }
        "TOO_LARGE" => "The body is larger than 16 KiB.",
        "NOT_JSON" => "The body is not `application/json`, or it is encoded.",
        "UNPROCESSABLE" => "This `Idempotency-Key` was used for something else.",
        "TOO_MANY_REQUESTS" => "Wait for as long as `Retry-After` says.",
        "UNAVAILABLE" => {
            "It cannot be known now, which is not a no. Ask again after `Retry-After`."
        }
        _ => "",
    }
}

/// Every code of a verdict.
impl PartialSchema for Code {
    fn schema() -> RefOr<Schema> {
        one_of(&Code::ALL, "The verdict’s code. The names never change their meaning.").into()
    }
}

impl ToSchema for Code {}

/// Every code of a refusal.
pub struct RefusalCode;

impl PartialSchema for RefusalCode {
    fn schema() -> RefOr<Schema> {
        let refusals: Vec<Code> =
            Code::ALL.into_iter().filter(|code| *code != Code::Valid).collect();
        one_of(&refusals, "Why not. The checks are made in this order.").into()
    }
}

impl ToSchema for RefusalCode {}

/// Every code of a problem.
pub struct ProblemCode;

impl PartialSchema for ProblemCode {
    fn schema() -> RefOr<Schema> {
        let meanings: Value =
            PROBLEM_CODES.iter().map(|code| (*code, meaning_of_problem(code))).collect();
        let statuses = json!({
            "BAD_REQUEST": 400,
            "UNKNOWN_GATEWAY": 401,
            "UNKNOWN_PARTNER": 401,
            "UNKNOWN_APPLICATION": 401,
            "NOT_PERMITTED": 403,
            "NOT_FOUND": 404,
            "METHOD_NOT_ALLOWED": 405,
            "TOO_SLOW": 408,
            "CONFLICT": 409,
            "ALREADY_DONE": 409,
            "TOO_LARGE": 413,
            "NOT_JSON": 415,
            "UNPROCESSABLE": 422,
            "TOO_MANY_REQUESTS": 429,
            "UNAVAILABLE": 503,
        });
        words(&PROBLEM_CODES, "Why there is no answer.", meanings, statuses).into()
    }
}

impl ToSchema for ProblemCode {}

fn one_of(codes: &[Code], description: &str) -> ObjectBuilder {
    let slugs: Vec<&str> = codes.iter().map(|code| code.slug()).collect();
    let meanings: Value = codes.iter().map(|code| (code.slug(), meaning(*code))).collect();
    let statuses: Value = codes.iter().map(|code| (code.slug(), code.status())).collect();
    words(&slugs, description, meanings, statuses)
}

fn words(words: &[&str], description: &str, meanings: Value, statuses: Value) -> ObjectBuilder {
    let told = ExtensionsBuilder::new()
        .add("x-enumDescriptions", meanings)
        .add("x-enumStatuses", statuses)
        .build();
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description))
        .enum_values(Some(words.iter().map(|word| json!(word))))
        .extensions(Some(told))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_meaning() {
        for code in PROBLEM_CODES {
            assert_ne!(meaning_of_problem(code), "", "{code}");
        }
    }
}
