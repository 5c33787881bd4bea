//! The wizard as plain pages.

use crate::support::{Browser, Page, TestApp};

/// Walks through the wizard up to the summary.
pub async fn walk(browser: &mut Browser, app_id: &str, name: &str, permission: &str) -> Page {
    let page = browser.get("/keys/new").await;
    let page = browser.follow(page).await;
    let page = browser.submit(&page, "#wizard", &[("name", name), ("go", "next")]).await;
    let page = browser.follow(page).await;
    let page = browser
        .submit(
            &page,
            "#wizard",
            &[("application", app_id), ("environment", "production"), ("go", "next")],
        )
        .await;
    let page = browser.follow(page).await;
    let page =
        browser.submit(&page, "#wizard", &[("permission", permission), ("go", "next")]).await;
    let page = browser.follow(page).await;
    let page = browser.submit(&page, "#wizard", &[("go", "next")]).await;
    browser.follow(page).await
}

#[actix_web::test]
async fn a_new_key_shows_its_secret_once() {
    let app = TestApp::start();
    let app_id = app.application("Back office");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;

    let summary = walk(&mut ada, &app_id, "deploy bot", "reporting:read").await;
    summary.assert_status(200).assert_shows("100 times a second");
    let reveal = ada.submit(&summary, "#wizard", &[("go", "create")]).await;
    reveal.assert_status(200).assert_is_page().assert_shows("deploy bot is ready");
    let secret = reveal.text("#secret");
    assert!(secret.starts_with("prod_sk_"), "{secret}");

    ada.get("/keys").await.assert_status(200).assert_shows("deploy bot").assert_hides(&secret);
    let again = ada.submit(&summary, "#wizard", &[("go", "create")]).await;
    again.assert_status(409).assert_shows("already created").assert_hides(&secret);
}
