//! The whole life of a key with scripts off: every act is a page and a form.

use super::{is, valid, verdict};
use crate::support::TestApp;

#[actix_web::test]
async fn a_key_lives_its_whole_life_without_javascript() {
    let app = TestApp::start();
    let gateway = app.gateway("production");
    let ada = app.administrator("Ada");
    let person = app.in_chromium_without_scripts().await;
    person.sign_in(&ada).await;
    person.goes_to("API Keys").await;
    person.is_on("Manage API Keys").await;
    assert_eq!(person.run("return typeof htmx").await, "undefined", "scripts are on");

    person.click("API Key").await;
    person.fill("Name", "Nightly report").await;
    super::continues_to(&person, 2).await;
    person.choose("Production").await;
    super::continues_to(&person, 3).await;
    person.toggle("reporting:read").await;
    super::continues_to(&person, 4).await;
    person.choose("90 days").await;
    super::continues_to(&person, 5).await;
    person.sees("read reports").await;
    person.click("Back").await;
    person.sees("Step 4 of 5").await;
    assert_eq!(person.state_of("90 days").await, "on");
    super::continues_to(&person, 5).await;
    person.click("Create API Key").await;
    person.is_on("Nightly report is ready").await;
    let old = person.reads("Secret key").await;
    assert_eq!(verdict(&app, &gateway, &old, &["reporting:read"]).await, valid());
    person.click("Done").await;
    person.is_on("Nightly report").await;
    person.finds_nowhere(&old).await;

    person.click("Edit").await;
    person.fill("Name", "Morning report").await;
    person.toggle("reporting:export").await;
    person.click("Update API Key").await;
    person.is_on("Morning report").await;
    person.sees("Morning report is updated").await;
    assert_eq!(verdict(&app, &gateway, &old, &["reporting:export"]).await, valid());

    app.flush();
    person.goes_to("API Keys").await;
    person.choose_from_menu_of("Morning report", "Disable").await;
    person.is_on("Disable Morning report?").await;
    person.fill("Type Morning report to go on", "Morning report").await;
    person.click("Disable API Key").await;
    person.sees("Morning report is disabled").await;
    assert_eq!(verdict(&app, &gateway, &old, &[]).await, is("DISABLED", 401));
    person.click("Enable").await;
    person.sees("Morning report is enabled").await;
    assert_eq!(verdict(&app, &gateway, &old, &[]).await, valid());

    person.click("Regenerate").await;
    person.fill("Type Morning report to go on", "Morning report").await;
    person.click("Regenerate API Key").await;
    person.is_on("Morning report has a new secret").await;
    let new = person.reads("Secret key").await;
    person.click("Done").await;
    person.is_on("Morning report").await;
    assert_eq!(verdict(&app, &gateway, &old, &[]).await, is("SECRET_REPLACED", 401));
    assert_eq!(verdict(&app, &gateway, &new, &[]).await, valid());

    person.goes_to("API Keys").await;
    person.fill("Search by name, application, public key, owner, or a pasted secret", &new).await;
    person.click("Search").await;
    person.is_on("Morning report").await;
    person.finds_nowhere(&new).await;

    person.click("More").await;
    person.click("Revoke").await;
    person.is_on("Revoke Morning report?").await;
    person.fill("Type Morning report to go on", "Morning report").await;
    person.fill("Reason", "Not needed any more").await;
    person.click("Revoke API Key").await;
    person.sees("Revoked for good").await;
    person.sees("“Not needed any more”").await;
    assert_eq!(verdict(&app, &gateway, &new, &[]).await, is("REVOKED", 401));

    person.click("Delete").await;
    person.fill("Type Morning report to go on", "Morning report").await;
    person.click("Delete API Key").await;
    person.sees("Morning report is off the list").await;
    person.sees("No keys yet").await;
    assert_eq!(verdict(&app, &gateway, &new, &[]).await.1, 401);
}
