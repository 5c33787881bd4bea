//! Seed 001: a loyalty programme, “Credentials”.

use super::{copies_and_leaves, is, valid, verdict};
use crate::support::{Person, TestApp};

/// Creates a key from the page of its application.
async fn creates_for(person: &Person, app_id: &str, name: &str, environment: &str) -> String {
    person.open(&format!("/applications/{app_id}")).await;
    person.click("Create API Key").await;
    person.fill("Name", name).await;
    super::continues_to(person, 2).await;
    person.choose(environment).await;
    super::continues_to(person, 3).await;
    person.toggle("stamps_read").await;
    person.toggle("stamps_write").await;
    super::continues_to(person, 4).await;
    super::continues_to(person, 5).await;
    person.press_the_last_button().await;
    copies_and_leaves(person).await
}

#[actix_web::test]
async fn an_application_gets_credentials_and_keys_in_both_modes() {
    let app = TestApp::start_blank();
    app.preset("loyalty");
    app.application("Till");
    let (production, test) = (app.gateway("production"), app.gateway("test"));

    // “Navigate to Developer Section. From your partner dashboard, click on "Developer" in the sidebar.”
    let ada = app.walk_in(&app.administrator("Ada"), "/").await;
    ada.sees("Developer").await;
    ada.goes_to("Applications").await;
    ada.is_on("Applications").await;

    // “Each application you create receives two credentials: App ID app_xxxxxxxxxxxxxxxx, App Secret
    // secret_xxxxxxxxxxxxxxxx”
    ada.click("Application").await;
    ada.fill("Name", "Partner app").await;
    ada.click("Create application").await;
    ada.copy("App Secret").await;
    let app_secret = ada.clipboard().await;
    let app_id = ada.reads("App ID").await;
    assert!(app_id.starts_with("app_") && app_id.len() == 20, "{app_id}");
    assert!(app_secret.starts_with("secret_"), "{app_secret}");
    ada.click("Done").await;
    ada.is_on("Partner app").await;

    // “App ID identifies your application (safe to share). App Secret authenticates your application (keep
    // private!)”
    assert_eq!(ada.reads("App ID").await, app_id);
    ada.finds_nowhere(&app_secret).await;
    let basic = basic_of(&app_id, &app_secret);
    let known = app.verify(&production, serde_json::json!({ "basic": basic })).await;
    assert_eq!(known["application_id"], app_id.as_str(), "{known}");

    // “Select Your Application. Click on the application you want to manage keys for.”
    ada.goes_to("Applications").await;
    ada.click("Partner app").await;
    ada.is_on("Partner app").await;

    // “API keys are generated within applications and carry specific permissions (scopes)”
    ada.click("Create API Key").await;
    ada.fill("Name", "Till, trying out").await;
    super::continues_to(&ada, 2).await;
    // The application is the one we came from.
    assert_eq!(ada.value_of("Application").await, app_id);
    ada.choose("Test").await;
    super::continues_to(&ada, 3).await;

    // “Member Scopes, Card Scopes, Claim Scopes, Referral Scopes, Stamps Scopes, Cashback Scopes”, each READ or
    // WRITE, and some with only one of them
    for section in ["Member", "Card", "Claim", "Referral", "Stamps", "Cashback"] {
        assert_eq!(ada.state_of(section).await, "off", "{section}");
    }
    ada.sees("Write claims WRITE claim_write").await;
    ada.sees("Read cards READ card_read").await;
    ada.sees("Open claims and decide them, either way").await;
    ada.does_not_see("claim_read").await;
    ada.does_not_see("card_write").await;
    ada.toggle("Stamps").await;
    ada.toggle("member_read").await;
    super::continues_to(&ada, 4).await;
    super::continues_to(&ada, 5).await;
    ada.sees("do everything in Stamps").await;
    ada.click("Create API Key").await;
    let in_test = copies_and_leaves(&ada).await;

    // “# Test Mode Key test_sk_abc123def456ghi789…  # Production Mode Key prod_sk_xyz789ghi012jkl345…”
    assert!(in_test.starts_with("test_sk_"), "{in_test}");
    let in_production = creates_for(&ada, &app_id, "Till", "Production").await;
    assert!(in_production.starts_with("prod_sk_"), "{in_production}");

    let stamps = ["stamps_read", "stamps_write"];
    assert_eq!(verdict(&app, &test, &in_test, &stamps).await, valid());
    assert_eq!(verdict(&app, &test, &in_test, &["member_read"]).await, valid());
    assert_eq!(
        verdict(&app, &test, &in_test, &["member_write"]).await,
        is("INSUFFICIENT_SCOPE", 403)
    );
    assert_eq!(verdict(&app, &production, &in_production, &stamps).await, valid());
    assert_eq!(verdict(&app, &production, &in_test, &stamps).await, is("WRONG_ENVIRONMENT", 401));
    assert_eq!(verdict(&app, &test, &in_production, &stamps).await, is("WRONG_ENVIRONMENT", 401));

    // “Treat it like a password”: it is changed when it may be known to others. What identified itself with the old
    // one is refused, what has the new one is known, and no key notices.
    assert_eq!(identified(&app, &production, &app_id, &app_secret).await, 200);
    ada.open(&format!("/applications/{app_id}")).await;
    ada.click("Rotate App Secret").await;
    ada.sees("The old one stops working at once").await;
    ada.click("Rotate App Secret").await;
    ada.is_on("Partner app has a new App Secret").await;
    assert_eq!(identified(&app, &production, &app_id, &app_secret).await, 401);
    ada.copy("App Secret").await;
    let new_secret = ada.clipboard().await;
    ada.click("Done").await;
    ada.is_on("Partner app").await;
    ada.finds_nowhere(&new_secret).await;
    assert_eq!(identified(&app, &production, &app_id, &new_secret).await, 200);
    assert_eq!(verdict(&app, &production, &in_production, &stamps).await, valid());

    // “Manage API Keys. View existing keys, create new ones, or revoke compromised keys.”
    ada.sees("2 active keys belong to this application").await;
    ada.click("1 active in Production").await;
    ada.row("Till").await;
    assert!(ada.has_no_row("Till, trying out").await);
    ada.open(&format!("/applications/{app_id}")).await;
    ada.click("All keys of Partner app").await;
    ada.row_says("Till, trying out", "test").await;
    ada.row_says("Till", "production").await;
}

