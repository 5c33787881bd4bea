//! Seed 004: a marketplace, “Managing Your Marketplace API Keys”.

use super::{copies_and_leaves, is, valid, verdict};
use crate::support::TestApp;

#[actix_web::test]
async fn a_manager_is_granted_access_makes_a_key_and_an_administrator_revokes_it() {
    let app = TestApp::start();
    let gateway = app.gateway("production");
    let (ada, kim) = (app.administrator("Ada"), app.manager("Kim"));

    // “Only users with API access will see the Account > API Keys option in the left-hand menu.”
    let kim = app.walk_in(&kim, "/").await;
    kim.sees("You have no API access").await;
    kim.has_no_entry("API Keys").await;
    for address in ["/keys", "/keys/new", "/applications", "/team", "/gateways"] {
        kim.open(address).await;
        kim.was_answered(404).await;
    }

    // “Administrators have API access enabled by default. Marketplace Managers must be granted API access by an
    // Administrator.”
    let ada = app.walk_in(&ada, "/keys").await;
    ada.goes_to("Team").await;
    ada.row_says("Ada", "Always").await;
    ada.row_says("Kim", "None").await;
    ada.click("Grant API access to Kim").await;
    ada.row_says("Kim", "Granted by Ada").await;

    // “Navigate to Account > API Keys from the main menu.”
    kim.open("/").await;
    kim.sees("Account").await;
    kim.goes_to("API Keys").await;
    kim.is_on("Manage API Keys").await;
    // “Click the API Key button in the top left corner.”
    kim.click("API Key").await;
    // “Give your key a descriptive Name (e.g., "Internal Reporting Dashboard") to identify its purpose.”
    kim.fill("Name", "Internal Reporting Dashboard").await;
    super::continues_to(&kim, 2).await;
    kim.choose("Production").await;
    super::continues_to(&kim, 3).await;
    // “Grant permissions for the key. You can select All permissions or choose specific sections like Reporting.”
    kim.toggle("All permissions").await;
    kim.sees("whoever holds the secret can do all of it").await;
    assert_eq!(kim.state_of("Reporting").await, "on");
    kim.toggle("All permissions").await;
    assert_eq!(kim.state_of("Reporting").await, "off");
    kim.toggle("Reporting").await;
    kim.sees("do everything in Reporting, also what is added later").await;
    super::continues_to(&kim, 4).await;
    super::continues_to(&kim, 5).await;
    kim.click("Create API Key").await;
    // “Heads Up! A window will appear displaying your new API key. For security reasons, this is the only time the
    // full key will ever be shown. You must copy the key and store it in a secure location now.”
    kim.sees("This is the only time the secret is shown").await;
    kim.copy("Secret key").await;
    let secret = kim.clipboard().await;
    // “After securely copying the key, click Done.”
    kim.click("Done").await;
    kim.is_on("Internal Reporting Dashboard").await;
    // “Once you close this window, you will not be able to retrieve it.”
    kim.finds_nowhere(&secret).await;
    let reporting = ["reporting:read", "reporting:export"];
    assert_eq!(verdict(&app, &gateway, &secret, &reporting).await, valid());
    let orders = ["orders:read"];
    assert_eq!(verdict(&app, &gateway, &secret, &orders).await, is("INSUFFICIENT_SCOPE", 403));

    // “You can update the name or permissions of a key at any time. From the Manage API Keys page, find the key you
    // wish to edit and click the menu on the right. Select Edit from the options.”
    kim.goes_to("API Keys").await;
    kim.choose_from_menu_of("Internal Reporting Dashboard", "Edit").await;
    kim.fill("Name", "Reporting Dashboard").await;
    kim.toggle("orders:read").await;
    // “Make your changes and click Update API Key when done.”
    kim.click("Update API Key").await;
    kim.is_on("Reporting Dashboard").await;
    kim.sees("Reporting Dashboard is updated").await;
    assert_eq!(verdict(&app, &gateway, &secret, &orders).await, valid());

    // “If a key is no longer needed or has been compromised, an Administrator can permanently revoke it.”
    kim.cannot_click("Revoke").await;
    app.flush();
    ada.goes_to("API Keys").await;
    // “On the Manage API Keys page, find the key you want to remove. Click the menu on the right side of its row and
    // select Revoke.”
    ada.is_on("Manage API Keys").await;
    ada.choose_from_menu_of("Reporting Dashboard", "Revoke").await;
    // “A confirmation window will appear.” “Revoking a key is a permanent action that cannot be undone. The key will
    // be disabled immediately and any integration using it will stop working.”
    ada.sees("stops working at once").await;
    ada.sees("This is permanent: a revoked key cannot be brought back").await;
    ada.fill("Type Reporting Dashboard to go on", "Reporting Dashboard").await;
    // “Click Revoke API Key to permanently disable it.”
    ada.click("Revoke API Key").await;
    ada.row_says("Reporting Dashboard", "Revoked").await;
    assert_eq!(verdict(&app, &gateway, &secret, &reporting).await, is("REVOKED", 401));
    kim.reload().await;
    kim.sees("Revoked for good").await;
    kim.cannot_click("Enable").await;
    kim.cannot_click("Edit").await;
}

