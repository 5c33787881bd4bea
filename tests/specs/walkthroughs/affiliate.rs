//! Seed 000: an affiliate platform, “10. API Keys”.

use serde_json::json;

use super::{copies_and_leaves, creates, is, valid, verdict};
use crate::support::TestApp;

fn affiliate() -> TestApp {
    let app = TestApp::start_blank();
    app.preset("affiliate");
    app.application("Storefront");
    app
}

#[actix_web::test]
async fn a_storefront_gets_a_key_with_only_the_scopes_it_needs() {
    let app = affiliate();
    let gateway = app.gateway("production");

    // “Navigation path: Sidebar → Business Settings → API Keys”
    let ada = app.walk_in(&app.administrator("Ada"), "/").await;
    ada.sees("Business Settings").await;
    ada.goes_to("API Keys").await;
    ada.is_on("API Keys").await;

    // “1. Click Create Key.”
    ada.click("Create Key").await;
    // “2. Enter a descriptive Name (e.g., Rentmy Production, Staging Environment).”
    ada.fill("Name", "Rentmy Production").await;
    super::continues_to(&ada, 2).await;
    ada.choose("Production").await;
    super::continues_to(&ada, 3).await;

    // “3. Click each scope toggle to select the permissions needed. Selected scopes appear highlighted.”
    let plain = ada.look_of("conversions:write").await;
    ada.toggle("conversions:write").await;
    ada.toggle("clicks:write").await;
    ada.toggle("pageviews:write").await;
    ada.toggle("sdk:init").await;
    assert_ne!(ada.look_of("conversions:write").await, plain);
    assert_eq!(ada.look_of("conversions:read").await, plain);
    assert_eq!(ada.state_of("conversions:write").await, "on");
    super::continues_to(&ada, 4).await;
    // “and initialize the Leaper Dev JavaScript SDK on your storefront”: there, and on no other page.
    ada.click("Where and for whom it works").await;
    ada.fill("Web origins of the public key", "https://shop.example").await;
    super::continues_to(&ada, 5).await;
    ada.sees("initialize the SDK").await;
    ada.sees("Its public key alone only on https://shop.example").await;

    // “4. Click Create Key.”
    ada.click("Create Key").await;
    // “5. Copy the key immediately — the full key value is shown only once.”
    ada.sees("This is the only time the secret is shown").await;
    let secret = copies_and_leaves(&ada).await;
    assert!(secret.starts_with("prod_sk_"), "{secret}");
    ada.is_on("Rentmy Production").await;
    ada.finds_nowhere(&secret).await;

    // “They are required to submit click events, page views, and conversions programmatically, and to initialize the
    // Leaper Dev tracking SDK.”
    let all = ["clicks:write", "pageviews:write", "conversions:write", "sdk:init"];
    assert_eq!(verdict(&app, &gateway, &secret, &all).await, valid());
    let more = ["affiliates:write"];
    assert_eq!(verdict(&app, &gateway, &secret, &more).await, is("INSUFFICIENT_SCOPE", 403));

    // “Each key record displays: Name, API Key (masked for security), Scopes, Status, Last Used, Created”
    app.flush();
    ada.goes_to("API Keys").await;
    ada.is_on("API Keys").await;
    let row = ada.row("Rentmy Production").await;
    let this_month = chrono::Utc::now().format(" %b %Y").to_string();
    for part in ["Storefront", "prod_sk_", "…", "clicks:write", "+ 2", "Active", "now", &this_month]
    {
        assert!(row.contains(part), "no {part} in: {row}");
    }
    assert!(!row.contains("Never") && !row.contains(&secret), "{row}");
    // “click Copy API key to copy to clipboard”: what can be copied later is the half that may be shared.
    ada.click("Copy public key of Rentmy Production").await;
    ada.sees("Public key copied").await;
    let public_key = ada.clipboard().await;
    assert!(public_key.starts_with("prod_pk_"), "{public_key}");

    // “Security best practice: Never expose API keys in client-side JavaScript, browser-accessible files, or version
    // control systems.” The public key may be there: alone it reaches what is safe in a browser, and nothing else.
    let from = async |origin, scopes: &[&str]| {
        let question = json!({ "key": public_key, "scopes": scopes, "origin": origin });
        app.verify(&gateway, question).await["code"].as_str().unwrap().to_owned()
    };
    let browser_safe = ["clicks:write", "pageviews:write", "sdk:init"];
    assert_eq!(from(Some("https://shop.example"), &browser_safe).await, "VALID");
    assert_eq!(from(Some("https://evil.example"), &browser_safe).await, "INSUFFICIENT_SCOPE");
    assert_eq!(from(None, &browser_safe).await, "INSUFFICIENT_SCOPE");
    let private = ["conversions:write"];
    assert_eq!(from(Some("https://shop.example"), &private).await, "INSUFFICIENT_SCOPE");
}

