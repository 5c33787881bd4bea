//! API access that is limited, used, and withdrawn: on a phone, and without a mouse where it matters.

use thirtyfour::Key;

use super::continues_to;
use crate::support::TestApp;

#[actix_web::test]
async fn a_manager_is_let_into_a_corner_works_there_and_leaves_the_keys_to_somebody() {
    let app = TestApp::start();
    let (ada, kim) = (app.administrator("Ada"), app.manager("Kim"));
    let id = ada.id.to_string();

    let ada = app.walk_in(&ada, "/team").await;
    ada.hold(390, 844).await;
    ada.choose_from_menu_of("Kim", "Grant limited access").await;
    ada.is_on("API access of Kim").await;
    // The cards are there once they count.
    ada.does_not_see("reporting:read").await;
    ada.choose("Only some environments").await;
    ada.toggle("Sandbox").await;
    ada.choose("Only some permissions").await;
    ada.sees("reporting:read").await;
    ada.toggle("Reporting").await;
    assert_eq!(ada.state_of("reporting:export").await, "on");
    ada.toggle("orders:read").await;
    assert_eq!(ada.state_of("Orders").await, "partly");
    ada.fits().await;
    ada.click("Grant API access").await;
    ada.is_on("Team").await;
    ada.row_says("Kim", "Granted, limited").await;

    let kim = app.walk_in(&kim, "/keys/new").await;
    kim.hold(390, 844).await;
    kim.fill("Name", "Nightly report").await;
    continues_to(&kim, 2).await;
    kim.sees("Not in your API access").await;
    kim.toggle("Production").await;
    assert_eq!(kim.state_of("Production").await, "off");
    kim.choose("Sandbox").await;
    kim.fits().await;
    continues_to(&kim, 3).await;
    for outside in ["All permissions", "Orders", "orders:write"] {
        kim.toggle(outside).await;
        assert_eq!(kim.state_of(outside).await, "off", "{outside}");
    }
    // Space switches on what is granted; the rest is not even stopped at.
    kim.press_until(Key::Tab, "reporting:read").await;
    kim.press(" ").await;
    assert_eq!(kim.state_of("reporting:read").await, "on");
    kim.press_until(Key::Tab, "orders:read").await;
    kim.fits().await;
    continues_to(&kim, 4).await;
    continues_to(&kim, 5).await;
    kim.press_the_last_button().await;
    super::copies_and_leaves(&kim).await;
    kim.is_on("Nightly report").await;

    // Typing into a field of the dialog chooses what it belongs to; what is wrong is said in the dialog.
    ada.click("Withdraw API access from Kim").await;
    ada.has_dialogs(1).await;
    ada.sees("One live key belongs to Kim").await;
    ada.fill("Days", "0").await;
    assert_eq!(ada.state_of("Let expire").await, "on");
    ada.click("Withdraw API access").await;
    ada.sees("Give a whole number of days from 1 to 365.").await;
    ada.is_focused_on("Days").await;
    ada.fits().await;
    ada.press_until(Key::Tab, "New owner").await;
    ada.press(Key::Down).await;
    assert_eq!(ada.value_of("New owner").await, id);
    assert_eq!(ada.state_of("Transfer to somebody else").await, "on");
    ada.click("Withdraw API access").await;
    ada.has_dialogs(0).await;
    ada.sees("One key moved to Ada.").await;
    ada.row_says("Kim", "withdrawn by Ada").await;
    kim.reload().await;
    kim.was_answered(404).await;
}
