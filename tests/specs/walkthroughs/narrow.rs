//! On a phone nothing scrolls sideways, however long names are.

use crate::support::TestApp;

#[actix_web::test]
async fn no_page_is_wider_than_a_phone() {
    let app = TestApp::start();
    let long = "W".repeat(100);
    let words =
        "a name of many words that goes on and on until nobody can remember how it began, really";
    let ada = app.administrator("Ada");
    let kim = app.manager_with_access("Kim of the very long and winding name of many syllables");
    let kim_id = kim.id;
    let application = app.application(&long);
    app.gateway("production");
    let key = app.key_with(Some(&kim), &long, |new| new.note = long.clone());
    let customer = app.operator(|conn, operator| {
        latchkey::customers::add(conn, operator, &"W".repeat(255), "")?;
        latchkey::customers::add(conn, operator, &"x".repeat(255), &long)
    });
    app.key_with(None, "for one", |new| new.customers = vec![customer.id]);
    app.key_with(Some(&ada), words, |new| new.permissions.all = true);

    let ada = app.walk_in(&ada, "/").await;
    ada.hold(390, 844).await;
    for address in [
        "/",
        "/keys",
        "/keys?q=nothing",
        &key.page(),
        &format!("{}/edit", key.page()),
        &format!("{}/confirm/revoke", key.page()),
        "/applications",
        "/applications/new",
        &format!("/applications/{application}"),
        &format!("/applications/{}", key.key.application.app_id),
        &format!("/applications/{}/confirm/archive", key.key.application.app_id),
        "/gateways",
        "/gateways/new",
        "/team",
        "/team/new",
        &format!("/team/{}/confirm/disable", kim.id),
        "/customers",
        "/customers/new",
        "/customers/import",
        &customer.address(),
        &format!("{}/edit", customer.address()),
        &format!("{}/confirm/remove", customer.address()),
        &format!("/team/{}/grant", kim_id),
        &format!("/team/{}/confirm/withdraw", kim_id),
        &format!("{}/confirm/transfer", key.page()),
        "/settings",
        "/settings/environments",
        "/settings/environments/new",
        "/settings/catalogue",
        "/settings/catalogue/permissions/new",
        "/settings/catalogue/import",
        "/account",
        "/nothing-here",
    ] {
        ada.open(address).await;
        ada.fits().await;
    }

    ada.open("/keys").await;
    ada.choose_from_menu_of(&long, "Revoke").await;
    ada.sees("Reason").await;
    ada.fits().await;

    ada.open("/keys/new").await;
    ada.fill("Name", &long.replace('W', "M")).await;
    ada.fits().await;
    super::continues_to(&ada, 2).await;
    ada.fits().await;
    ada.choose_from("Application", "Storefront").await;
    ada.choose("Production").await;
    super::continues_to(&ada, 3).await;
    ada.toggle("All permissions").await;
    ada.fits().await;
    super::continues_to(&ada, 4).await;
    ada.fits().await;
    super::continues_to(&ada, 5).await;
    ada.fits().await;
    ada.press_the_last_button().await;
    ada.copy("Secret key").await;
    ada.fits().await;
}

#[actix_web::test]
async fn a_visitor_with_a_phone_reads_without_scrolling_sideways() {
    let app = TestApp::start();
    let visitor = app.in_chromium().await;
    visitor.hold(390, 844).await;
    for address in ["/sign-in", "/setup", "/nothing-here"] {
        visitor.open(address).await;
        visitor.fits().await;
    }
}
