//! The team, one's own account and customers, with scripts and without.

use crate::support::TestApp;

#[actix_web::test]
async fn a_list_of_customers_is_put_right_and_imported_without_javascript() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let person = app.in_chromium_without_scripts().await;
    person.sign_in(&ada).await;
    person.goes_to("Customers").await;
    person.sees("No customers yet").await;
    person.click("Import a list").await;
    person.is_on("Import customers").await;
    person.fill("Or its lines", "id,name\ncus_1,Acme\ncus_1,Beta").await;
    person.click("See what would change").await;
    person.sees("Line 3: cus_1 is on line 2 already.").await;
    person.fill("Or its lines", "id,name\ncus_1,Acme\ncus_2,\"Beta, <b>Inc.</b>\"").await;
    person.click("See what would change").await;
    person.is_on("Import these customers?").await;
    person.sees("Added as Beta, <b>Inc.</b>").await;
    person.click("Import").await;
    person.is_on("Customers").await;
    person.sees("Imported: 2 new, 0 renamed, 0 unchanged.").await;
    person.fill("Search by id or name", "acm").await;
    person.click("Search").await;
    person.sees("Only the customers that match are listed.").await;
    assert!(person.has_no_row("Beta").await);
    person.click("Acme").await;
    person.is_on("Acme").await;
    person.click("Remove").await;
    person.click("Remove customer").await;
    person.sees("Acme is removed.").await;

    person.open("/account").await;
    person.choose_from("Times are shown as in", "Tokyo").await;
    person.click("Save time zone").await;
    person.sees("Times are shown as in Asia/Tokyo now.").await;
}

#[actix_web::test]
async fn a_person_is_disabled_in_a_dialog_and_times_stay_in_the_zone_that_was_chosen() {
    let app = TestApp::start();
    let (ada, tom) = (app.administrator("Ada"), app.manager_with_access("Tom"));
    app.key(&tom, "deploy bot");
    let mut toms = app.sign_in(&tom).await;
    let ada = app.walk_in(&ada, "/account").await;
    ada.choose_from("Times are shown as in", "Tokyo").await;
    ada.click("Save time zone").await;
    ada.sees("Times are shown as in Asia/Tokyo now.").await;
    let title = ada.run("return document.querySelector('time[data-relative]').title").await;
    assert!(title.as_str().unwrap().contains(" JST ("), "{title}");

    ada.open("/team").await;
    ada.run("window.marked = true").await;
    ada.choose_from_menu_of("Tom", "Disable").await;
    ada.sees("One active key belongs to Tom. It goes on working").await;
    ada.click("Disable person").await;
    ada.sees("Tom is disabled and signed out everywhere.").await;
    ada.row_says("Tom", "Disabled").await;
    ada.has_dialogs(0).await;
    ada.is_focused_on("Actions for Tom").await;
    toms.get("/keys").await.assert_status(303);
    ada.choose_from_menu_of("Tom", "Enable").await;
    ada.row_says("Tom", "Active").await;
    assert_eq!(ada.run("return window.marked === true").await, true, "the page was loaded again");
}
