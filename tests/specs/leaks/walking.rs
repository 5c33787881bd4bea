//! Asking what a key would be answered, in a real Chromium. The incident from its beginning to its end is in
//! `walkthroughs/incident.rs`.

use crate::support::TestApp;

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