#[actix_web::test]
async fn keys_are_rotated_by_replacing_one_with_another() {
    let app = TestApp::start_blank();
    app.preset("loyalty");
    let app_id = app.application("Till");
    let gateway = app.gateway("production");
    let ada = app.walk_in(&app.administrator("Ada"), "/keys").await;
    let stamps = ["stamps_read", "stamps_write"];
    let old = creates_for(&ada, &app_id, "Till 2025", "Production").await;

    // “We recommend rotating your API keys periodically. Create a new key, update your integration,”
    let new = creates_for(&ada, &app_id, "Till 2026", "Production").await;
    assert_eq!(verdict(&app, &gateway, &old, &stamps).await, valid());
    assert_eq!(verdict(&app, &gateway, &new, &stamps).await, valid());

    // “then revoke the old key.”
    ada.goes_to("API Keys").await;
    app.flush();
    ada.choose_from_menu_of("Till 2025", "Revoke").await;
    ada.fill("Type Till 2025 to go on", "Till 2025").await;
    ada.click("Revoke API Key").await;
    ada.row_says("Till 2025", "Revoked").await;
    assert_eq!(verdict(&app, &gateway, &old, &stamps).await, is("REVOKED", 401));
    assert_eq!(verdict(&app, &gateway, &new, &stamps).await, valid());

    // The same with one key: both of its secrets work while the integration is updated, and then the old one is
    // stopped.
    ada.click("Till 2026").await;
    ada.click("Regenerate").await;
    ada.choose("After 24 hours").await;
    ada.click("Regenerate API Key").await;
    let (old, new) = (new, copies_and_leaves(&ada).await);
    assert_eq!(verdict(&app, &gateway, &old, &stamps).await, valid());
    assert_eq!(verdict(&app, &gateway, &new, &stamps).await, valid());
    ada.reload().await;
    ada.sees("The old secret still works").await;
    ada.click("Finish now").await;
    ada.has_dialogs(1).await;
    ada.click("Finish now").await;
    ada.does_not_see("The old secret still works").await;
    assert_eq!(verdict(&app, &gateway, &old, &stamps).await, is("SECRET_REPLACED", 401));
    assert_eq!(verdict(&app, &gateway, &new, &stamps).await, valid());

    // An application is archived when nothing uses it any more, and not before.
    ada.open(&format!("/applications/{app_id}")).await;
    ada.click("Archive application").await;
    ada.sees("Till cannot be archived yet").await;
    ada.click("Till 2026").await;
    ada.click("More").await;
    ada.click("Revoke").await;
    ada.fill("Type Till 2026 to go on", "Till 2026").await;
    ada.click("Revoke API Key").await;
    ada.sees("Revoked for good").await;
    ada.open(&format!("/applications/{app_id}")).await;
    ada.click("Archive application").await;
    ada.sees("None of its keys is active, so no key stops working").await;
    ada.click("Archive application").await;
    ada.sees("Till is archived").await;
}

/// How a gateway is answered that asks who this application is.
async fn identified(app: &TestApp, gateway: &str, app_id: &str, app_secret: &str) -> u16 {
    let question = reqwest::Client::new().get(app.url("/v1/authorize"));
    let question = question.header("X-Gateway-Token", gateway).basic_auth(app_id, Some(app_secret));
    question.send().await.unwrap().status().as_u16()
}

fn basic_of(id: &str, secret: &str) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.encode(format!("{id}:{secret}"))
}