#[actix_web::test]
async fn the_access_of_a_manager_is_narrowed_and_withdrawn_and_the_keys_go_on() {
    let app = TestApp::start();
    let gateway = app.gateway("production");
    let (ada, kim) = (app.administrator("Ada"), app.manager_with_access("Kim"));
    let kim = app.walk_in(&kim, "/keys").await;
    super::creates(&kim, "Everything", "Production", &["All permissions"]).await;
    let everything = copies_and_leaves(&kim).await;
    let far_apart = ["payouts:read", "catalogue:write"];
    assert_eq!(verdict(&app, &gateway, &everything, &far_apart).await, valid());

    // “Access to the API Keys section is based on user roles and permissions.” “Marketplace Managers must be granted
    // API access by an Administrator.” As much of it as they need.
    let ada = app.walk_in(&ada, "/team").await;
    ada.choose_from_menu_of("Kim", "Change API access").await;
    ada.is_on("API access of Kim").await;
    ada.choose("Only some environments").await;
    ada.toggle("Production").await;
    ada.choose("Only some permissions").await;
    ada.toggle("Reporting").await;
    ada.click("Change API access").await;
    ada.sees("One key holds more than it covers.").await;
    ada.open("/team").await;
    ada.row_says("Kim", "Granted, limited").await;

    // “You can select All permissions or choose specific sections like Reporting”: what was not granted is there, says
    // so, and cannot be chosen.
    kim.open("/keys/new").await;
    kim.fill("Name", "Reports").await;
    super::continues_to(&kim, 2).await;
    kim.toggle("Sandbox").await;
    assert_eq!(kim.state_of("Sandbox").await, "off");
    kim.sees("Not in your API access").await;
    kim.choose("Production").await;
    super::continues_to(&kim, 3).await;
    kim.sees("Not in your API access").await;
    for outside in ["All permissions", "Payouts", "payouts:read"] {
        kim.toggle(outside).await;
        assert_eq!(kim.state_of(outside).await, "off", "{outside}");
    }
    kim.toggle("Reporting").await;
    super::continues_to(&kim, 4).await;
    super::continues_to(&kim, 5).await;
    kim.press_the_last_button().await;
    let reports = copies_and_leaves(&kim).await;
    assert_eq!(verdict(&app, &gateway, &reports, &["reporting:export"]).await, valid());
    let payouts = ["payouts:read"];
    assert_eq!(verdict(&app, &gateway, &reports, &payouts).await, is("INSUFFICIENT_SCOPE", 403));

    ada.click("Withdraw API access from Kim").await;
    ada.sees("2 live keys belong to Kim").await;
    ada.choose("Transfer to somebody else").await;
    ada.choose_from("New owner", "Ada").await;
    ada.click("Withdraw API access").await;
    ada.sees("2 keys moved to Ada.").await;
    ada.row_says("Kim", "None").await;

    kim.open("/keys").await;
    kim.was_answered(404).await;
    kim.open("/").await;
    kim.has_no_entry("API Keys").await;
    // Programs don’t notice who looks after their keys.
    assert_eq!(verdict(&app, &gateway, &everything, &far_apart).await, valid());
    assert_eq!(verdict(&app, &gateway, &reports, &["reporting:export"]).await, valid());
    ada.goes_to("API Keys").await;
    ada.click("Reports").await;
    ada.sees("transferred it: Kim → Ada").await;
}
