//! The page in a real Chromium.

use crate::support::TestApp;

#[actix_web::test]
async fn somebody_finds_out_who_stopped_a_key() {
    let app = TestApp::start();
    let (user, bea) = (app.administrator("Ada"), app.administrator("Bea"));
    let key = app.key(&user, "<b>Order</b> sync");
    app.key(&user, "Reporting");
    let mut bea = app.sign_in(&bea).await;
    let _ = bea.post(&format!("{}/revoke", key.page()), &[("reason", "laptop stolen")]).await;

    let ada = app.walk_in(&user, "/keys").await;
    ada.goes_to("Audit").await;
    ada.is_on("Audit").await;
    ada.run("window.marked = true").await;
    ada.choose_from("What was done", "Keys: Revoked").await;
    ada.sees("Only the events that match are listed").await;
    ada.sees("Bea revoked the key <b>Order</b> sync").await;
    ada.does_not_see("Ada signed in").await;
    assert_eq!(ada.address().await, "/audit?action=key%2Erevoked");
    ada.click("1 change: Bea revoked the key <b>Order</b> sync").await;
    ada.sees("laptop stolen").await;
    ada.sees("127.0.0.1").await;
    assert_eq!(ada.run("return window.marked === true").await, true, "the page was loaded again");
    ada.click("Everything about it").await;
    ada.sees("Operator created the key <b>Order</b> sync").await;
    ada.does_not_see("Reporting").await;
    ada.open(&key.page()).await;
    ada.is_on("<b>Order</b> sync").await;
    ada.click("Everything in the trail").await;
    ada.is_on("Audit").await;
    ada.copy("Head hash").await;
    assert_eq!(ada.clipboard().await.len(), 64);
}

#[actix_web::test]
async fn the_page_works_without_javascript_and_on_a_phone() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    app.key(&user, &"A very long name of a key that goes on and on ".repeat(2));
    app.key(&user, "Warehouse");
    let person = app.in_chromium_without_scripts().await;
    person.sign_in(&user).await;
    person.goes_to("Audit").await;
    person.fill("Search names, people and details", "Warehouse").await;
    person.click("Search").await;
    person.is_at("/audit?q=Warehouse").await;
    person.sees("Operator created the key Warehouse").await;
    person.does_not_see("A very long name").await;
    person.click("Details: Operator created the key Warehouse").await;
    person.sees("reporting:read").await;
    person.click("Clear filters").await;
    person.is_at("/audit").await;
    person.hold(390, 800).await;
    person.sees("A very long name").await;
    person.fits().await;
}
