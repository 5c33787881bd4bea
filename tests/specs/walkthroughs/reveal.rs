//! A secret is shown once: in a window of its own, and nowhere afterwards.

use super::{copies_and_leaves, creates, valid, verdict};
use crate::support::{Person, TestApp};
use thirtyfour::Key;

/// Ada at the reveal of a new key.
async fn revealing(app: &TestApp) -> Person {
    let ada = app.walk_in(&app.administrator("Ada"), "/keys").await;
    creates(&ada, "deploy bot", "Production", &["reporting:read"]).await;
    ada
}

#[actix_web::test]
async fn a_new_secret_is_in_a_window_over_the_page_and_can_be_copied() {
    let app = TestApp::start();
    let ada = revealing(&app).await;
    ada.has_dialogs(1).await;
    ada.is_focused_on("Copy").await;
    ada.copy("Secret key").await;
    ada.sees("Secret key copied").await;
    let secret = ada.clipboard().await;
    assert_eq!(secret, ada.reads("Secret key").await);
    assert_eq!(secret.len(), "prod_sk_".len() + 38, "{secret}");
    ada.copy("Basic token").await;
    ada.copy("Try it").await;
    assert!(ada.clipboard().await.ends_with(&format!("Bearer {secret}\"")));
    ada.copy("Public key").await;
    assert_eq!(ada.clipboard().await, ada.reads("Public key").await);
    ada.stores_nothing().await;
    assert_eq!(verdict(&app, &app.gateway("production"), &secret, &[]).await, valid());
}

#[actix_web::test]
async fn leaving_without_having_copied_asks_first() {
    let app = TestApp::start();
    let ada = revealing(&app).await;
    let question = "You have not copied the secret";
    ada.does_not_see(question).await;
    assert!(ada.would_be_asked().await);

    ada.click("Done").await;
    ada.sees(question).await;
    ada.click("Go back and copy").await;
    ada.does_not_see(question).await;

    ada.press(Key::Escape).await;
    ada.sees(question).await;
    ada.press(Key::Escape).await;
    ada.does_not_see(question).await;
    // The public half does not count.
    ada.copy("Public key").await;
    ada.click("Done").await;
    ada.sees(question).await;
    ada.click("Go back and copy").await;

    ada.copy("Secret key").await;
    assert!(!ada.would_be_asked().await);
    ada.press(Key::Escape).await;
    ada.is_on("deploy bot").await;
}

#[actix_web::test]
async fn whoever_wants_to_may_leave_without_it() {
    let app = TestApp::start();
    let ada = revealing(&app).await;
    let secret = ada.reads("Secret key").await;
    ada.click("Done").await;
    ada.click("Leave without it").await;
    ada.is_on("deploy bot").await;
    ada.finds_nowhere(&secret).await;
}

#[actix_web::test]
async fn after_done_no_way_leads_back_to_the_secret() {
    let app = TestApp::start();
    let ada = revealing(&app).await;
    let secret = copies_and_leaves(&ada).await;
    ada.is_on("deploy bot").await;
    ada.finds_nowhere(&secret).await;
    let key = ada.address().await;
    for _ in 0..3 {
        ada.back().await;
        ada.finds_nowhere(&secret).await;
    }
    for _ in 0..3 {
        ada.forward().await;
        ada.finds_nowhere(&secret).await;
    }
    ada.is_at(&key).await;
    ada.reload().await;
    ada.is_on("deploy bot").await;
    ada.finds_nowhere(&secret).await;
    ada.open_tab(&key).await;
    ada.is_on("deploy bot").await;
    ada.finds_nowhere(&secret).await;
    ada.stores_nothing().await;
}

#[actix_web::test]
async fn going_elsewhere_and_back_does_not_show_it_again() {
    let app = TestApp::start();
    let ada = revealing(&app).await;
    ada.copy("Secret key").await;
    let secret = ada.clipboard().await;
    // Not through Done: typed into the address bar.
    ada.open("/team").await;
    ada.back().await;
    ada.wait_until_nowhere(&secret).await;
    ada.forward().await;
    ada.finds_nowhere(&secret).await;
}

#[actix_web::test]
async fn a_reload_says_what_has_become_of_it() {
    let app = TestApp::start();
    let ada = revealing(&app).await;
    ada.copy("Secret key").await;
    let secret = ada.clipboard().await;
    ada.reload().await;
    ada.is_on("This key was already created").await;
    ada.sees("it cannot be shown again").await;
    ada.finds_nowhere(&secret).await;
    ada.click("Open the key").await;
    ada.is_on("deploy bot").await;
}

#[actix_web::test]
async fn a_double_click_creates_one_key_and_shows_its_secret() {
    let app = TestApp::start();
    let ada = app.walk_in(&app.administrator("Ada"), "/keys/new").await;
    ada.fill("Name", "deploy bot").await;
    super::continues_to(&ada, 2).await;
    ada.choose("Production").await;
    super::continues_to(&ada, 3).await;
    ada.toggle("reporting:read").await;
    super::continues_to(&ada, 4).await;
    super::continues_to(&ada, 5).await;
    ada.double_click("Create API Key").await;
    ada.is_on("deploy bot is ready").await;
    let secret = copies_and_leaves(&ada).await;
    ada.is_on("deploy bot").await;
    assert_eq!(verdict(&app, &app.gateway("production"), &secret, &[]).await, valid());
    ada.goes_to("API Keys").await;
    ada.row("deploy bot").await;
}

#[actix_web::test]
async fn two_tabs_at_the_last_step_make_one_key() {
    let app = TestApp::start();
    let ada = app.walk_in(&app.administrator("Ada"), "/keys/new").await;
    ada.fill("Name", "deploy bot").await;
    super::continues_to(&ada, 2).await;
    ada.choose("Production").await;
    super::continues_to(&ada, 3).await;
    ada.toggle("reporting:read").await;
    super::continues_to(&ada, 4).await;
    super::continues_to(&ada, 5).await;
    let summary = ada.address().await;
    let first = ada.open_tab(&summary).await;
    ada.click("Create API Key").await;
    ada.is_on("deploy bot is ready").await;
    ada.copy("Secret key").await;
    let secret = ada.clipboard().await;

    ada.switch_to(&first).await;
    ada.click("Create API Key").await;
    ada.is_on("This key was already created").await;
    ada.finds_nowhere(&secret).await;
    ada.goes_to("API Keys").await;
    ada.row("deploy bot").await;
}
