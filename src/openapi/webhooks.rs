//! What webhooks are told, described: each kind of notice, and the test. The examples are what would really be sent.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use url::Url;
use utoipa::openapi::{
    AllOfBuilder, ContentBuilder, HttpMethod, ObjectBuilder, PathItem, Paths, PathsBuilder, Ref,
    Required, ResponseBuilder,
    path::{OperationBuilder, ParameterIn, PathItemBuilder},
    request_body::{RequestBody, RequestBodyBuilder},
};

use super::{
    document,
    parts::{PUBLIC_KEY, count, needed, text},
};
use crate::notices::{
    AboutKey, AboutLeak, Kind, Notice,
    webhooks::{TEST, payload},
};

/// By their events.
pub fn webhooks(base_url: &Url) -> Paths {
    let mut paths = PathsBuilder::new();
    for (kind, slug, event, label) in Kind::ALL {
        let body = body(event, always(kind), &payload::of(&example(kind), base_url));
        paths = paths.path(event, told(slug, label, kind.when(), body));
    }
    let test = body(TEST, &[], &payload::test(noon(), base_url));
    let when = "When an administrator presses **Send a test**.";
    paths.path(TEST, told("test", "A test", when, test)).build()
}

fn told(slug: &str, label: &str, when: &str, body: RequestBody) -> PathItem {
    let answer = |description: &str| ResponseBuilder::new().description(description);
    let operation = OperationBuilder::new()
        .operation_id(Some(format!("webhook_{slug}")))
        .tag(document::WEBHOOKS)
        .summary(Some(label))
        .description(Some(when))
        .securities(Some([]))
        .parameter(needed(
            "webhook-id",
            ParameterIn::Header,
            text(),
            "What this is called, the same in every attempt: whoever has had it passes it over.",
            "msg_018f2b8e3f4a4c559d1e0a1b2c3d4e5f",
        ))
        .parameter(needed(
            "webhook-timestamp",
            ParameterIn::Header,
            count(),
            "When this attempt was made, in seconds since 1970. Refuse what is more than five minutes away.",
            noon().timestamp(),
        ))
        .parameter(needed(
            "webhook-signature",
            ParameterIn::Header,
            text(),
            "`v1,` and HMAC-SHA-256 in base64, over the id, the timestamp and the body as it came, with dots between them. Its key is what follows `whsec_` in the secret, decoded from base64. While a replaced secret still counts there are two, with a space between them.",
            "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
        ))
        .request_body(Some(body))
        .response("2XX", answer("It has arrived."))
        .response("410", answer("No more of these: the webhook is switched off."))
        .response("default", answer(
            "Anything else, and none within 10 seconds: it is tried again after 5 seconds, 5 and 30 minutes, 2, 5, 10 and 14 hours. Redirects are not followed.",
        ));
    PathItemBuilder::new().operation(HttpMethod::Post, operation).build()
}

/// A message of that event, in which these members of `data` are always there.
fn body(event: &str, always: &[&str], example: &str) -> RequestBody {
    let data = always.iter().fold(ObjectBuilder::new(), |data, member| data.required(*member));
    let of_event = ObjectBuilder::new()
        .property("type", text().enum_values(Some([event])))
        .property("data", data);
    let schema = AllOfBuilder::new().item(Ref::from_schema_name("WebhookMessage")).item(of_event);
    let example: Value = serde_json::from_str(example).expect("what is sent is JSON");
    let content = ContentBuilder::new().schema(Some(schema)).example(Some(example)).build();
    RequestBodyBuilder::new()
        .content("application/json", content)
        .required(Some(Required::True))
        .build()
}

fn always(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::KeyExpires => &["notice_id", "key", "days"],
        Kind::KeyUsedAfterExpiry | Kind::KeyUsedElsewhere | Kind::KeyFirstUsed => {
            &["notice_id", "key"]
        }
        Kind::LeakReported => &["notice_id", "leak"],
    }
}

fn example(kind: Kind) -> Notice {
    let key = AboutKey {
        public_key: PUBLIC_KEY.into(),
        name: "Order sync".into(),
        application: "Storefront".into(),
        environment: "Production".into(),
        expires_at: Some(noon() + TimeDelta::days(3)),
    };
    let leak = AboutLeak {
        reporter: "GitHub".into(),
        credential: String::new(),
        outcome: "revoked".into(),
    };
    Notice {
        id: 42,
        kind,
        at: noon(),
        key: Some(key),
        days: (kind == Kind::KeyExpires).then_some(3),
        elsewhere: (kind == Kind::KeyUsedElsewhere).then(|| "Staging".into()),
        leak: (kind == Kind::LeakReported).then_some(leak),
    }
}

/// The instant of all examples: 2027-01-31 12:00 UTC.
fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_801_396_800, 0).unwrap_or_default()
}
