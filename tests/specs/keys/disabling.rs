//! A stop that can be taken back.

use super::{break_the_trail, stored, trail};
use crate::support::TestApp;

#[actix_web::test]
async fn a_disabled_key_is_refused_before_its_page_is_answered() {
    let app = TestApp::start();
    let key = app.key(&app.administrator("Ada"), "deploy bot");
    let gateway = app.gateway("production");
    let mut ada = app.sign_in(&app.administrator("Grace")).await;
    assert_eq!(app.code(&gateway, &key.secret).await, "VALID");

    let typed = [("typed", "deploy bot")];
    let done = ada.post(&format!("{}/disable", key.page()), &typed).await;
    assert_eq!(app.code(&gateway, &key.secret).await, "DISABLED");
    done.assert_leads_to(&key.page());
    let page = ada.get(&key.page()).await;
    page.assert_status(200).assert_shows("deploy bot is disabled.").assert_shows("Inactive");
    ada.get(&key.page()).await.assert_hides("deploy bot is disabled.");
}

#[actix_web::test]
async fn htmx_gets_the_row_and_a_toast() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut ada = app.sign_in(&ada).await.with_htmx("/keys");

    let row = ada.post(&format!("{}/disable", key.page()), &[]).await;
    row.assert_status(200).assert_is_fragment().assert_shows("Inactive");
    row.assert_shows("deploy bot is disabled. Its requests are refused from now on.");
    let body = row.body();
    assert!(body.contains(&format!(r#"id="key-{}""#, key.public_key())), "{body}");
    assert!(body.contains(r#"id="toasts" hx-swap-oob="beforeend""#), "{body}");
    assert!(body.contains("/enable") && !body.contains("/disable"), "{body}");
}

#[actix_web::test]
async fn disabling_twice_keeps_the_first_date_and_is_told_once() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let ada = app.sign_in(&ada).await;
    for answer in ada.post_at_once(4, &format!("{}/disable", key.page()), &[]).await {
        answer.assert_leads_to(&key.page());
    }
    assert_eq!(trail(&app, key.public_key()), ["key.created", "key.disabled"]);
}

#[actix_web::test]
async fn nothing_changes_when_the_trail_cannot_be_written() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let gateway = app.gateway("production");
    let mut ada = app.sign_in(&ada).await;
    break_the_trail(&app);
    let before = stored(&app);
    let answer = ada.post(&format!("{}/disable", key.page()), &[]).await;
    answer.assert_status(500).assert_is_page().assert_hides("the trail is full");
    assert_eq!(stored(&app), before);
    assert_eq!(app.code(&gateway, &key.secret).await, "VALID");
}

#[actix_web::test]
async fn it_is_asked_first() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut ada = app.sign_in(&ada).await;
    let address = format!("{}/confirm/disable", key.page());

    let page = ada.get(&address).await;
    page.assert_status(200).assert_is_page().assert_shows("Disable deploy bot?");
    let done = ada.submit(&page, ".dialog form", &[]).await;
    done.assert_leads_to(&key.page());
    let dialog = ada.with_htmx("/keys").get(&address).await;
    dialog.assert_status(200).assert_is_fragment().assert_shows("It has never been used.");
}
