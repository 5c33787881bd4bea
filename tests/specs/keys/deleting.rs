//! Off the list.

use super::{break_the_trail, expire, statuses, stored, trail};
use crate::support::TestApp;

#[actix_web::test]
async fn an_active_key_is_not_deleted() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let gateway = app.gateway("production");
    let mut ada = app.sign_in(&ada).await;
    let before = stored(&app);
    let address = format!("{}/delete", key.page());
    ada.get(&format!("{}/confirm/delete", key.page())).await.assert_status(409);
    let refused = ada.post(&address, &[]).await;
    refused.assert_status(409).assert_is_page().assert_shows("Revoke or disable it first");
    ada.with_htmx("/keys").post(&address, &[]).await.assert_status(409).assert_is_fragment();
    assert_eq!(stored(&app), before);
    assert_eq!(app.code(&gateway, &key.secret).await, "VALID");
}

#[actix_web::test]
async fn a_deleted_key_is_gone_from_everywhere_but_the_trail() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let gateway = app.gateway("production");
    let [revoked, disabled, expired] =
        ["revoked", "disabled", "expired"].map(|name| app.key(&ada, name));
    let mut ada = app.sign_in(&ada).await;
    ada.post(&format!("{}/revoke", revoked.page()), &[]).await.assert_status(303);
    ada.post(&format!("{}/disable", disabled.page()), &[]).await.assert_status(303);
    expire(&app, expired.public_key());

    for key in [&revoked, &disabled, &expired] {
        let question = ada.get(&format!("{}/confirm/delete", key.page())).await;
        question.assert_status(200).assert_shows("its history stays in the audit trail");
        ada.submit(&question, ".dialog form", &[]).await.assert_leads_to("/keys");
        ada.get("/keys").await.assert_shows("is off the list. Its trail stays.");
        ada.get("/keys").await.assert_hides(key.public_key());
        for path in ["", "/edit", "/confirm/enable", "/confirm/delete"] {
            ada.get(&format!("{}{path}", key.page())).await.assert_status(404);
        }
        for act in ["enable", "disable", "revoke", "delete"] {
            ada.post(&format!("{}/{act}", key.page()), &[]).await.assert_status(404);
        }
        let regenerate = format!("{}/regenerate", key.page());
        ada.post(&regenerate, &[("version", "1")]).await.assert_status(404);
        assert_eq!(app.code(&gateway, &key.secret).await, "KEY_NOT_FOUND");
        assert_eq!(trail(&app, key.public_key()).last().unwrap(), "key.deleted");
        ada.post("/keys/search", &[("q", &key.secret)])
            .await
            .assert_status(200)
            .assert_shows("No key has this secret");
    }
}

#[actix_web::test]
async fn htmx_gets_no_row_and_a_toast() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut ada = app.sign_in(&ada).await.with_htmx("/keys");
    ada.post(&format!("{}/revoke", key.page()), &[]).await.assert_status(200);
    let gone = ada.post(&format!("{}/delete", key.page()), &[]).await;
    gone.assert_status(200).assert_is_fragment().assert_hides("<tr");
    gone.assert_shows("deploy bot is off the list. Its trail stays.");
}

#[actix_web::test]
async fn deleting_at_once_is_one_event() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut ada = app.sign_in(&ada).await;
    ada.post(&format!("{}/revoke", key.page()), &[]).await.assert_status(303);
    let answers = ada.post_at_once(4, &format!("{}/delete", key.page()), &[]).await;
    assert_eq!(statuses(&answers), [303, 404, 404, 404]);
    assert_eq!(trail(&app, key.public_key()), ["key.created", "key.revoked", "key.deleted"]);
}

#[actix_web::test]
async fn the_name_of_a_deleted_or_revoked_key_is_free_again() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut browser = app.sign_in(&ada).await;
    browser.post(&format!("{}/revoke", key.page()), &[]).await.assert_status(303);
    let second = app.key(&ada, "deploy bot");
    browser.post(&format!("{}/disable", second.page()), &[]).await.assert_status(303);
    browser.post(&format!("{}/delete", second.page()), &[]).await.assert_status(303);
    app.key(&ada, "deploy bot");
}

#[actix_web::test]
async fn nothing_changes_when_the_trail_cannot_be_written() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut ada = app.sign_in(&ada).await;
    ada.post(&format!("{}/disable", key.page()), &[]).await.assert_status(303);
    break_the_trail(&app);
    let before = stored(&app);
    ada.post(&format!("{}/delete", key.page()), &[]).await.assert_status(500);
    assert_eq!(stored(&app), before);
    ada.get(&key.page()).await.assert_status(200);
}
