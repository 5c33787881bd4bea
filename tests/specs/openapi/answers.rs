//! Answers have the members that the document lists, and no others.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::document;
use crate::support::TestApp;

#[actix_web::test]
async fn real_answers_have_the_members_that_are_listed() {
    let app = TestApp::start();
    let document = document(&app).await;
    let gateway = app.gateway("production");
    let limited = app.key_with(None, "limited", |new| new.limits = TestApp::limit(2, 3600));
    let plain = app.key_with(None, "plain", |_| {});

    let ask = async |question: Value| app.verify(&gateway, question).await;
    let key = |secret: &str| json!({ "key": secret });
    let answers = [
        ("VALID", ask(key(&plain.secret)).await),
        ("VALID", ask(key(&limited.secret)).await),
        ("VALID", ask(key(&limited.secret)).await),
        ("RATE_LIMITED", ask(key(&limited.secret)).await),
        ("INSUFFICIENT_SCOPE", ask(json!({ "key": plain.secret, "scopes": ["no:such"] })).await),
        ("MISSING_KEY", ask(json!({})).await),
        ("MALFORMED_KEY", ask(key("x")).await),
    ];
    for (code, answer) in &answers {
        assert_eq!(answer["code"], *code, "{answer}");
        let schema = if *code == "VALID" { "Accepted" } else { "Refused" };
        assert_has_the_members(&document, schema, answer);
        if !answer["rate_limit"].is_null() {
            assert_has_the_members(&document, "RateLimit", &answer["rate_limit"]);
        }
        assert!(is_listed(&document, "Code", answer), "{answer}");
    }

    let client = reqwest::Client::new();
    let problems = [
        ("Problem", client.post(app.url("/v1/verify"))),
        ("Problem", client.post(app.url("/v1/verify")).bearer_auth(&gateway)),
        ("Refusal", client.get(app.url("/v1/authorize"))),
        ("Refusal", client.get(app.url("/v1/authorize")).header("X-Gateway-Token", &gateway)),
    ];
    for (schema, request) in problems {
        let problem: Value =
            serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap();
        assert_has_the_members(&document, schema, &problem);
        let lists = ["ProblemCode", "RefusalCode"];
        assert!(lists.iter().any(|list| is_listed(&document, list, &problem)), "{problem}");
    }
}

#[actix_web::test]
async fn the_proof_of_a_change_has_the_members_that_are_listed() {
    let app = TestApp::start();
    let document = document(&app).await;
    let gateway = app.gateway("production");
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut ada = app.sign_in(&ada).await;
    ada.post(&format!("{}/disable", key.page()), &[]).await.assert_status(303);
    let address = app.url(&format!("/v1/changes/{}", key.public_key()));
    let client = reqwest::Client::new();
    let ask = async || {
        let told = client.get(&address).bearer_auth(&gateway).send().await.unwrap();
        serde_json::from_str::<Value>(&told.text().await.unwrap()).unwrap()
    };
    let (asked_at, mut told) = (Instant::now(), ask().await);
    while told["applied"] != 1 {
        assert!(asked_at.elapsed() < Duration::from_secs(10), "{told}");
        told = ask().await;
    }
    assert_has_the_members(&document, "Changes", &told);
    assert_has_the_members(&document, "Change", &told["change"]);
    assert_has_the_members(&document, "Node", &told["nodes"][0]);
}

#[actix_web::test]
async fn every_code_has_a_meaning_and_a_status() {
    let app = TestApp::start();
    let document = document(&app).await;
    for list in ["Code", "RefusalCode", "ProblemCode"] {
        let schema = &document["components"]["schemas"][list];
        for code in schema["enum"].as_array().unwrap() {
            let code = code.as_str().unwrap();
            assert!(schema["x-enumDescriptions"][code].as_str().unwrap().len() > 10, "{code}");
            assert!(
                (200..600).contains(&schema["x-enumStatuses"][code].as_u64().unwrap()),
                "{code}"
            );
        }
    }
}

#[track_caller]
pub fn assert_has_the_members(document: &Value, schema: &str, answer: &Value) {
    let schema = &document["components"]["schemas"][schema];
    for member in answer.as_object().unwrap().keys() {
        assert!(schema["properties"][member].is_object(), "{member} is not listed: {answer}");
    }
    for member in schema["required"].as_array().unwrap() {
        assert!(answer.get(member.as_str().unwrap()).is_some(), "{member} is missing: {answer}");
    }
}

fn is_listed(document: &Value, list: &str, answer: &Value) -> bool {
    document["components"]["schemas"][list]["enum"].as_array().unwrap().contains(&answer["code"])
}
