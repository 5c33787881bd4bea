//! Changing secrets over, all at once.

use crate::support::{PASSWORD, TestApp};

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
