//! A key gets a new secret from its own application.

use reqwest::Client;
use serde_json::json;

use super::{Answer, Integration};
use crate::support::TestApp;

#[actix_web::test]
async fn a_request_that_is_sent_twice_regenerates_once_and_tells_the_secret_once() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let sync = Integration::permitted(&app, &mut ada, "Warehouse").await;
    let gateway = app.gateway("production");
    let (public_key, old) = sync.key("deploy bot");

    let answer = sync.regenerate(&public_key, "request-1", None).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let new = answer.body["secret"].as_str().unwrap().to_owned();
    assert_eq!(answer.body["key_id"], json!(public_key));
    assert_eq!(answer.body["old_secret_ends_at"], json!(null));
    assert_eq!(app.code(&gateway, &old).await, "SECRET_REPLACED");
    assert_eq!(app.code(&gateway, &new).await, "VALID");
    let basic = app.verify(&gateway, json!({ "basic": answer.body["basic"] })).await;
    assert_eq!(basic["code"], "VALID");

    let again = sync.regenerate(&public_key, "request-1", None).await;
    again.assert_refuses(409, "ALREADY_DONE");
    assert!(!again.body.to_string().contains("_sk_"));
    assert_eq!(app.code(&gateway, &new).await, "VALID", "nothing was changed");

    let different = Some(json!({ "overlap": "1h" }));
    sync.regenerate(&public_key, "request-1", different).await.assert_refuses(422, "UNPROCESSABLE");
    let (another, _) = sync.key("night run");
    sync.regenerate(&another, "request-1", None).await.assert_refuses(422, "UNPROCESSABLE");

    let trail = app.db(|conn| latchkey::audit::recent_for(conn, &public_key, 10)).unwrap();
    let done: Vec<_> = trail.iter().filter(|event| event.action == "key.regenerated").collect();
    assert_eq!(done.len(), 1);
    assert_eq!(done[0].actor, "Warehouse (application)");
    ada.get(&format!("/keys/{public_key}")).await.assert_shows("Warehouse (application)");
}

#[actix_web::test]
async fn of_ten_at_once_one_regenerates() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let sync = Integration::permitted(&app, &mut ada, "Warehouse").await;
    let gateway = app.gateway("production");
    let (public_key, _) = sync.key("deploy bot");
    let asked = (0..10).map(|_| sync.regenerate(&public_key, "request-1", None));
    let answers = futures_util::future::join_all(asked).await;
    let made: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(made.len(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        answer.assert_refuses(409, "ALREADY_DONE");
    }
    let secret = made[0].body["secret"].as_str().unwrap();
    assert_eq!(app.code(&gateway, secret).await, "VALID");
}

#[actix_web::test]
async fn with_an_overlap_both_secrets_work() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let sync = Integration::permitted(&app, &mut ada, "Warehouse").await;
    let gateway = app.gateway("production");
    let (public_key, old) = sync.key("deploy bot");
    let asked = Some(json!({ "overlap": "1h" }));
    let answer = sync.regenerate(&public_key, "request-1", asked).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.body["old_secret_ends_at"].is_string());
    assert_eq!(app.code(&gateway, &old).await, "VALID");
    assert_eq!(app.code(&gateway, answer.body["secret"].as_str().unwrap()).await, "VALID");
}

#[actix_web::test]
async fn what_cannot_be_regenerated_is_left_alone() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let sync = Integration::permitted(&app, &mut ada, "Warehouse").await;
    let other = Integration::permitted(&app, &mut ada, "Storeroom").await;
    let gateway = app.gateway("production");
    let (public_key, secret) = sync.key("deploy bot");
    other.regenerate(&public_key, "request-1", None).await.assert_refuses(404, "NOT_FOUND");
    sync.regenerate("prod_pk_0000000000000000", "1", None).await.assert_refuses(404, "NOT_FOUND");
    sync.regenerate(&secret, "1", None).await.assert_refuses(404, "NOT_FOUND");
    assert_eq!(app.code(&gateway, &secret).await, "VALID");

    let fields = [("reason", ""), ("typed", "deploy bot")];
    ada.post(&format!("/keys/{public_key}/revoke"), &fields).await.assert_status(303);
    sync.regenerate(&public_key, "request-2", None).await.assert_refuses(409, "CONFLICT");
    assert_eq!(app.code(&gateway, &secret).await, "REVOKED");
}

#[actix_web::test]
async fn a_request_that_is_not_understood_says_what_is_wrong() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let sync = Integration::permitted(&app, &mut ada, "Warehouse").await;
    let gateway = app.gateway("production");
    let (public_key, secret) = sync.key("deploy bot");
    let address = app.url(&format!("/v1/application/keys/{public_key}/regenerate"));
    let post = || Client::new().post(&address);
    sync.send(post()).await.assert_refuses(400, "BAD_REQUEST");
    let long = "x".repeat(256);
    for name in ["", " ", "a b", long.as_str()] {
        let named = post().header("Idempotency-Key", name);
        sync.send(named).await.assert_refuses(400, "BAD_REQUEST");
    }
    for body in [
        json!({ "overlap": "2h" }),
        json!({ "overlap": null }),
        json!({ "owner": "me" }),
        json!(["now"]),
        json!("now"),
    ] {
        let answer = sync.regenerate(&public_key, "request-1", Some(body)).await;
        answer.assert_refuses(400, "BAD_REQUEST");
    }
    let form =
        post().header("Idempotency-Key", "1").header("Content-Type", "text/plain").body("now");
    sync.send(form).await.assert_refuses(415, "NOT_JSON");
    sync.send(Client::new().get(&address)).await.assert_refuses(405, "METHOD_NOT_ALLOWED");
    assert_eq!(app.code(&gateway, &secret).await, "VALID", "nothing was changed");
}
