//! The wizard keeps what was typed, shows what is on, and says what the key will be able to do.

use crate::support::{Person, TestApp};

async fn at_the_permissions(app: &TestApp) -> Person {
    let ada = app.walk_in(&app.administrator("Ada"), "/keys/new").await;
    ada.fill("Name", "deploy bot").await;
    super::continues_to(&ada, 2).await;
    ada.choose("Sandbox").await;
    super::continues_to(&ada, 3).await;
    ada
}

#[actix_web::test]
async fn back_and_forward_keep_what_was_typed() {
    let app = TestApp::start();
    let ada = at_the_permissions(&app).await;
    ada.toggle("orders:read").await;
    ada.click("Back").await;
    ada.sees("Step 2 of 5").await;
    assert_eq!(ada.state_of("Sandbox").await, "on");
    ada.click("Name").await;
    ada.sees("Step 1 of 5").await;
    assert_eq!(ada.value_of("Name").await, "deploy bot");
    ada.fill("Note", "Runs on the build machine").await;
    super::continues_to(&ada, 2).await;
    super::continues_to(&ada, 3).await;
    assert_eq!(ada.state_of("orders:read").await, "on");

    // The browser's own way back, and a reload.
    ada.back().await;
    ada.sees("Step 2 of 5").await;
    ada.back().await;
    ada.sees("Step 1 of 5").await;
    assert_eq!(ada.value_of("Note").await, "Runs on the build machine");
    ada.forward().await;
    ada.forward().await;
    ada.sees("Step 3 of 5").await;
    ada.reload().await;
    assert_eq!(ada.state_of("orders:read").await, "on");
    super::continues_to(&ada, 4).await;
    super::continues_to(&ada, 5).await;
    ada.sees("Runs on the build machine").await;
    ada.sees("read orders").await;
}

#[actix_web::test]
async fn a_section_is_on_or_off_or_in_between() {
    let app = TestApp::start();
    let ada = at_the_permissions(&app).await;
    assert_eq!(ada.state_of("Orders").await, "off");
    ada.toggle("orders:read").await;
    assert_eq!(ada.state_of("Orders").await, "partly");
    ada.sees("1 of 3").await;

    ada.toggle("Orders").await;
    assert_eq!(ada.state_of("Orders").await, "on");
    assert_eq!(ada.state_of("returns:write").await, "on");
    ada.sees("All 3").await;
    ada.sees("do everything in Orders, also what is added later").await;
    // Switched off again, what was chosen before is back.
    ada.toggle("Orders").await;
    assert_eq!(ada.state_of("Orders").await, "partly");
    assert_eq!(ada.state_of("returns:write").await, "off");
    assert_eq!(ada.state_of("orders:read").await, "on");

    ada.toggle("All permissions").await;
    assert_eq!(ada.state_of("Payouts").await, "on");
    ada.sees("do everything, today’s and tomorrow’s").await;
    // Less than everything is no longer everything.
    ada.toggle("payouts:read").await;
    assert_eq!(ada.state_of("All permissions").await, "off");
    assert_eq!(ada.state_of("payouts:read").await, "off");
    ada.does_not_see("do everything, today’s and tomorrow’s").await;
}

#[actix_web::test]
async fn the_sentence_beside_the_form_grows_while_one_answers() {
    let app = TestApp::start();
    let ada = app.walk_in(&app.administrator("Ada"), "/keys/new").await;
    ada.sees("Nothing is chosen yet").await;
    ada.fill("Name", "deploy bot").await;
    ada.sees("deploy bot will be a key").await;
    super::continues_to(&ada, 2).await;
    ada.choose("Sandbox").await;
    ada.sees("accepted in Sandbox only").await;
    super::continues_to(&ada, 3).await;
    ada.toggle("orders:read").await;
    ada.sees("deploy bot will be able to read orders").await;
    ada.toggle("orders:write").await;
    ada.sees("write orders").await;
    ada.toggle("orders:read").await;
    ada.does_not_see("able to read orders").await;
    super::continues_to(&ada, 4).await;
    ada.fill("Requests per second", "").await;
    ada.sees("as often as it likes").await;
    ada.fill("Requests per minute", "60").await;
    ada.sees("at most 60 times a minute").await;
    ada.fill("Requests per day", "500").await;
    ada.sees("at most 60 times a minute and 500 times a day").await;
    // Typing into a field chooses what it belongs to.
    ada.pick_day("Last day", "2027-02-18").await;
    assert_eq!(ada.state_of("A day of your choice").await, "on");
    ada.sees("Until Thursday 18 February 2027").await;
    ada.sees("until 18 February 2027.").await;
}

#[actix_web::test]
async fn permissions_are_found_by_typing() {
    let app = TestApp::start();
    let ada = at_the_permissions(&app).await;
    ada.fill("Find a permission", "stock").await;
    ada.sees("1 permission matches").await;
    ada.does_not_see("orders:read").await;
    ada.toggle("inventory:write").await;
    // Whole sections are found by their name.
    ada.fill("Find a permission", "orders").await;
    ada.sees("returns:write").await;
    ada.fill("Find a permission", "zebra").await;
    ada.sees("No permissions match").await;
    ada.fill("Find a permission", "").await;
    ada.sees("orders:read").await;
    assert_eq!(ada.state_of("inventory:write").await, "on");
    // What is hidden by a search is still chosen.
    ada.fill("Find a permission", "payouts").await;
    super::continues_to(&ada, 4).await;
    super::continues_to(&ada, 5).await;
    ada.sees("update stock").await;
}

#[actix_web::test]
async fn what_is_missing_is_said_and_focused() {
    let app = TestApp::start();
    let ada = at_the_permissions(&app).await;
    ada.click("Continue").await;
    ada.sees("One answer needs another look").await;
    ada.sees("Step 3 of 5").await;
    ada.is_focused_on("All permissions").await;
    ada.toggle("orders:read").await;
    super::continues_to(&ada, 4).await;
}

#[actix_web::test]
async fn continuing_at_once_after_a_choice_is_not_swallowed() {
    let app = TestApp::start();
    let ada = at_the_permissions(&app).await;
    // The page asks what the key could do meanwhile, and the answer takes its time.
    let slow = "const send = XMLHttpRequest.prototype.send;
        XMLHttpRequest.prototype.send = function (body) { setTimeout(() => send.call(this, body), 60000) }";
    ada.run(slow).await;
    ada.toggle("orders:read").await;
    ada.wait_for_request_under_way().await;
    super::continues_to(&ada, 4).await;
}
