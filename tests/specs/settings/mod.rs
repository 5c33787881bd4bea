//! What administrators decide for everybody.

mod catalogue;
mod environments;
mod toml;
mod wording;

use diesel::prelude::*;
use latchkey::schema::audit_events;
use serde_json::Value;

use crate::support::TestApp;

/// The actions about one thing, oldest first, with their details.
fn trail(app: &TestApp, subject: &str) -> Vec<(String, Value)> {
    app.db(|conn| {
        audit_events::table
            .filter(audit_events::subject.eq(subject))
            .order(audit_events::id)
            .select((audit_events::action, audit_events::details))
            .load(conn)
    })
    .unwrap()
}

#[actix_web::test]
async fn policies_are_what_was_ticked() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let form = "form[action='/settings']";
    let page = ada.get("/settings").await;
    page.assert_status(200).assert_is_page().assert_shows("Marketplace managers may revoke");
    let ticked = [("managers_may_revoke", "yes")];
    ada.submit(&page, form, &ticked).await.assert_leads_to("/settings");
    let page = ada.get("/settings").await;
    page.assert_shows("The policies are saved.");
    page.attribute("input[name='managers_may_revoke']", "checked");

    ada.post("/settings", &[]).await.assert_leads_to("/settings");
    let page = ada.get("/settings").await;
    assert!(page.all("form[action='/settings'] input[type='checkbox'][checked]").is_empty());
    for wrong in [("managers_may_revoke", "maybe"), ("preset", "payments")] {
        ada.post("/settings", &[wrong]).await.assert_status(400);
    }
}

#[actix_web::test]
async fn what_was_ticked_is_kept_beside_what_is_wrong() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let names = ["managers_may_revoke", "managers_may_regenerate", "new_key_all_permissions"];
    for bits in 0..8 {
        let mut fields = vec![("default_lifetime_days", "soon")];
        let ticked: Vec<&str> =
            (0..3).filter(|bit| bits >> bit & 1 == 1).map(|bit| names[bit]).collect();
        fields.extend(ticked.iter().map(|name| (*name, "yes")));
        let again = ada.post("/settings", &fields).await;
        again.assert_status(422).assert_is_page();
        assert_eq!(again.attribute("[name=default_lifetime_days]", "value"), "soon");
        for name in names {
            let is_ticked = !again.all(&format!("input[name={name}][checked]")).is_empty();
            assert_eq!(is_ticked, ticked.contains(&name), "{name} of {ticked:?}");
        }
    }
}

#[actix_web::test]
async fn environments_and_the_catalogue_can_be_looked_up() {
    let app = TestApp::start();
    app.preset("affiliate");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let page = ada.get("/settings/environments").await;
    for text in ["production", "prod_", "dev_", "Test"] {
        page.assert_shows(text);
    }
    let page = ada.get("/settings/catalogue").await;
    for text in ["affiliates:read", "browser-safe", "READ"] {
        page.assert_shows(text);
    }
}

#[actix_web::test]
async fn another_preset_is_looked_at_before_it_is_applied() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    app.key(&ada, "Storefront");
    let mut adas = app.sign_in(&ada).await;
    let page = adas.get("/settings/confirm/preset?preset=licensing").await;
    page.assert_status(200).assert_is_page();
    page.assert_shows("Added staging").assert_shows("license_management");
    adas.get("/settings/catalogue").await.assert_hides("license_management");
    adas.get("/settings/environments").await.assert_shows("Sandbox");

    adas.submit(&page, "form[action='/settings/preset']", &[]).await.assert_leads_to("/settings");
    adas.get("/settings/catalogue").await.assert_shows("license_management");
    let page = adas.get("/settings/environments").await;
    assert_eq!(page.all("th .tag--code"), ["production", "staging", "development"]);
    let again = adas.get("/settings/confirm/preset?preset=licensing").await;
    again.assert_shows("This preset is the one in use.");
    let kept = again.all("dd");
    assert!(kept.iter().any(|slugs| slugs.contains(':')), "what a key holds is kept: {kept:?}");
}

#[actix_web::test]
async fn a_preset_that_is_none_changes_nothing() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    for preset in ["", "casino", "%00", "../marketplace"] {
        let address = format!("/settings/confirm/preset?preset={preset}");
        ada.get(&address).await.assert_status(404);
        ada.post("/settings/preset", &[("preset", preset)]).await.assert_status(422);
    }
    ada.get("/settings/preset").await.assert_status(405);
}
