//! How a verdict is told: as JSON to whoever asked, as fields of the HTTP answer to the gateway in between.

use std::{borrow::Cow, fmt::Write, time::Duration};

use actix_web::{
    HttpResponse, HttpResponseBuilder,
    http::header::{self, HeaderName, HeaderValue},
};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::{
    code::Code,
    json::Json,
    verdict::{Holder, Question, Verdict},
};
use crate::limits::{Spending, Standing};

static RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
static RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
static JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The answer of `POST /v1/verify`.
pub fn as_json(
    verdict: &Verdict,
    question: &Question<'_>,
    stale: Option<Duration>,
) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    add_fields(&mut response, verdict, stale);
    let mut response = response.body(body(verdict, question));
    response.headers_mut().append(header::CONTENT_TYPE, JSON.clone());
    response
}

/// The verdict as JSON.
pub fn body(verdict: &Verdict, question: &Question<'_>) -> Vec<u8> {
    let mut json = match verdict.code {
        Code::Valid => yes(verdict, question),
        _ => no(verdict),
    };
    json.written("}");
    json.end()
}

fn yes(verdict: &Verdict, question: &Question<'_>) -> Json {
    let mut json = Json::begin(r#"{"valid":true,"code":"VALID","status":200,"key_id":"#);
    match verdict.holder.key_id() {
        Some(key_id) => json.text(key_id),
        None => json.written("null"),
    };
    json.written(r#","name":"#).text(verdict.holder.name());
    json.written(r#","application_id":"#).text(verdict.holder.application_id());
    // A key of another environment is not accepted.
    json.written(r#","environment":"#).text(question.environment);
    // A list that was written before; an application that identified itself has none.
    let scopes = verdict.permissions.as_ref().map_or("[]", |listed| listed.json.get());
    json.written(r#","scopes":"#).written(scopes);
    let (customers, expires_at) = match &verdict.holder {
        Holder::Key(key) => (&*key.rare().customers, key.expires_at()),
        _ => (&[][..], None),
    };
    json.written(r#","customers":"#);
    match customers {
        [] => json.written("null"),
        customers => json.list(customers.iter().map(AsRef::as_ref)),
    };
    json.written(r#","expires_at":"#);
    match expires_at {
        Some(at) => json.moment(at),
        None => json.written("null"),
    };
    json.written(r#","rate_limit":"#);
    match verdict.spending.as_ref().and_then(Spending::tightest) {
        Some(standing) => rate_limit(&mut json, standing, None),
        None => {
            json.written("null");
        }
    }
    json
}

fn no(verdict: &Verdict) -> Json {
    let code = verdict.code;
    let mut json = Json::begin(r#"{"valid":false,"code":"#);
    json.text(code.slug()).written(r#","status":"#).number(code.status());
    if let Some(key_id) = verdict.holder.key_id() {
        json.written(r#","key_id":"#).text(key_id);
    }
    json.written(r#","detail":"#).text(&verdict.detail);
    json.written(r#","message":"#).text(code.message());
    if let Some(spending) = &verdict.spending
        && let Some(standing) = spending.tightest()
    {
        json.written(r#","rate_limit":"#);
        let retry_after = (!spending.admitted).then_some(spending.retry_after_seconds);
        rate_limit(&mut json, standing, retry_after);
    }
    json
}

fn rate_limit(json: &mut Json, standing: &Standing, retry_after_seconds: Option<u64>) {
    json.written(r#"{"limit":"#).number(standing.limit.requests);
    json.written(r#","remaining":"#).number(standing.remaining);
    json.written(r#","reset_seconds":"#).number(standing.reset_seconds);
    if let Some(seconds) = retry_after_seconds {
        json.written(r#","retry_after_seconds":"#).number(seconds);
    }
    json.written("}");
}

/// What both addresses add to an answer: how old the facts are, and how the limits stand.
pub fn add_fields(response: &mut HttpResponseBuilder, verdict: &Verdict, stale: Option<Duration>) {
    if let Some(age) = stale {
        response.insert_header(("X-Verify-Stale", age.as_secs()));
    }
    let Some(spending) = &verdict.spending else { return };
    let (policy, standing) = rate_limit_fields(spending);
    response.insert_header((RATE_LIMIT_POLICY.clone(), policy));
    response.insert_header((RATE_LIMIT.clone(), standing));
    if !spending.admitted {
        response.insert_header((header::RETRY_AFTER, spending.retry_after_seconds));
    }
}

/// `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers: lists of a window's name with its
/// quota `q` and window `w`, and with what remains `r` and the seconds `t` until all of it is there again.
fn rate_limit_fields(spending: &Spending) -> (String, String) {
    let (mut policy, mut standing) = (String::new(), String::new());
    for one in &spending.standings {
        let comma = if policy.is_empty() { "" } else { ", " };
        let (limit, name) = (one.limit, one.limit.window());
        let _ = write!(policy, r#"{comma}"{name}";q={};w={}"#, limit.requests, limit.per_seconds);
        let _ = write!(standing, r#"{comma}"{name}";r={};t={}"#, one.remaining, one.reset_seconds);
    }
    (policy, standing)
}

/// What a header cannot carry as it is, and the percent sign itself. Everything beyond ASCII is encoded anyway.
const NOT_IN_A_HEADER: &AsciiSet = &CONTROLS.add(b'%');

/// Text as a header's value: control characters, `%` and everything beyond ASCII percent-encoded as UTF-8, so that
/// `Größe` reads `Gr%C3%B6%C3%9Fe` and decoding gives back exactly the text.
pub fn header_value(text: &str) -> HeaderValue {
    let encoded = Cow::from(utf8_percent_encode(text, NOT_IN_A_HEADER));
    HeaderValue::from_str(&encoded).expect("what is left is visible ASCII")
}

impl Holder {
    /// The public key, for keys.
    pub fn key_id(&self) -> Option<&str> {
        match self {
            Self::Key(key) => Some(key.public_key()),
            Self::Application(_) | Self::Nobody => None,
        }
    }

    /// Of the key, or of the application that identified itself.
    pub fn name(&self) -> &str {
        match self {
            Self::Key(key) => key.name(),
            Self::Application(application) => application.name(),
            Self::Nobody => "",
        }
    }

    pub fn application_id(&self) -> &str {
        match self {
            Self::Key(key) => &key.home.app_id,
            Self::Application(application) => application.public_id(),
            Self::Nobody => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limit;

    #[test]
    fn limits_are_told_as_structured_fields() {
        let standing = |requests, per_seconds, remaining, reset_seconds| Standing {
            limit: Limit { requests, per_seconds },
            remaining,
            reset_seconds,
        };
        let spending = Spending {
            admitted: true,
            retry_after_seconds: 0,
            never: None,
            standings: vec![standing(100, 1, 99, 1), standing(1000, 86_400, 7, 4000)].into(),
        };
        let (policy, standing) = rate_limit_fields(&spending);
        assert_eq!(policy, r#""second";q=100;w=1, "day";q=1000;w=86400"#);
        assert_eq!(standing, r#""second";r=99;t=1, "day";r=7;t=4000"#);
    }
}
