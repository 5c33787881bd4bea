//! Seed 003: a licensing platform, “API Keys”.

use super::{copies_and_leaves, creates, is, valid, verdict};
use crate::support::TestApp;

fn licensing() -> TestApp {
    let app = TestApp::start_blank();
    app.preset("licensing");
    app.application("Website");
    app
}

#[actix_web::test]
async fn a_key_is_generated_for_the_main_website() {
    let app = licensing();
    let (production, staging) = (app.gateway("production"), app.gateway("staging"));
    let ada = app.walk_in(&app.administrator("Ada"), "/keys").await;

    // “1. Click Create API Key.”
    ada.click("Create API Key").await;
    // “2. Give the key a descriptive Name (e.g., “Main Website Integration”).”
    ada.fill("Name", "Main Website Integration").await;
    super::continues_to(&ada, 2).await;
    // “3. Select the Environment.”: “Production: Active for real-world operations. Staging: Used for testing
    // integrations with realistic data. Development: Isolated environment for initial coding and experimentation.”
    ada.choose("Development").await;
    ada.choose("Production").await;
    ada.choose("Staging").await;
    super::continues_to(&ada, 3).await;
    // “4. Configure Permissions and Rate Limits.”
    ada.toggle("License Management").await;
    ada.toggle("Customer Read").await;
    ada.toggle("Telemetry Write").await;
    super::continues_to(&ada, 4).await;
    ada.fill("Requests per second", "").await;
    ada.fill("Requests per hour", "2").await;
    super::continues_to(&ada, 5).await;
    ada.sees("at most 2 times an hour").await;
    ada.click("Create API Key").await;

    // “5. CRITICAL: Copy your API key immediately. For security reasons, the full key is only displayed once.”
    let secret = copies_and_leaves(&ada).await;
    ada.is_on("Main Website Integration").await;
    ada.finds_nowhere(&secret).await;

    // “You can see a summary of these permissions (e.g., License Management, Customer Read, Telemetry Write)
    // directly in the main list.”
    ada.goes_to("API Keys").await;
    ada.row_says("Main Website Integration", "license_management").await;
    ada.row_says("Main Website Integration", "2 / hour").await;

    // “Cross-environment access is strictly forbidden by the platform core.”
    assert_eq!(
        verdict(&app, &production, &secret, &["customer_read"]).await,
        is("WRONG_ENVIRONMENT", 401)
    );
    // “This follows the principle of least privilege—only granting the exact access needed”
    assert_eq!(
        verdict(&app, &staging, &secret, &["customer_write"]).await,
        is("INSUFFICIENT_SCOPE", 403)
    );
    // Refusals spend nothing of the two requests an hour.
    assert_eq!(verdict(&app, &staging, &secret, &["customer_read"]).await, valid());
    assert_eq!(verdict(&app, &staging, &secret, &["telemetry_write"]).await, valid());
    assert_eq!(verdict(&app, &staging, &secret, &["customer_read"]).await, is("RATE_LIMITED", 429));

    // “Last Used Tracking: Monitor exactly when a key was last used”
    app.flush();
    ada.reload().await;
    ada.row_says("Main Website Integration", "now").await;
}

#[actix_web::test]
async fn a_key_is_stopped_for_a_while() {
    let app = licensing();
    let gateway = app.gateway("production");
    let ada = app.walk_in(&app.administrator("Ada"), "/keys").await;
    creates(&ada, "Nightly import", "Production", &["license_read"]).await;
    let secret = copies_and_leaves(&ada).await;
    ada.goes_to("API Keys").await;
    // “Status Monitoring: Instantly see if a key is Active, Inactive, or Expired.”
    ada.row_says("Nightly import", "Active").await;

    // “Revoke: Use this to temporarily disable a key without deleting it.” What can be taken back is called Disable.
    ada.choose_from_menu_of("Nightly import", "Disable").await;
    ada.sees("refused until somebody enables it again").await;
    ada.click("Disable API Key").await;
    ada.row_says("Nightly import", "Inactive").await;
    ada.sees("Nightly import is disabled").await;
    assert_eq!(verdict(&app, &gateway, &secret, &["license_read"]).await, is("DISABLED", 401));

    ada.choose_from_menu_of("Nightly import", "Enable").await;
    ada.row_says("Nightly import", "Active").await;
    assert_eq!(verdict(&app, &gateway, &secret, &["license_read"]).await, valid());

    // “Revocation: If a key is compromised or no longer needed, it can be revoked immediately, cutting off all future
    // access without deleting the historical data associated with it.”
    app.flush();
    ada.choose_from_menu_of("Nightly import", "Revoke").await;
    ada.fill("Type Nightly import to go on", "Nightly import").await;
    ada.click("Revoke API Key").await;
    ada.row_says("Nightly import", "Revoked").await;
    assert_eq!(verdict(&app, &gateway, &secret, &["license_read"]).await, is("REVOKED", 401));
    ada.click("Nightly import").await;
    ada.sees("Ada disabled it").await;
    ada.sees("Ada enabled it").await;
    ada.sees("Ada revoked it").await;
}

