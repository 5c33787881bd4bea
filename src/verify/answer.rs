//! How a verdict is told: as JSON to whoever asked, as fields of the HTTP answer to the gateway in between.

use std::{fmt::Write, time::Duration};

use actix_web::{
    HttpResponse, HttpResponseBuilder,
    http::header::{self, HeaderValue},
};
use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::{
    code::Code,
    verdict::{Holder, Question, Verdict},
};
use crate::limits::Spending;

#[derive(Serialize)]
struct Yes<'a> {
    valid: bool,
    code: &'static str,
    status: u16,
    key_id: Option<&'a str>,
    name: &'a str,
    application_id: &'a str,
    environment: &'a str,
    scopes: Scopes<'a>,
    customers: Option<&'a [Box<str>]>,
    expires_at: Option<DateTime<Utc>>,
    rate_limit: Option<RateLimit>,
}

/// A list that was written before; an application that identified itself has none.
struct Scopes<'a>(Option<&'a RawValue>);

impl Serialize for Scopes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(list) => list.serialize(serializer),
            None => serializer.collect_seq::<[(); 0]>([]),
        }
    }
}

#[derive(Serialize)]
struct No<'a> {
    valid: bool,
    code: &'static str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<&'a str>,
    detail: &'a str,
    message: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_limit: Option<RateLimit>,
}

#[derive(Serialize)]
struct RateLimit {
    limit: u32,
    remaining: u32,
    reset_seconds: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_seconds: Option<u64>,
}

/// What an answer without lists and limits has room in.
const USUAL_LENGTH: usize = 512;

static JSON: HeaderValue = HeaderValue::from_static("application/json");
static NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// The answer of `POST /v1/verify`.
pub fn as_json(
    verdict: &Verdict,
    question: &Question<'_>,
    stale: Option<Duration>,
) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    add_fields(&mut response, verdict, stale);
    let mut response = response.body(body(verdict, question));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, JSON.clone());
    headers.insert(header::CACHE_CONTROL, NO_STORE.clone());
    response
}

/// The verdict as JSON.
pub fn body(verdict: &Verdict, question: &Question<'_>) -> Vec<u8> {
    let rate_limit = verdict.spending.as_ref().and_then(rate_limit);
    let code = verdict.code;
    if code != Code::Valid {
        return written(&No {
            valid: false,
            code: code.slug(),
            status: code.status(),
            key_id: verdict.holder.key_id(),
            detail: &verdict.detail,
            message: code.message(),
            rate_limit,
        });
    }
    let (customers, expires_at) = match &verdict.holder {
        Holder::Key(key) => (&*key.rare().customers, key.expires_at()),
        _ => (&[][..], None),
    };
    written(&Yes {
        valid: true,
        code: code.slug(),
        status: code.status(),
        key_id: verdict.holder.key_id(),
        name: verdict.holder.name(),
        application_id: verdict.holder.application_id(),
        // A key of another environment is not accepted.
        environment: question.environment,
        scopes: Scopes(verdict.permissions.as_ref().map(|listed| &*listed.json)),
        customers: Some(customers).filter(|customers| !customers.is_empty()),
        expires_at,
        rate_limit,
    })
}

fn written(answer: &impl Serialize) -> Vec<u8> {
    let mut text = Vec::with_capacity(USUAL_LENGTH);
    serde_json::to_writer(&mut text, answer).expect("memory takes whatever is written to it");
    text
}

/// What both addresses add to an answer: how old the facts are, and how the limits stand.
pub fn add_fields(response: &mut HttpResponseBuilder, verdict: &Verdict, stale: Option<Duration>) {
    if let Some(age) = stale {
        response.insert_header(("X-Verify-Stale", age.as_secs()));
    }
    let Some(spending) = &verdict.spending else { return };
    let (policy, standing) = rate_limit_fields(spending);
    response.insert_header(("RateLimit-Policy", policy)).insert_header(("RateLimit", standing));
    if !spending.admitted {
        response.insert_header((header::RETRY_AFTER, spending.retry_after_seconds));
    }
}

fn rate_limit(spending: &Spending) -> Option<RateLimit> {
    spending.tightest().map(|standing| RateLimit {
        limit: standing.limit.requests,
        remaining: standing.remaining,
        reset_seconds: standing.reset_seconds,
        retry_after_seconds: (!spending.admitted).then_some(spending.retry_after_seconds),
    })
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
    use crate::limits::{Limit, Standing};

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
