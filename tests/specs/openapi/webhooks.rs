//! What webhooks are really told is what the document says they are.

use std::collections::BTreeSet;

use chrono::{TimeDelta, Utc};
use latchkey::changes::Change;
use serde_json::{Value, json};

use super::{answers::assert_has_the_members, document};
use crate::{
    leaks::Scanner,
    notices::{look, pass},
    sending::{
        receiver::Receiver,
        webhooks::{ALL, add, start},
    },
};

#[actix_web::test]
async fn everything_that_is_told_is_described() {
    let app = start();
    let document = document(&app).await;
    let (production, sandbox) = (app.gateway("production"), app.gateway("sandbox"));
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let receiver = Receiver::start();
    let (id, _) = add(&mut ada, &receiver.url(), ALL).await;

    let key = app.key_with(None, "deploy bot", |new| {
        new.expires_at = Some(Utc::now() + TimeDelta::days(15));
    });
    assert_eq!(app.code(&production, &key.secret).await, "VALID");
    assert_eq!(app.code(&sandbox, &key.secret).await, "WRONG_ENVIRONMENT");
    look(&app);
    pass(&app, 36);
    look(&app);
    pass(&app, 15 * 24);
    app.forget(Change::Key(key.key.id));
    assert_eq!(app.code(&production, &key.secret).await, "EXPIRED");
    look(&app);
    let scanner = Scanner::new("scanner-1");
    scanner.is_added(&mut ada, "GitHub", "notify").await;
    for token in [&key.secret, &production] {
        let found = json!([{ "token": token, "type": "latchkey", "url": "https://a.example/b" }]);
        assert_eq!(scanner.report(&app, &found.to_string()).await.0, 200);
    }
    ada.post(&format!("/settings/webhooks/{id}/test"), &[]).await.assert_status(303);

    // Five notices, the token’s leak, and the test.
    let received = receiver.has_received(7);
    let mut events = BTreeSet::new();
    for received in &received {
        let message = received.json();
        let event = message["type"].as_str().unwrap().to_owned();
        let described = &document["webhooks"][&event]["post"];
        for header in described["parameters"].as_array().unwrap() {
            let name = header["name"].as_str().unwrap();
            assert!(received.headers.contains_key(name), "{name}: {received:?}");
        }
        let content = &described["requestBody"]["content"]["application/json"];
        assert_fits(&document, &content["schema"], &message);
        // The example has what a real one has, in the same order, but for what may be there or not.
        if event != "leak.reported" {
            assert_eq!(members(&content["example"]), members(&message), "{event}");
        }
        events.insert(event);
    }
    let described = document["webhooks"].as_object().unwrap();
    assert_eq!(events, described.keys().cloned().collect(), "each event has been seen");
}

/// The names of the members and of what is in them.
fn members(message: &Value) -> Vec<String> {
    let Some(object) = message.as_object() else { return Vec::new() };
    let inner = |(name, value): (&String, &Value)| {
        let inside = members(value).into_iter().map(move |member| format!("{name}.{member}"));
        [name.clone()].into_iter().chain(inside).collect::<Vec<_>>()
    };
    object.iter().flat_map(inner).collect()
}

/// It is what the schema says, down to the last member.
#[track_caller]
fn assert_fits(document: &Value, schema: &Value, value: &Value) {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap();
        assert_has_the_members(document, name, value);
        assert_fits(document, &document["components"]["schemas"][name], value);
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        assert_fits(document, part, value);
    }
    if let Some(known) = schema["enum"].as_array() {
        assert!(known.contains(value), "{value} is none of {known:?}");
    }
    let types = match &schema["type"] {
        Value::Array(types) => types.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    };
    let is = match value {
        Value::Null => "null",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Object(_) => "object",
        Value::Bool(_) | Value::Array(_) => panic!("nothing of that sort is told: {value}"),
    };
    assert!(types.is_empty() || types.contains(&json!(is)), "{value} is not of {types:?}");
    for member in schema["required"].as_array().into_iter().flatten() {
        assert!(value.get(member.as_str().unwrap()).is_some(), "{member} is missing: {value}");
    }
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(value) = value.get(name) {
            assert_fits(document, schema, value);
        }
    }
}
