//! What an application is told of its keys.

use serde_json::json;

use super::Integration;
use crate::support::TestApp;

const KEYS: &str = "/v1/application/keys";

#[actix_web::test]
async fn an_application_sees_its_own_keys_and_no_secret() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let sync = Integration::permitted(&app, &mut ada, "Warehouse").await;
    let other = Integration::permitted(&app, &mut ada, "Storeroom").await;
    let (first, secret) = sync.key("deploy bot");
    let (second, _) = sync.key("night run");
    other.key("somebody else’s");
    ada.post(&format!("/keys/{second}/revoke"), &[("reason", "")]).await.assert_status(303);

    let answer = sync.get(KEYS).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let keys = answer.body["keys"].as_array().unwrap();
    let shown: Vec<_> = keys
        .iter()
        .map(|key| (key["key_id"].as_str().unwrap(), key["status"].as_str().unwrap()))
        .collect();
    assert_eq!(shown, [(first.as_str(), "active"), (second.as_str(), "revoked")]);
    assert_eq!(keys[0]["name"], "deploy bot");
    assert_eq!(keys[0]["environment"], "production");
    assert_eq!(keys[0]["last_used_at"], json!(null));
    assert_eq!(keys[0]["scopes"].as_array().unwrap().len(), 1);
    assert!(!answer.body.to_string().contains("_sk_"), "{}", answer.body);
    assert!(!answer.body.to_string().contains(&secret));
}

#[actix_web::test]
async fn a_long_list_comes_in_parts() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let sync = Integration::permitted(&app, &mut ada, "Warehouse").await;
    let made: Vec<String> = (1..=5).map(|number| sync.key(&format!("key {number}")).0).collect();
    let (mut seen, mut address) = (Vec::new(), format!("{KEYS}?limit=2"));
    loop {
        let part = sync.get(&address).await.body;
        let keys = part["keys"].as_array().unwrap();
        assert!(keys.len() <= 2);
        seen.extend(keys.iter().map(|key| key["key_id"].as_str().unwrap().to_owned()));
        match part["next"].as_str() {
            Some(next) => address = format!("{KEYS}?limit=2&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen, made);

    let other = Integration::permitted(&app, &mut ada, "Storeroom").await;
    for wrong in ["limit=0", "limit=201", "limit=x", "after=x", "status=active", "limit=1&limit=2"]
    {
        let answer = sync.get(&format!("{KEYS}?{wrong}")).await;
        answer.assert_refuses(400, "BAD_REQUEST");
    }
    for elsewhere in [made[0].as_str(), "prod_pk_0000000000000000"] {
        let answer = other.get(&format!("{KEYS}?after={elsewhere}")).await;
        answer.assert_refuses(404, "NOT_FOUND");
    }
}

#[actix_web::test]
async fn usage_is_what_the_gateways_asked_about() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let sync = Integration::permitted(&app, &mut ada, "Warehouse").await;
    let (public_key, secret) = sync.key("deploy bot");
    let gateway = app.gateway("production");
    for _ in 0..3 {
        assert_eq!(app.code(&gateway, &secret).await, "VALID");
    }
    let refused = app.verify(&gateway, json!({ "key": secret, "scopes": ["no:such"] })).await;
    assert_eq!(refused["code"], "INSUFFICIENT_SCOPE");
    app.flush();

    let usage = sync.get(&format!("{KEYS}/{public_key}/usage?days=1")).await.body;
    assert_eq!(usage["key_id"], json!(public_key));
    assert_eq!((&usage["allowed"], &usage["refused"]), (&json!(3), &json!(1)));
    assert_eq!(usage["by_code"], json!({ "VALID": 3, "INSUFFICIENT_SCOPE": 1 }));
    assert_eq!(usage["days"].as_array().unwrap().len(), 1);
    assert!(usage["last_used_at"].is_string());
    let usage = sync.get(&format!("{KEYS}/{public_key}/usage")).await.body;
    assert_eq!(usage["days"].as_array().unwrap().len(), 14);

    for wrong in ["days=0", "days=91", "days=x", "since=1"] {
        let answer = sync.get(&format!("{KEYS}/{public_key}/usage?{wrong}")).await;
        answer.assert_refuses(400, "BAD_REQUEST");
    }
    let other = Integration::permitted(&app, &mut ada, "Storeroom").await;
    for key in [public_key.as_str(), "prod_pk_0000000000000000", "x", "%00", "..%2f1"] {
        let answer = other.get(&format!("{KEYS}/{key}/usage")).await;
        answer.assert_refuses(404, "NOT_FOUND");
    }
}
