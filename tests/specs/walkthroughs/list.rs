//! The list: acts that redraw their row, dialogs that ask, answers that become toasts, and searching.

use super::{is, verdict};
use crate::support::TestApp;

const SEARCH: &str = "Search by name, application, public key, owner, or a pasted secret";

/// Marks the page, to see later that it is still the same one.
const MARK: &str = "window.marked = true";
const IS_MARKED: &str = "return window.marked === true";

#[actix_web::test]
async fn disabling_redraws_the_row_and_says_so() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    app.key(&ada, "deploy bot");
    app.key(&ada, "another");
    let ada = app.walk_in(&ada, "/keys").await;
    ada.run(MARK).await;
    ada.choose_from_menu_of("deploy bot", "Disable").await;
    ada.click("Disable API Key").await;
    ada.row_says("deploy bot", "Inactive").await;
    ada.sees("deploy bot is disabled. Its requests are refused from now on.").await;
    ada.has_dialogs(0).await;
    ada.is_focused_on("Actions for deploy bot").await;
    ada.row_says("another", "Active").await;
    ada.choose_from_menu_of("deploy bot", "Enable").await;
    ada.row_says("deploy bot", "Active").await;
    ada.choose_from_menu_of("deploy bot", "Revoke").await;
    ada.click("Cancel").await;
    ada.row_says("deploy bot", "Active").await;
    assert_eq!(ada.run(IS_MARKED).await, true, "the page was loaded again");
}

#[actix_web::test]
async fn a_reason_that_cannot_be_kept_is_asked_for_again_in_the_dialog() {
    let app = TestApp::start();
    let gateway = app.gateway("production");
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let ada = app.walk_in(&ada, "/keys").await;
    ada.run(MARK).await;
    ada.choose_from_menu_of("deploy bot", "Revoke").await;
    ada.fill("Reason", "seen by \u{202e}").await;
    ada.click("Revoke API Key").await;
    ada.sees("Reason must be at most 200 characters that can be shown").await;
    ada.has_dialogs(1).await;
    assert_eq!(verdict(&app, &gateway, &key.secret, &[]).await, super::valid());
    app.flush();
    ada.fill("Reason", "seen by everybody").await;
    ada.click("Revoke API Key").await;
    // It was used since it was asked.
    ada.sees("It was used within the last hour. Type the key’s name to go on.").await;
    ada.has_dialogs(1).await;
    ada.fill("Type deploy bot to go on", "deploy bot").await;
    ada.click("Revoke API Key").await;
    ada.row_says("deploy bot", "Revoked").await;
    assert_eq!(ada.run(IS_MARKED).await, true, "the page was loaded again");
    assert_eq!(verdict(&app, &gateway, &key.secret, &[]).await, is("REVOKED", 401));
}

#[actix_web::test]
async fn what_somebody_else_did_meanwhile_becomes_a_toast() {
    let app = TestApp::start();
    let (ada, bea) = (app.administrator("Ada"), app.administrator("Bea"));
    let key = app.key(&ada, "deploy bot");
    let ada = app.walk_in(&ada, "/keys").await;
    ada.run(MARK).await;
    ada.choose_from_menu_of("deploy bot", "Disable").await;
    ada.sees("Disable deploy bot?").await;
    let mut bea = app.sign_in(&bea).await;
    bea.post(&format!("{}/revoke", key.page()), &[]).await.assert_status(303);
    ada.click("Disable API Key").await;
    ada.sees("This key is revoked for good").await;
    ada.click("Cancel").await;
    ada.row_says("deploy bot", "Active").await;
    assert_eq!(ada.run(IS_MARKED).await, true, "the page was loaded again");
}

#[actix_web::test]
async fn what_is_no_longer_allowed_becomes_a_toast() {
    let app = TestApp::start_blank();
    app.preset("licensing");
    app.application("Website");
    let (ada, kim) = (app.administrator("Ada"), app.manager_with_access("Kim"));
    app.key(&kim, "deploy bot");
    let kim = app.walk_in(&kim, "/keys").await;
    kim.choose_from_menu_of("deploy bot", "Revoke").await;
    kim.sees("Revoke deploy bot?").await;
    let mut ada = app.sign_in(&ada).await;
    ada.post("/settings", &[]).await.assert_status(303);
    kim.click("Revoke API Key").await;
    kim.sees_a_toast().await;
    kim.click("Cancel").await;
    kim.row_says("deploy bot", "Active").await;
}

#[actix_web::test]
async fn a_session_that_ended_leads_to_sign_in() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    app.key(&ada, "deploy bot");
    let ada = app.walk_in(&ada, "/keys").await;
    ada.loses_the_session().await;
    ada.choose_from_menu_of("deploy bot", "Disable").await;
    ada.is_on("Sign in").await;
}

#[actix_web::test]
async fn a_search_narrows_the_list_and_stands_in_the_address() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    app.key(&ada, "deploy bot");
    app.key(&ada, "nightly report");
    let ada = app.walk_in(&ada, "/keys").await;
    ada.fill(SEARCH, "nightly").await;
    ada.does_not_see("deploy bot").await;
    ada.row("nightly report").await;
    ada.is_at("/keys?q=nightly").await;
    ada.reload().await;
    ada.row("nightly report").await;
    assert_eq!(ada.value_of(SEARCH).await, "nightly");
    assert!(ada.has_no_row("deploy bot").await);
    ada.choose_from("Status", "Revoked").await;
    ada.sees("No key matches").await;
}

#[actix_web::test]
async fn a_pasted_secret_finds_its_key_and_is_kept_nowhere() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    app.key(&ada, "another");
    let ada = app.walk_in(&ada, "/keys").await;
    ada.fill(SEARCH, &key.secret).await;
    ada.is_at(&key.page()).await;
    ada.finds_nowhere(&key.secret).await;
    ada.back().await;
    ada.is_on("Manage API Keys").await;
    ada.finds_nowhere(&key.secret).await;
    ada.stores_nothing().await;

    let other = if key.secret.ends_with('x') { 'y' } else { 'x' };
    let unknown = format!("{}{other}", &key.secret[..key.secret.len() - 1]);
    ada.open("/keys").await;
    ada.fill(SEARCH, &unknown).await;
    ada.sees("No key has this secret").await;
    assert!(!ada.address().await.contains("_sk_"), "{}", ada.address().await);
}
