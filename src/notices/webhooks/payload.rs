//! What is sent: the same fields for every notice, and never a secret.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use url::Url;

use super::model::TEST;
use crate::notices::Notice;

/// What is told of a notice.
pub fn of(notice: &Notice, base_url: &Url) -> String {
    let mut data = json!({
        "notice_id": notice.id,
        "message": notice.headline(),
        "url": base_url.join(&notice.address()).map_or_else(|_| base_url.to_string(), Into::into),
    });
    if let Some(key) = &notice.key {
        data["key"] = json!({
            "id": key.public_key,
            "name": key.name,
            "application": key.application,
            "environment": key.environment,
            "expires_at": key.expires_at.map(spelled),
        });
    }
    if let Some(days) = notice.days {
        data["days"] = json!(days);
    }
    if let Some(elsewhere) = &notice.elsewhere {
        data["used_in"] = json!(elsewhere);
    }
    if let Some(leak) = &notice.leak {
        data["leak"] = json!({ "reporter": leak.reporter, "outcome": leak.outcome });
        if notice.key.is_none() {
            data["leak"]["credential"] = json!(leak.credential);
        }
    }
    message(notice.kind.event(), notice.at, &data)
}

/// What the test button sends.
pub fn test(now: DateTime<Utc>, base_url: &Url) -> String {
    let data = json!({
        "message": "This is a test. Nothing has happened.",
        "url": base_url.join("/settings/webhooks").map_or_else(|_| base_url.to_string(), Into::into),
    });
    message(TEST, now, &data)
}

fn message(event: &str, at: DateTime<Utc>, data: &Value) -> String {
    json!({ "type": event, "timestamp": spelled(at), "data": data }).to_string()
}

fn spelled(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
