//! An incident, in a real Chromium: a pasted text, the key in it, revoked, and another in its place.

use crate::support::TestApp;

#[actix_web::test]
async fn from_a_pasted_text_to_a_revoked_key_and_its_replacement() {
    let app = TestApp::start();
    let gateway = app.gateway("production");
    let key = app.key(&app.manager_with_access("Mia"), "deploy bot");
    let ada = app.administrator("Ada");
    let person = app.walk_in(&ada, "/keys").await;
    person.click("Leak triage").await;
    person.is_on("Leak triage").await;
    let text = format!("2026-11-29 GET /orders?k={}", key.secret);
    person.fill("Text", &text).await;
    person.click("Find credentials").await;
    person.sees("One secret is in it, and it is known here.").await;
    person.sees("deploy bot").await;
    person.sees("Mia").await;
    person.finds_nowhere(&key.secret).await;
    person.fits().await;
    person.hold(390, 844).await;
    person.fits().await;
    person.hold(1440, 900).await;

    person.click("Revoke").await;
    person.sees("Revoke deploy bot?").await;
    person.click("Revoke API Key").await;
    person.is_on("deploy bot").await;
    person.sees("deploy bot is revoked for good.").await;
    assert_eq!(app.code(&gateway, &key.secret).await, "REVOKED");
    person.click("Create a replacement with the same permissions").await;
    assert_eq!(person.value_of("Name").await, "deploy bot (copy)");
    assert!(person.complaints().is_empty(), "{:?}", person.complaints());
}

#[actix_web::test]
async fn a_question_is_asked_again_as_it_changes() {
    let app = TestApp::start();
    let key = app.key(&app.administrator("Bea"), "deploy bot");
    let ada = app.administrator("Ada");
    let person = app.walk_in(&ada, &key.page()).await;
    person.click("Explain an answer").await;
    person.is_on("What is this key answered?").await;
    person.sees("It is let through").await;
    person.toggle("orders:write").await;
    person.sees("It is refused").await;
    person.sees("Add orders:write").await;
    assert!(person.address().await.contains("scope=orders%3Awrite"), "{}", person.address().await);
    person.fits().await;
    person.hold(390, 844).await;
    person.fits().await;
    person.click("Add orders:write").await;
    person.is_on("Edit deploy bot").await;
    assert!(person.complaints().is_empty(), "{:?}", person.complaints());
}