#[actix_web::test]
async fn an_exposed_key_is_regenerated() {
    let app = licensing();
    let gateway = app.gateway("production");
    let ada = app.walk_in(&app.administrator("Ada"), "/keys").await;
    creates(&ada, "Licence server", "Production", &["license_read", "activation_write"]).await;
    let public_key = ada.reads("Public key").await;
    let old = copies_and_leaves(&ada).await;
    let may = ["license_read", "activation_write"];
    assert_eq!(verdict(&app, &gateway, &old, &may).await, valid());

    // “Regenerate: This action generates a new random string while keeping the same name, permissions, and
    // configuration.”
    ada.goes_to("API Keys").await;
    app.flush();
    ada.choose_from_menu_of("Licence server", "Regenerate").await;
    ada.fill("Type Licence server to go on", "Licence server").await;
    ada.click("Regenerate API Key").await;
    ada.is_on("Licence server has a new secret").await;
    assert_eq!(ada.reads("Public key").await, public_key);
    let new = copies_and_leaves(&ada).await;
    assert_ne!(new, old);

    // “The old key will stop working immediately.”
    assert_eq!(verdict(&app, &gateway, &old, &may).await, is("SECRET_REPLACED", 401));
    assert_eq!(verdict(&app, &gateway, &new, &may).await, valid());
    ada.is_on("Licence server").await;
    ada.sees("license_read").await;
    ada.sees("activation_write").await;
    ada.sees("100 / second").await;
}

#[actix_web::test]
async fn a_key_serves_one_customer_only() {
    let app = licensing();
    let gateway = app.gateway("production");

    // “Customers - API keys can be scoped to specific customers for restricted access.”
    let ada = app.walk_in(&app.administrator("Ada"), "/").await;
    ada.goes_to("Customers").await;
    ada.is_on("Customers").await;
    ada.click("Customer").await;
    ada.fill("Id", "cus_acme").await;
    ada.fill("Name", "Acme Rentals").await;
    ada.click("Add customer").await;
    ada.sees("Acme Rentals").await;

    ada.open("/keys/new").await;
    ada.fill("Name", "Acme’s own").await;
    super::continues_to(&ada, 2).await;
    ada.choose("Production").await;
    super::continues_to(&ada, 3).await;
    ada.toggle("license_read").await;
    super::continues_to(&ada, 4).await;
    // “granular permissions, and rate limiting to ensure that automation remains secure and predictable”: so many at
    // once, and so many in all.
    ada.fill("Requests per second", "50").await;
    ada.fill("Requests per day", "900").await;
    ada.choose("7 days").await;
    ada.click("Where and for whom it works").await;
    ada.fill("Customers", "cus_acme").await;
    super::continues_to(&ada, 5).await;
    ada.sees("at most 50 times a second and 900 times a day").await;
    ada.sees("Only for cus_acme").await;
    ada.press_the_last_button().await;
    let secret = copies_and_leaves(&ada).await;
    ada.is_on("Acme’s own").await;
    ada.sees("Only cus_acme").await;
    ada.sees("900 / day").await;

    let ask = async |customer| {
        let question = serde_json::json!({ "key": secret, "customer": customer });
        app.verify(&gateway, question).await["code"].as_str().unwrap().to_owned()
    };
    assert_eq!(ask(Some("cus_acme")).await, "VALID");
    assert_eq!(ask(Some("cus_other")).await, "CUSTOMER_NOT_ALLOWED");
    assert_eq!(ask(None).await, "CUSTOMER_NOT_ALLOWED");

    // “Status Monitoring”, before it is Expired: what ends soon is found.
    creates(&ada, "Nightly import", "Production", &["license_read"]).await;
    copies_and_leaves(&ada).await;
    ada.goes_to("API Keys").await;
    ada.row_says("Acme’s own", "900 / day + 1").await;
    ada.row("Nightly import").await;
    ada.choose_from("Expiry", "Expires within 14 days").await;
    ada.sees("Only the keys that match are listed.").await;
    ada.row("Acme’s own").await;
    assert!(ada.has_no_row("Nightly import").await);
}
