//! Taking a stop back.

use super::{expire, trail};
use crate::support::TestApp;

#[actix_web::test]
async fn an_enabled_key_works_again_at_once() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let gateway = app.gateway("production");
    let mut ada = app.sign_in(&ada).await;
    ada.post(&format!("{}/disable", key.page()), &[]).await.assert_status(303);
    assert_eq!(app.code(&gateway, &key.secret).await, "DISABLED");

    let done = ada.post(&format!("{}/enable", key.page()), &[]).await;
    assert_eq!(app.code(&gateway, &key.secret).await, "VALID");
    done.assert_leads_to(&key.page());
    ada.get(&key.page()).await.assert_shows("deploy bot is enabled. It works again.");

    let mut at_list = ada.with_htmx("/keys");
    let typed = [("typed", "deploy bot")];
    at_list.post(&format!("{}/disable", key.page()), &typed).await.assert_status(200);
    let row = at_list.post(&format!("{}/enable", key.page()), &[]).await;
    row.assert_status(200).assert_is_fragment().assert_shows("Active");
    row.assert_shows("deploy bot is enabled. It works again.");
}

#[actix_web::test]
async fn enabling_what_is_enabled_changes_and_tells_nothing() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut ada = app.sign_in(&ada).await;
    ada.post(&format!("{}/enable", key.page()), &[]).await.assert_leads_to(&key.page());
    assert_eq!(trail(&app, key.public_key()), ["key.created"]);
}

#[actix_web::test]
async fn a_revoked_key_is_never_enabled() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let gateway = app.gateway("production");
    let mut ada = app.sign_in(&ada).await;
    ada.post(&format!("{}/disable", key.page()), &[]).await.assert_status(303);
    ada.post(&format!("{}/revoke", key.page()), &[]).await.assert_status(303);
    for act in ["enable", "disable", "regenerate"] {
        ada.get(&format!("{}/confirm/{act}", key.page()))
            .await
            .assert_status(409)
            .assert_shows("revoked for good");
    }
    let refused = ada.post(&format!("{}/enable", key.page()), &[]).await;
    refused.assert_status(409).assert_is_page().assert_shows("revoked for good");
    let toast = ada.with_htmx("/keys").post(&format!("{}/enable", key.page()), &[]).await;
    toast.assert_status(409).assert_is_fragment().assert_shows("revoked for good");
    assert_eq!(toast.header("hx-retarget"), "#toasts");
    assert_eq!(app.code(&gateway, &key.secret).await, "REVOKED");
}

#[actix_web::test]
async fn an_expired_key_stays_expired() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let gateway = app.gateway("production");
    let mut ada = app.sign_in(&ada).await;
    ada.post(&format!("{}/disable", key.page()), &[]).await.assert_status(303);
    expire(&app, key.public_key());
    ada.post(&format!("{}/enable", key.page()), &[]).await.assert_status(303);
    ada.get(&key.page()).await.assert_shows("Expired");
    assert_eq!(app.code(&gateway, &key.secret).await, "EXPIRED");
}
