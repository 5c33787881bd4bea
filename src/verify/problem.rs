//! How `/v1` says that it cannot answer: `application/problem+json` (RFC 9457). Nothing of what was sent is repeated.

use std::fmt;

use actix_web::{
    HttpResponse, HttpResponseBuilder, ResponseError,
    http::{StatusCode, header},
};
use serde_json::json;

/// The challenge of a gateway that did not say who it is.
const GATEWAY_CHALLENGE: &str = r#"Bearer realm="latchkey""#;

/// What a problem may be called, see [`Problem::code`].
pub const PROBLEM_CODES: [&str; 8] = [
    "BAD_REQUEST",
    "UNKNOWN_GATEWAY",
    "NOT_FOUND",
    "METHOD_NOT_ALLOWED",
    "TOO_SLOW",
    "TOO_LARGE",
    "NOT_JSON",
    "UNAVAILABLE",
];

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// 400, and what is wrong with it.
    BadRequest(&'static str),
    /// 401: absent, malformed, revoked or something else altogether; all the same.
    UnknownGateway,
    /// 404
    NotFound,
    /// 405, and what would be allowed.
    MethodNotAllowed(&'static str),
    /// 408
    TooSlow,
    /// 413
    TooLarge,
    /// 415
    NotJson,
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
            Self::NotFound => "NOT_FOUND",
            Self::MethodNotAllowed(_) => "METHOD_NOT_ALLOWED",
            Self::TooSlow => "TOO_SLOW",
            Self::TooLarge => "TOO_LARGE",
            Self::NotJson => "NOT_JSON",
            Self::CannotKnow => "UNAVAILABLE",
            Self::Other(status) if status.is_client_error() => "BAD_REQUEST",
            Self::Other(_) => "UNAVAILABLE",
        }
    }

    fn detail(self) -> &'static str {
        match self {
            Self::BadRequest(detail) => detail,
            Self::UnknownGateway => "A gateway’s token is needed.",
            Self::NotFound => "There’s nothing here.",
            Self::MethodNotAllowed(_) => "This address doesn’t do this.",
            Self::TooSlow => "The body took longer than 5 seconds.",
            Self::TooLarge => "The body is larger than 16 KiB.",
            Self::NotJson => "The body must be application/json, not encoded otherwise.",
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
            Self::MethodNotAllowed(allowed) => {
                response.insert_header((header::ALLOW, allowed));
            }
            Self::CannotKnow => {
                response.insert_header((header::RETRY_AFTER, 1));
            }
            Self::TooSlow | Self::TooLarge => {
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
            Self::UnknownGateway => StatusCode::UNAUTHORIZED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::CannotKnow => StatusCode::SERVICE_UNAVAILABLE,
            Self::Other(status) => *status,
        }
    }

    fn error_response(&self) -> HttpResponse {
        self.respond(self.status_code())
    }
}
