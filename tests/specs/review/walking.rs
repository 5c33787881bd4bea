//! Somebody looks through their keys on a phone, in a real Chromium.

use super::{age, code, read_log};
use crate::support::TestApp;

#[actix_web::test]
async fn a_key_is_trimmed_and_given_back_what_it_lost_on_a_phone() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let gateway = app.gateway("production");
    let wanted = app.permissions(&["reporting:read", "orders:read", "orders:write"]);
    let name = "Quarterly performance and seller compliance reports for the finance department";
    let key = app.key_with(Some(&ada), name, |new| new.permissions = wanted);
    app.key(&ada, "untouched");
    age(&app, 100);
    code(&app, &gateway, &key, "reporting:read").await;
    read_log(&app);
    let person = app.walk_in(&ada, "/keys").await;
    person.goes_to("Review").await;
    person.is_on("Review").await;
    person.fits().await;
    person.hold(390, 844).await;
    person.sees("orders:write").await;
    person.fits().await;
    person.click(&format!("Trim {name}")).await;
    person.sees("2 permissions went, 1 stayed").await;
    person.fits().await;
    assert_eq!(code(&app, &gateway, &key, "orders:read").await, "INSUFFICIENT_SCOPE");
    person.is_focused_on(&format!("Undo for {name}")).await;
    person.click(&format!("Undo for {name}")).await;
    person.sees("may do what it did before").await;
    assert_eq!(code(&app, &gateway, &key, "orders:read").await, "VALID");
    person.click("Never used: 1").await;
    person.sees("Keys never used, made more than 30 days ago").await;
    person.fits().await;
    person.click("Disable untouched").await;
    person.sees("untouched is disabled.").await;
    person.click("Undo for untouched").await;
    person.sees("untouched is enabled again.").await;
    assert!(person.complaints().is_empty(), "{:?}", person.complaints());
}
