//! Seed 002: a payment gateway, “API Keys”.

use serde_json::json;

use super::{copies_and_leaves, creates, is, valid, verdict};
use crate::support::{PASSWORD, Person, TestApp};

#[actix_web::test]
async fn test_and_live_mode_have_different_keys() {
    let app = TestApp::start_blank();
    app.preset("payments");
    app.application("Web shop");
    let (live, test) = (app.gateway("live"), app.gateway("test"));

    // “Login to your Leatherback dashboard. Navigate to settings. Click on Service Settings. Select the API Keys tab”
    let ada = app.walk_in(&app.administrator("Ada"), "/").await;
    ada.sees("Service Settings").await;
    ada.goes_to("API Keys").await;
    ada.is_on("API Keys").await;

    // “The secret key is used to authorize all your API calls on Leatherback without restriction.” So a new key
    // starts with everything, and is told to narrow it.
    ada.click("Create API Key").await;
    ada.fill("Name", "Web shop, live").await;
    super::continues_to(&ada, 2).await;
    ada.choose("Live").await;
    super::continues_to(&ada, 3).await;
    assert_eq!(ada.state_of("All permissions").await, "on");
    assert_eq!(ada.state_of("refunds:write").await, "on");
    ada.sees("Narrow it to what the program needs, now or later").await;
    super::continues_to(&ada, 4).await;
    super::continues_to(&ada, 5).await;
    ada.click("Create API Key").await;

    // “We use two types of API keys on Leatherback: Public Keys and Secret Keys”, “Public Key: This is required
    // together with your secret key to generate your basic token”
    ada.is_on("Web shop, live is ready").await;
    let public_key = ada.reads("Public key").await;
    ada.copy("Basic token").await;
    let basic = ada.clipboard().await;
    let live_secret = copies_and_leaves(&ada).await;
    assert!(public_key.starts_with("live_pk_") && live_secret.starts_with("live_sk_"));
    use base64::{Engine, engine::general_purpose::STANDARD};
    assert_eq!(basic, STANDARD.encode(format!("{public_key}:{live_secret}")));

    // “You can use Leatherback APIs in two modes, Test and Live. The API keys are different for each mode.”
    creates(&ada, "Web shop, test", "Test", &[]).await;
    let test_secret = copies_and_leaves(&ada).await;
    assert!(test_secret.starts_with("test_sk_"), "{test_secret}");
    let refund = ["refunds:write"];
    assert_eq!(verdict(&app, &live, &live_secret, &refund).await, valid());
    assert_eq!(verdict(&app, &test, &test_secret, &refund).await, valid());
    assert_eq!(verdict(&app, &live, &test_secret, &refund).await, is("WRONG_ENVIRONMENT", 401));
    assert_eq!(verdict(&app, &test, &live_secret, &refund).await, is("WRONG_ENVIRONMENT", 401));

    // The Basic token counts as both halves; halves of different keys don't belong together.
    let answer = app.verify(&live, json!({ "basic": basic, "scopes": refund })).await;
    assert_eq!(answer["code"], "VALID", "{answer}");
    let mixed = STANDARD.encode(format!("{public_key}:{test_secret}"));
    let answer = app.verify(&live, json!({ "basic": mixed })).await;
    assert_eq!(answer["code"], "KEY_NOT_FOUND", "{answer}");

    // As the payment API's own gateway asks: “Leatherback authenticates your API requests using your account’s API
    // keys.”
    let asks = reqwest::Client::new();
    let ask =
        || asks.get(app.url("/v1/authorize?scope=payments:write")).header("X-Gateway-Token", &live);
    let answer = ask().header("Authorization", format!("Basic {basic}")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["x-key-id"], public_key.as_str());
    // “If you do not include your key when making an API request, Leatherback will propagate an error.”
    let answer = ask().send().await.unwrap();
    assert_eq!(answer.status(), 401);
    assert!(answer.headers().contains_key("www-authenticate"));

    // One looks at either mode, or at both.
    ada.goes_to("API Keys").await;
    ada.row("Web shop, live").await;
    ada.click("Test").await;
    ada.sees("Test mode").await;
    ada.row_says("Web shop, test", "test_sk_").await;
    assert!(ada.has_no_row("Web shop, live").await);
    ada.click("Live").await;
    ada.sees("Live mode").await;
    ada.row_says("Web shop, live", "live_sk_").await;
    assert!(ada.has_no_row("Web shop, test").await);
    ada.click("All").await;
    ada.row("Web shop, test").await;
    ada.row("Web shop, live").await;
}

