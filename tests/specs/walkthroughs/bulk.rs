//! Selecting rows, by mouse and by keyboard; and the mode switch on a phone.

use thirtyfour::Key;

use crate::support::TestApp;

#[actix_web::test]
async fn rows_are_selected_and_the_bar_takes_the_place_of_the_filters() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    for name in ["one", "two", "three", "four"] {
        app.key(&ada, name);
    }
    let ada = app.walk_in(&ada, "/keys?sort=name").await;
    ada.sees("Any status").await;
    ada.toggle("Select four").await;
    ada.sees("1 selected").await;
    ada.does_not_see("Any status").await;

    // The arrows walk from box to box; Shift and Space takes along what lies between.
    ada.press(Key::Down).await;
    ada.is_focused_on("Select one").await;
    ada.press(Key::Down).await;
    ada.is_focused_on("Select three").await;
    ada.press_with_shift(" ").await;
    ada.sees("3 selected").await;
    assert_eq!(ada.state_of("Select one").await, "on");
    assert_eq!(ada.state_of("Select all on this page").await, "partly");
    ada.click("Clear selection").await;
    ada.sees("Any status").await;
    ada.toggle("Select all on this page").await;
    ada.sees("4 selected").await;
    ada.toggle("Select two").await;
    ada.sees("3 selected").await;

    ada.click("Revoke selected").await;
    ada.sees("Revoke 3 API keys?").await;
    ada.has_dialogs(1).await;
    ada.click("Cancel").await;
    ada.has_dialogs(0).await;
    ada.sees("3 selected").await;
    ada.click("Disable selected").await;
    ada.click("Disable 3 API keys").await;
    ada.sees("3 keys are disabled.").await;
    ada.is_at("/keys?sort=name").await;
    for name in ["one", "three", "four"] {
        ada.row_says(name, "Inactive").await;
    }
    ada.row_says("two", "Active").await;

    // From row to row, and Enter opens.
    ada.press_until(Key::Tab, "four").await;
    ada.press(Key::Down).await;
    ada.is_focused_on("one").await;
    ada.press(Key::Up).await;
    ada.is_focused_on("four").await;
    ada.press(Key::Up).await;
    ada.is_focused_on("four").await;
    ada.press(Key::Enter).await;
    ada.is_on("four").await;
}

#[actix_web::test]
async fn the_mode_switch_fits_a_phone_and_says_where_one_is() {
    let app = TestApp::start();
    let ada = app.administrator("Ada of the very long and winding name of many syllables");
    let key = app.key(&ada, "deploy bot");
    let ada = app.walk_in(&ada, "/keys").await;
    ada.hold(390, 844).await;
    ada.click("Test").await;
    ada.sees("Test mode").await;
    ada.sees("No keys in Test mode").await;
    for address in ["/", "/keys", "/applications", "/gateways", "/account", &key.page()] {
        ada.open(address).await;
        ada.sees("Test mode").await;
        ada.fits().await;
    }
    ada.sees("This key is of Live mode; you are in Test mode.").await;
    ada.open("/keys").await;
    ada.click("Switch to Live mode").await;
    ada.row("deploy bot").await;
    ada.sees("Live mode").await;
    ada.toggle("Select deploy bot").await;
    ada.sees("1 selected").await;
    ada.fits().await;
}
