//! Seed 003, “Troubleshooting”: what to look at when a request is refused, and that it helps.

use serde_json::json;

use super::{is, valid, verdict};
use crate::support::TestApp;

fn licensing() -> TestApp {
    let app = TestApp::start_blank();
    app.preset("licensing");
    app.application("Website");
    app
}

/// “401 Unauthorized: Verify that the key is Active”
#[actix_web::test]
async fn a_401_says_that_the_key_is_disabled_and_enabling_it_helps() {
    let app = licensing();
    let gateway = app.gateway("production");
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "Website");
    let mut ada = app.sign_in(&ada).await;
    ada.post(&format!("{}/disable", key.page()), &[]).await.assert_leads_to(&key.page());
    assert_eq!(verdict(&app, &gateway, &key.secret, &[]).await, is("DISABLED", 401));
    ada.get("/keys").await.assert_shows("Inactive");

    ada.post(&format!("{}/enable", key.page()), &[]).await.assert_leads_to(&key.page());
    assert_eq!(verdict(&app, &gateway, &key.secret, &[]).await, valid());
}

/// “and hasn’t Expired.”
#[actix_web::test]
async fn a_401_says_that_the_key_has_expired() {
    let app = licensing();
    let gateway = app.gateway("production");
    let ada = app.administrator("Ada");
    let key = app.key_with(Some(&ada), "Website", |new| {
        new.expires_at = Some(chrono::Utc::now() - chrono::TimeDelta::seconds(1));
    });
    assert_eq!(verdict(&app, &gateway, &key.secret, &[]).await, is("EXPIRED", 401));
    app.sign_in(&ada).await.get("/keys").await.assert_shows("Expired");
}

/// “Ensure the key is being used against the correct environment endpoint (e.g., using a “Staging” key on the
/// “Production” API will fail).”
#[actix_web::test]
async fn a_401_says_that_a_staging_key_was_used_in_production() {
    let app = licensing();
    let (production, staging) = (app.gateway("production"), app.gateway("staging"));
    let staging_id = app.environment("staging");
    let key = app.key_with(None, "Website", |new| new.environment_id = staging_id);
    let answer = app.verify(&production, json!({ "key": key.secret })).await;
    assert_eq!((&answer["code"], &answer["status"]), (&json!("WRONG_ENVIRONMENT"), &json!(401)));
    let detail = answer["detail"].as_str().unwrap();
    assert!(detail.contains("staging") && detail.contains("production"), "{detail}");
    assert_eq!(verdict(&app, &staging, &key.secret, &[]).await, valid());
}

/// “429 Too Many Requests: Check the Rate Limits column. If your integration is hitting limits, you may need to
/// increase the threshold in the key’s settings.”
#[actix_web::test]
async fn a_429_goes_away_when_the_threshold_is_increased() {
    let app = licensing();
    let gateway = app.gateway("production");
    let ada = app.administrator("Ada");
    let key = app.key_with(Some(&ada), "Website", |new| new.limits = TestApp::limit(1, 86_400));
    assert_eq!(verdict(&app, &gateway, &key.secret, &[]).await, valid());
    assert_eq!(verdict(&app, &gateway, &key.secret, &[]).await, is("RATE_LIMITED", 429));

    let mut ada = app.sign_in(&ada).await;
    ada.get("/keys").await.assert_shows("1 / day");
    let page = ada.get(&format!("{}/edit", key.page())).await;
    let saved = ada.submit(&page, "form.form", &[("limit_day", "1000")]).await;
    saved.assert_leads_to(&key.page());
    assert_eq!(verdict(&app, &gateway, &key.secret, &[]).await, valid());
}

/// “Permission Denied (403): Ensure the key has the specific permission required for the endpoint you are calling.
/// You can verify active permissions in the “Permissions” column.”
#[actix_web::test]
async fn a_403_names_the_permission_and_granting_it_helps() {
    let app = licensing();
    let gateway = app.gateway("production");
    let ada = app.administrator("Ada");
    let read = app.permissions(&["license_read"]);
    let key = app.key_with(Some(&ada), "Website", |new| new.permissions = read);
    let answer =
        app.verify(&gateway, json!({ "key": key.secret, "scopes": ["customer_read"] })).await;
    assert_eq!((&answer["code"], &answer["status"]), (&json!("INSUFFICIENT_SCOPE"), &json!(403)));
    assert!(answer["detail"].as_str().unwrap().contains("customer_read"), "{answer}");

    let mut ada = app.sign_in(&ada).await;
    ada.get("/keys").await.assert_shows("license_read");
    let page = ada.get(&format!("{}/edit", key.page())).await;
    let both = [("permission", "license_read"), ("permission", "customer_read")];
    ada.submit(&page, "form.form", &both).await.assert_leads_to(&key.page());
    assert_eq!(verdict(&app, &gateway, &key.secret, &["customer_read"]).await, valid());
}
