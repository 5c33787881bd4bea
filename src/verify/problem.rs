//! How `/v1` says that it cannot answer: `application/problem+json` (RFC 9457). Nothing of what was sent is repeated.

use std::fmt;

use actix_web::{
    HttpResponse, HttpResponseBuilder, ResponseError,
    http::{StatusCode, header},
};
use serde_json::json;

/// The challenge of a gateway that did not say who it is.
const GATEWAY_CHALLENGE: &str = r#"Bearer realm="latchkey""#;

/// The challenge of an application that did not.
const APPLICATION_CHALLENGE: &str = r#"Basic realm="latchkey", charset="UTF-8""#;

/// The challenge of whoever reports a leak and did not sign it.
const PARTNER_CHALLENGE: &str = r#"Signature realm="latchkey""#;

/// What a problem may be called, see [`Problem::code`].
pub const PROBLEM_CODES: [&str; 15] = [
    "BAD_REQUEST",
    "UNKNOWN_GATEWAY",
    "UNKNOWN_APPLICATION",
    "UNKNOWN_PARTNER",
    "NOT_PERMITTED",
    "NOT_FOUND",
    "METHOD_NOT_ALLOWED",
    "TOO_SLOW",
    "CONFLICT",
    "ALREADY_DONE",
    "TOO_LARGE",
    "NOT_JSON",
    "UNPROCESSABLE",
    "TOO_MANY_REQUESTS",
    "UNAVAILABLE",
];

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// 400, and what is wrong with it.
    BadRequest(&'static str),
    /// 401: absent, malformed, revoked or something else altogether; all the same.
    UnknownGateway,
    /// 401: an application’s credentials are absent, malformed, wrong, or those of one that is archived; all the same.
    UnknownApplication,
    /// 401, of leak reports: no signature, or not that of a partner; all the same.
    UnknownPartner,
    /// 403: no administrator lets this application manage its keys.
    NotPermitted,
    /// 404
    NotFound,
    /// 405, and what would be allowed.
    MethodNotAllowed(&'static str),
    /// 408
    TooSlow,
    /// 409, and what is in the way.
    Conflict(&'static str),
    /// 409: the same was asked before; its answer had a secret in it and is given once.
    DoneBefore,
    /// 413
    TooLarge,
    /// 413, of leak reports, which may be larger.
    LargeReport,
    /// 415
    NotJson,
    /// 422, and what does not go together.
    Unprocessable(&'static str),
    /// 429
    TooMany { retry_after_seconds: u64 },
    /// 503: Postgres did not say, which is not a no.
    CannotKnow,
    /// Anything that went wrong elsewhere, by its status.
    Other(StatusCode),
}

impl Problem {
    /// The word for programs, as in `X-Verify-Code`.
    pub fn code(self) -> &'static str {
        match self {
            Self::BadRequest(_) => "BAD_REQUEST",
            Self::UnknownGateway => "UNKNOWN_GATEWAY",
            Self::UnknownApplication => "UNKNOWN_APPLICATION",
            Self::UnknownPartner => "UNKNOWN_PARTNER",
            Self::NotPermitted => "NOT_PERMITTED",
            Self::NotFound => "NOT_FOUND",
            Self::MethodNotAllowed(_) => "METHOD_NOT_ALLOWED",
            Self::TooSlow => "TOO_SLOW",
            Self::Conflict(_) => "CONFLICT",
            Self::DoneBefore => "ALREADY_DONE",
            Self::TooLarge | Self::LargeReport => "TOO_LARGE",
            Self::NotJson => "NOT_JSON",
            Self::Unprocessable(_) => "UNPROCESSABLE",
            Self::TooMany { .. } => "TOO_MANY_REQUESTS",
            Self::CannotKnow => "UNAVAILABLE",
            Self::Other(status) if status.is_client_error() => "BAD_REQUEST",
            Self::Other(_) => "UNAVAILABLE",
        }
    }

    fn detail(self) -> &'static str {
        match self {
            Self::BadRequest(detail) | Self::Conflict(detail) | Self::Unprocessable(detail) => {
                detail
            }
            Self::UnknownGateway => "A gateway’s token is needed.",
            Self::UnknownApplication => {
                "App credentials are needed: App ID and App Secret as Basic."
            }
            Self::UnknownPartner => "The signature of a leak partner is needed.",
            Self::NotPermitted => {
                "This application may not manage its keys. An administrator can let it on its page."
            }
            Self::NotFound => "There’s nothing here.",
            Self::MethodNotAllowed(_) => "This address doesn’t do this.",
            Self::TooSlow => "The body took longer than 5 seconds.",
            Self::DoneBefore => {
                "This was done under the same Idempotency-Key before; the secret cannot be shown again."
            }
            Self::TooLarge => "The body is larger than 16 KiB.",
            Self::LargeReport => "The report is larger than 256 KiB. Send it in several.",
            Self::NotJson => "The body must be application/json, not encoded otherwise.",
            Self::TooMany { .. } => "Too many requests. Wait for as long as Retry-After says.",
            Self::CannotKnow => "It cannot be known now. Try again in a moment.",
            Self::Other(_) => "This cannot be answered.",
        }
    }

    /// The answer, with a status that may differ from the problem's own.
    pub fn respond(self, status: StatusCode) -> HttpResponse {
        let mut response = begin(status);
        match self {
            Self::UnknownGateway => {
                response.insert_header((header::WWW_AUTHENTICATE, GATEWAY_CHALLENGE));
            }
            Self::UnknownApplication => {
                response.insert_header((header::WWW_AUTHENTICATE, APPLICATION_CHALLENGE));
            }
            Self::UnknownPartner => {
                response.insert_header((header::WWW_AUTHENTICATE, PARTNER_CHALLENGE));
            }
            Self::TooMany { retry_after_seconds } => {
                response.insert_header((header::RETRY_AFTER, retry_after_seconds));
            }
            Self::MethodNotAllowed(allowed) => {
                response.insert_header((header::ALLOW, allowed));
            }
            Self::CannotKnow => {
                response.insert_header((header::RETRY_AFTER, 1));
            }
            Self::TooSlow | Self::TooLarge | Self::LargeReport => {
                response.force_close();
            }
            _ => {}
        }
        response.body(body(status, self.code(), self.detail()))
    }
}

/// A problem's answer, without its body yet.
pub fn begin(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response.insert_header((header::CONTENT_TYPE, "application/problem+json"));
    response
}

/// A problem's body.
pub fn body(status: StatusCode, code: &str, detail: &str) -> String {
    json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or("Error"),
        "status": status.as_u16(),
        "code": code,
        "detail": detail,
    })
    .to_string()
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.detail())
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::UnknownGateway | Self::UnknownApplication | Self::UnknownPartner => {
                StatusCode::UNAUTHORIZED
            }
            Self::NotPermitted => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict(_) | Self::DoneBefore => StatusCode::CONFLICT,
            Self::TooLarge | Self::LargeReport => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Unprocessable(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::CannotKnow => StatusCode::SERVICE_UNAVAILABLE,
            Self::Other(status) => *status,
        }
    }

    fn error_response(&self) -> HttpResponse {
        self.respond(self.status_code())
    }
}
