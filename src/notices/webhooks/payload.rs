//! What is sent: the same fields for every notice, and never a secret.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use url::Url;
use utoipa::{
    ToSchema,
    openapi::{ObjectBuilder, Type},
};

use super::model::TEST;
use crate::notices::{Kind, Notice};

/// What has happened. More members may be added: pass over what is not known.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookMessage)]
pub struct Message {
    #[schema(schema_with = events)]
    r#type: &'static str,
    /// When it happened.
    #[schema(value_type = DateTime<Utc>, examples("2027-01-31T12:00:00.120Z"))]
    timestamp: String,
    /// What there is to say of it.
    data: Data,
}

/// What there is to say of something that has happened. Never a secret.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookData)]
pub struct Data {
    /// The notice’s number in the inbox.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples(42))]
    notice_id: Option<i64>,
    /// It in a sentence, for people.
    #[schema(examples("“Order sync” expires within 3 days"))]
    message: String,
    /// Where in the console more of it is told.
    #[schema(examples("https://keys.example.com/keys/prod_pk_4fTq81LmZx09AbCd"))]
    url: String,
    /// So many days before its expiry: 14, 3 or 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples(3))]
    days: Option<i64>,
    /// The environment of the gateway that asked, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("Staging"))]
    used_in: Option<String>,
    /// The key as it was when this was written; left out if what leaked is no key’s secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    key: Option<Key>,
    /// What was reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    leak: Option<Leak>,
}

/// The key that it is about.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookKey)]
pub struct Key {
    /// Its public key.
    #[schema(examples("prod_pk_4fTq81LmZx09AbCd"))]
    id: String,
    /// What people call it.
    #[schema(examples("Order sync"))]
    name: String,
    /// The name of its application.
    #[schema(examples("Storefront"))]
    application: String,
    /// The name of its environment.
    #[schema(examples("Production"))]
    environment: String,
    /// When it ends; null when it does not.
    #[schema(required = true, value_type = Option<DateTime<Utc>>)]
    expires_at: Option<String>,
}

/// A credential that was found where it should not be.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookLeak)]
pub struct Leak {
    /// Who found it.
    #[schema(examples("GitHub"))]
    reporter: String,
    /// What the report did: `notified` nothing but this, `revoked` the key, `stopped` a replaced secret
    /// that still worked.
    #[schema(examples("revoked"))]
    outcome: String,
    /// What leaked when it is no key’s secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("The App Secret of Storefront"))]
    credential: Option<String>,
}

/// What is told of a notice.
pub fn of(notice: &Notice, base_url: &Url) -> String {
    let key = notice.key.as_ref().map(|key| Key {
        id: key.public_key.clone(),
        name: key.name.clone(),
        application: key.application.clone(),
        environment: key.environment.clone(),
        expires_at: key.expires_at.map(spelled),
    });
    let leak = notice.leak.as_ref().map(|leak| Leak {
        reporter: leak.reporter.clone(),
        outcome: leak.outcome.clone(),
        credential: notice.key.is_none().then(|| leak.credential.clone()),
    });
    let data = Data {
        notice_id: Some(notice.id),
        days: notice.days,
        used_in: notice.elsewhere.clone(),
        key,
        leak,
        ..Data::about(&notice.headline(), base_url, &notice.address())
    };
    message(notice.kind.event(), notice.at, data)
}

/// What the test button sends.
pub fn test(now: DateTime<Utc>, base_url: &Url) -> String {
    let data = Data::about("This is a test. Nothing has happened.", base_url, "/settings/webhooks");
    message(TEST, now, data)
}

impl Data {
    fn about(message: &str, base_url: &Url, address: &str) -> Self {
        Self {
            notice_id: None,
            message: message.to_owned(),
            url: base_url.join(address).map_or_else(|_| base_url.to_string(), Into::into),
            days: None,
            used_in: None,
            key: None,
            leak: None,
        }
    }
}

fn message(event: &'static str, at: DateTime<Utc>, data: Data) -> String {
    let message = Message { r#type: event, timestamp: spelled(at), data };
    serde_json::to_string(&message).expect("text and numbers can be written as JSON")
}

fn spelled(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn events() -> ObjectBuilder {
    let events = Kind::ALL.iter().map(|(kind, ..)| kind.event()).chain([TEST]);
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("What kind of thing has happened."))
        .enum_values(Some(events))
}
