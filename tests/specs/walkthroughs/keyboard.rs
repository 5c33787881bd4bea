//! Without touching a mouse.

use crate::support::TestApp;
use thirtyfour::Key;

#[actix_web::test]
async fn a_key_is_created_with_the_keyboard_only() {
    let app = TestApp::start();
    let ada = app.walk_in(&app.administrator("Ada"), "/keys").await;
    ada.press_until(Key::Tab, "API Key").await;
    ada.press(Key::Enter).await;

    ada.sees("Step 1 of 5").await;
    ada.is_focused_on("Name").await;
    ada.press("deploy bot").await;
    ada.press(Key::Enter).await;

    ada.sees("Step 2 of 5").await;
    ada.is_focused_on("Application").await;
    ada.press_until(Key::Tab, "Production").await;
    ada.press(Key::Down).await;
    assert_eq!(ada.state_of("Sandbox").await, "on");
    ada.press(Key::Enter).await;

    ada.sees("Step 3 of 5").await;
    ada.press_until(Key::Tab, "orders:read").await;
    ada.press(Key::Space).await;
    assert_eq!(ada.state_of("orders:read").await, "on");
    ada.press_until(Key::Tab, "Continue").await;
    ada.press(Key::Enter).await;

    ada.sees("Step 4 of 5").await;
    ada.press_until(Key::Tab, "Continue").await;
    ada.press(Key::Enter).await;

    ada.sees("Step 5 of 5").await;
    ada.press_until(Key::Tab, "Create API Key").await;
    ada.press(Key::Enter).await;

    ada.is_on("deploy bot is ready").await;
    ada.is_focused_on("Copy").await;
    ada.press(Key::Enter).await;
    ada.sees("Copied").await;
    let secret = ada.clipboard().await;
    ada.press_until(Key::Tab, "Done").await;
    ada.press(Key::Enter).await;
    ada.is_on("deploy bot").await;
    assert_eq!(app.code(&app.gateway("sandbox"), &secret).await, "VALID");
}

#[actix_web::test]
async fn the_menu_of_a_row_is_walked_with_the_arrow_keys() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    app.key(&ada, "deploy bot");
    let ada = app.walk_in(&ada, "/keys").await;
    ada.press_until(Key::Tab, "Actions for deploy bot").await;
    ada.press(Key::Down).await;
    ada.is_focused_on("Edit").await;
    ada.press(Key::Down).await;
    ada.is_focused_on("Disable").await;
    ada.press(Key::End).await;
    ada.is_focused_on("Revoke").await;
    ada.press(Key::Escape).await;
    ada.is_focused_on("Actions for deploy bot").await;
    ada.cannot_click("Disable").await;

    ada.press(Key::Enter).await;
    ada.press_until(Key::Down, "Disable").await;
    ada.press(Key::Enter).await;
    // The dialog begins at what changes nothing.
    ada.is_focused_on("Cancel").await;
    ada.press_until(Key::Tab, "Disable API Key").await;
    ada.press(Key::Enter).await;
    ada.row_says("deploy bot", "Inactive").await;
    ada.is_focused_on("Actions for deploy bot").await;
}