#[actix_web::test]
async fn a_key_on_a_public_repository_is_revoked_and_replaced() {
    let app = affiliate();
    let gateway = app.gateway("production");
    let ada = app.walk_in(&app.administrator("Ada"), "/keys").await;
    let scopes = ["conversions:read", "conversions:write"];
    creates(&ada, "Rentmy integration", "Production", &scopes).await;
    let leaked = copies_and_leaves(&ada).await;
    assert_eq!(verdict(&app, &gateway, &leaked, &scopes).await, valid());

    // “A developer discovers that an API key was accidentally pushed to a public GitHub repository. The administrator
    // immediately opens API Keys, clicks Revoke on the compromised key,”
    ada.goes_to("API Keys").await;
    app.flush();
    ada.choose_from_menu_of("Rentmy integration", "Revoke").await;
    ada.sees("Revoke Rentmy integration?").await;
    ada.fill("Type Rentmy integration to go on", "Rentmy integration").await;
    ada.fill("Reason", "Pushed to a public repository").await;
    ada.click("Revoke API Key").await;

    // “Revoke — Immediately disables the key so it can no longer authenticate API requests. The key record remains
    // visible in the list with a Revoked status.”
    ada.row_says("Rentmy integration", "Revoked").await;
    assert_eq!(verdict(&app, &gateway, &leaked, &scopes).await, is("REVOKED", 401));
    // “and notifies the development team”, who find it written down.
    ada.click("Rentmy integration").await;
    ada.sees("Ada revoked it").await;
    ada.sees("Pushed to a public repository").await;
    ada.goes_to("API Keys").await;

    // “generates a new key with the same scopes, updates the Rentmy.co integration with the new key value”
    ada.choose_from_menu_of("Rentmy integration", "Duplicate").await;
    ada.sees("A copy of Rentmy integration, to look through.").await;
    ada.fill("Name", "Rentmy integration, new").await;
    super::continues_to(&ada, 2).await;
    assert_eq!(ada.state_of("Production").await, "on");
    super::continues_to(&ada, 3).await;
    for (scope, state) in [(scopes[0], "on"), (scopes[1], "on"), ("clicks:write", "off")] {
        assert_eq!(ada.state_of(scope).await, state, "{scope}");
    }
    super::continues_to(&ada, 4).await;
    super::continues_to(&ada, 5).await;
    ada.click("Create Key").await;
    let fresh = copies_and_leaves(&ada).await;
    assert_eq!(verdict(&app, &gateway, &fresh, &scopes).await, valid());
    assert_eq!(verdict(&app, &gateway, &leaked, &scopes).await, is("REVOKED", 401));

    // “Delete — Permanently removes the key record from the list.”
    ada.goes_to("API Keys").await;
    ada.choose_from_menu_of("Rentmy integration", "Delete").await;
    ada.fill("Type Rentmy integration to go on", "Rentmy integration").await;
    ada.click("Delete API Key").await;
    ada.sees("Rentmy integration is off the list").await;
    ada.reload().await;
    ada.sees("Rentmy integration, new").await;
    assert!(ada.has_no_row("Rentmy integration").await);
    assert_eq!(verdict(&app, &gateway, &leaked, &scopes).await.1, 401);
}
