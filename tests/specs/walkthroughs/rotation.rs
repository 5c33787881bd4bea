//! Changing secrets over: all at once, and seeing one again.

use crate::support::{PASSWORD, Person, TestApp};

#[actix_web::test]
async fn new_secrets_are_not_left_behind_by_mistake() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let first = app.key(&user, "deploy bot");
    app.key(&user, "night shift");
    let page = format!("/applications/{}", first.key.application.app_id);
    let ada = app.walk_in(&user, &page).await;
    ada.click("Reset all keys").await;
    ada.is_on("Reset all keys of Storefront in Production?").await;
    ada.fits().await;
    ada.fill("Your password", PASSWORD).await;
    ada.click("Reset all keys").await;
    ada.is_on("2 keys of Storefront have new secrets").await;
    ada.has_dialogs(1).await;
    ada.is_focused_on("Copy all").await;

    // One of two is not all of them.
    let question = "You have not copied all of the secrets";
    ada.copy("deploy bot").await;
    let secret = ada.clipboard().await;
    ada.click("Done").await;
    ada.sees(question).await;
    ada.click("Go back and copy").await;
    assert!(ada.would_be_asked().await);
    ada.click("Copy all").await;
    ada.sees("All secrets copied").await;
    assert!(ada.clipboard().await.contains(&format!("DEPLOY_BOT={secret}")));
    assert!(!ada.would_be_asked().await);
    ada.click("Download CSV").await;
    ada.stores_nothing().await;
    ada.click("Done").await;
    ada.is_on("Storefront").await;
    ada.finds_nowhere(&secret).await;
    ada.back().await;
    ada.finds_nowhere(&secret).await;
}

#[actix_web::test]
async fn a_secret_that_is_seen_again_is_hidden_again() {
    let vault = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    let app = TestApp::start_with(&[("LATCHKEY_VAULT_KEY", vault)]);
    app.preset("marketplace");
    let app_id = app.application("Storefront");
    let user = app.administrator("Ada");
    let key = app.key(&user, "deploy bot");
    let ada = app.walk_in(&user, &format!("/applications/{app_id}")).await;
    ada.click("Switch on").await;
    ada.click("Keep new secrets").await;
    ada.sees("Switch off and erase").await;
    ada.open(&key.page()).await;
    ada.click("Regenerate").await;
    ada.choose("After an hour").await;
    ada.click("Regenerate API Key").await;
    let secret = super::copies_and_leaves(&ada).await;
    ada.sees("The old secret still works").await;

    look(&ada).await;
    assert_eq!(ada.reads("Secret key").await, secret);
    ada.sees("Hides itself in").await;
    assert!(!ada.would_be_asked().await, "it can be seen again, so nobody is kept");
    ada.click("Hide now").await;
    ada.is_on("deploy bot").await;
    ada.finds_nowhere(&secret).await;
    ada.back().await;
    ada.wait_until_nowhere(&secret).await;
}

/// From the list, with the eye.
async fn look(ada: &Person) {
    ada.open("/keys").await;
    ada.click("Show secret of deploy bot").await;
    ada.is_focused_on("Your password").await;
    ada.fill("Your password", PASSWORD).await;
    ada.click("Show secret").await;
    ada.is_on("The secret of deploy bot").await;
}