#[actix_web::test]
async fn a_compromised_key_gets_a_new_secret_and_the_old_one_stops() {
    let app = TestApp::start_blank();
    app.preset("payments");
    app.application("Web shop");
    let live = app.gateway("live");
    let ada = app.walk_in(&app.administrator("Ada"), "/keys").await;
    creates(&ada, "Web shop", "Live", &[]).await;
    let old = copies_and_leaves(&ada).await;

    // “In cases where your API keys have been compromised, you can easily generate new API keys.”
    ada.is_on("Web shop").await;
    ada.click("Regenerate").await;
    ada.sees("The old secret stops working at once").await;
    ada.click("Regenerate API Key").await;
    ada.is_on("Web shop has a new secret").await;

    // “This action will deactivate your current API key immediately and new ones will be generated.”
    assert_eq!(verdict(&app, &live, &old, &[]).await, is("SECRET_REPLACED", 401));
    let new = copies_and_leaves(&ada).await;
    assert_ne!(new, old);

    // “You'll need to update your integrations with the new values once this is done.”
    assert_eq!(verdict(&app, &live, &new, &[]).await, valid());
    ada.sees("regenerated the secret").await;
    ada.finds_nowhere(&new).await;
}

#[actix_web::test]
async fn the_eye_shows_a_secret_again_where_that_was_wanted() {
    let vault = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    let app = TestApp::start_with(&[("LATCHKEY_VAULT_KEY", vault)]);
    app.preset("payments");
    let app_id = app.application("Web shop");
    let user = app.administrator("Ada");
    let key = app.key(&user, "Web shop");

    // “You can get your credentials by clicking on the eye button”. Nobody can show a secret that was not kept:
    // then the eye has the public key, and says why.
    let ada = app.walk_in(&user, "/keys").await;
    ada.click("Show secret of Web shop").await;
    ada.sees("The secret of Web shop cannot be shown").await;
    assert_eq!(ada.reads("Public key").await, key.public_key());
    ada.click("Close").await;
    ada.has_dialogs(0).await;

    // Who wants to see secrets again says so once for the application; it counts for the secrets made from then on.
    ada.open(&format!("/applications/{app_id}")).await;
    ada.click("Switch on").await;
    ada.click("Keep new secrets").await;
    ada.sees("Switch off and erase").await;
    ada.open(&key.page()).await;
    ada.click("Regenerate").await;
    ada.choose("After an hour").await;
    ada.click("Regenerate API Key").await;
    let secret = copies_and_leaves(&ada).await;
    ada.sees("The old secret still works").await;

    look(&ada).await;
    assert_eq!(ada.reads("Secret key").await, secret);
    ada.sees("Hides itself in").await;
    assert!(!ada.would_be_asked().await, "it can be seen again, so nobody is kept");
    ada.click("Hide now").await;
    ada.is_on("Web shop").await;
    ada.finds_nowhere(&secret).await;
    ada.back().await;
    ada.wait_until_nowhere(&secret).await;
}

/// From the list, with the eye.
async fn look(ada: &Person) {
    ada.goes_to("API Keys").await;
    ada.click("Show secret of Web shop").await;
    ada.is_focused_on("Your password").await;
    ada.fill("Your password", PASSWORD).await;
    ada.click("Show secret").await;
    ada.is_on("The secret of Web shop").await;
}

#[actix_web::test]
async fn reset_all_keys_deactivates_every_one_and_shows_the_new_ones_together() {
    let app = TestApp::start_blank();
    app.preset("payments");
    app.application("Web shop");
    let (live, test) = (app.gateway("live"), app.gateway("test"));
    let test_id = app.environment("test");
    let user = app.administrator("Ada");
    let names = ["Backend server", "Mobile app"];
    let old = names.map(|name| app.key(&user, name).secret);
    let in_test = app.key_with(Some(&user), "In test", |new| new.environment_id = test_id).secret;

    // “In cases where your API keys have been compromised, you can easily generate new API keys. Simply click the
    // 'Reset all Keys' text”
    let ada = app.walk_in(&user, "/applications").await;
    ada.click("Web shop").await;
    ada.click("Reset all keys in Live").await;
    ada.is_on("Reset all keys of Web shop in Live?").await;
    ada.row("Backend server").await;
    ada.row("Mobile app").await;
    ada.fill("Your password", PASSWORD).await;
    ada.click("Reset all keys").await;

    // “This action will deactivate your current API key immediately and new ones will be generated.”
    ada.is_on("2 keys of Web shop have new secrets").await;
    for secret in &old {
        assert_eq!(verdict(&app, &live, secret, &[]).await, is("SECRET_REPLACED", 401));
    }
    // “You'll need to update your integrations (i.e. backend server configurations, mobile apps, websites, etc) with
    // the new values once this is done.”
    for (name, old) in names.iter().zip(&old) {
        let new = ada.reads(name).await;
        assert!(new.starts_with("live_sk_") && new != *old, "{name}");
        assert_eq!(verdict(&app, &live, &new, &[]).await, valid());
    }
    ada.click("Copy all").await;
    ada.sees("All secrets copied").await;
    ada.click("Done").await;
    ada.is_on("Web shop").await;
    // “The API keys are different for each mode.”
    assert_eq!(verdict(&app, &test, &in_test, &[]).await, valid());
}
