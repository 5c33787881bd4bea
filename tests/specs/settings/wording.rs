//! Wording: what things are called, and where people find them.

use latchkey::presets;
use serde_json::json;

use super::trail;
use crate::support::{Browser, Page, TestApp};

async fn save(browser: &mut Browser, changed: &[(&str, &str)]) -> Page {
    let page = browser.get("/settings").await;
    browser.submit(&page, "form[action='/settings/wording']", changed).await
}

#[actix_web::test]
async fn what_things_are_called_is_decided_in_the_settings() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let words = [
        ("product_name", "Rentmy"),
        ("keys_section", "Developers"),
        ("keys_title", "Keys of the API"),
        ("create_label", "New Key"),
    ];
    save(&mut ada, &words).await.assert_leads_to("/settings");
    let page = ada.get("/keys").await;
    for (_, word) in words {
        page.assert_shows(word);
    }
    let before = trail(&app, "settings").len();
    let (action, details) = trail(&app, "settings").pop().unwrap();
    assert_eq!(action, "settings.updated");
    assert_eq!(details["keys_section"], json!(["Account", "Developers"]));
    save(&mut ada, &words).await.assert_leads_to("/settings");
    assert_eq!(trail(&app, "settings").len(), before, "nothing is written when nothing changes");
}

#[actix_web::test]
async fn the_other_address_leads_to_the_keys_as_soon_as_it_is_saved() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    ada.get("/portal/keys").await.assert_status(404);
    save(&mut ada, &[("keys_path", "/portal/keys")]).await.assert_leads_to("/settings");
    ada.get("/portal/keys").await.assert_leads_to("/keys");
    for other in ["/portal", "/portal/keys/", "/portal/keys/1", "/Portal/keys", "//portal/keys"] {
        ada.get(other).await.assert_status(404);
    }
    ada.post("/portal/keys", &[]).await.assert_status(404);
    let mut visitor = app.visitor();
    let led = visitor.get("/portal/keys").await;
    visitor.follow(led).await.assert_shows("Sign in");
    let mut tom = app.sign_in(&app.manager("Tom")).await;
    let led = tom.get("/portal/keys").await;
    tom.follow(led).await.assert_status(404).assert_shows("You don’t have API access.");

    save(&mut ada, &[("keys_path", "elsewhere")]).await.assert_leads_to("/settings");
    ada.get("/elsewhere").await.assert_leads_to("/keys");
    ada.get("/portal/keys").await.assert_status(404);
    for known in presets::wording::KNOWN_PATHS {
        ada.get(&format!("/{known}")).await.assert_leads_to("/keys");
    }
}

#[actix_web::test]
async fn the_other_address_is_never_one_of_ours() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let ours = crate::routes::ROUTES.iter().map(|(path, _)| path.trim_start_matches('/'));
    for path in ours.filter(|path| !path.is_empty() && !path.contains('{')) {
        let first = path.split('/').next().unwrap();
        for typed in [path.to_owned(), format!("{first}/api-keys/more")] {
            let page = save(&mut ada, &[("keys_path", &typed)]).await;
            page.assert_status(422);
            assert_eq!(page.attribute("#keys_path", "aria-invalid"), "true", "{typed}");
        }
    }
}

#[actix_web::test]
async fn what_is_wrong_with_the_wording_is_said_at_its_field() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let long = "x".repeat(61);
    for (field, typed) in [
        ("product_name", ""),
        ("product_name", "a\u{202e}"),
        ("keys_section", &long),
        ("keys_title", " "),
        ("create_label", "a\0"),
        ("keys_path", ""),
        ("keys_path", "a b"),
        ("keys_path", "../keys"),
        ("api_url", "javascript:alert(1)"),
        ("api_url", "https://api.example.com/$(id)"),
        ("api_url", "api.example.com"),
    ] {
        let page = save(&mut ada, &[(field, typed)]).await;
        page.assert_status(422).assert_is_page();
        assert_eq!(page.attribute(&format!("#{field}"), "aria-invalid"), "true", "{field} {typed}");
    }
    ada.post("/settings/wording", &[("preset", "x")]).await.assert_status(400);
}

#[actix_web::test]
async fn the_example_request_goes_to_the_platforms_own_api() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut adas = app.sign_in(&ada).await;
    save(&mut adas, &[("api_url", "https://api.rentmy.co/v2")]).await.assert_leads_to("/settings");
    let regenerate = format!("{}/regenerate", key.page());
    let reveal = adas.post(&regenerate, &[("version", "1")]).await;
    reveal.assert_status(200);
    assert!(reveal.text("#curl").starts_with("curl https://api.rentmy.co/v2 -H "));
    save(&mut adas, &[("api_url", "")]).await.assert_leads_to("/settings");
    let reveal = adas.post(&regenerate, &[("version", "2")]).await;
    assert!(reveal.text("#curl").starts_with("curl https://api.example.com/ -H "));
}

#[actix_web::test]
async fn every_preset_brings_the_address_of_its_manual() {
    let app = TestApp::start();
    for (preset, path) in [
        ("affiliate", "business-settings/api-keys"),
        ("loyalty", "developer/api-keys"),
        ("payments", "settings/service-settings/api-keys"),
        ("marketplace", "account/api-keys"),
        ("licensing", "account/api-keys"),
    ] {
        app.preset(preset);
        assert_eq!(app.db(latchkey::settings::load).unwrap().keys_path, path);
    }
}
