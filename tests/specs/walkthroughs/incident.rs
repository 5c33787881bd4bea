//! An incident from its first sign to its end: a secret in a log that everybody could read.

use serde_json::{Value, json};

use super::{continues_to, copies_and_leaves};
use crate::support::TestApp;

#[actix_web::test]
async fn from_a_pasted_text_to_the_first_use_of_the_key_that_takes_over() {
    let app = TestApp::start();
    let gateway = app.gateway("production");
    let (mia, orders) = (app.manager_with_access("Mia"), app.permissions(&["orders:read"]));
    let key = app.key_with(Some(&mia), "deploy bot", |new| new.permissions = orders);
    let ask = async |secret: &str, path: &str, ip: &str| -> Value {
        let question = json!({ "key": secret, "scopes": ["orders:read"], "method": "GET", "path": path, "ip": ip });
        app.verify(&gateway, question).await
    };
    for (path, ip) in
        [("/orders", "203.0.113.9"), ("/orders/7", "203.0.113.9"), ("/orders", "198.51.100.4")]
    {
        assert_eq!(ask(&key.secret, path, ip).await["code"], "VALID");
    }
    app.flush();

    // The text is pasted, the key is found, and nothing of the secret is left on the page.
    let ada = app.walk_in(&app.administrator("Ada"), "/keys").await;
    ada.click("Leak triage").await;
    ada.is_on("Leak triage").await;
    ada.fill("Text", &format!("2026-11-29 GET /orders?k={}", key.secret)).await;
    ada.click("Find credentials").await;
    ada.sees("One secret is in it, and it is known here.").await;
    ada.sees("Mia").await;
    ada.sees("3 requests in the last hour").await;
    ada.finds_nowhere(&key.secret).await;
    for (width, height) in [(390, 844), (1440, 900)] {
        ada.hold(width, height).await;
        ada.fits().await;
    }

    // Who breaks?
    ada.click("Revoke").await;
    ada.sees("Revoke deploy bot?").await;
    ada.row_says("Requests allowed", "3 3").await;
    ada.row_says("Distinct callers", "2 2").await;
    ada.sees("203.0.113.9 (2)").await;
    ada.fill("Type deploy bot to go on", "deploy bot").await;
    ada.click("Revoke API Key").await;

    // It is over, and that is proven.
    ada.is_on("deploy bot").await;
    ada.sees("deploy bot is revoked for good.").await;
    ada.sees("Refused by 1 of 1 node, after").await;
    assert_eq!(ask(&key.secret, "/orders", "198.51.100.4").await["code"], "REVOKED");

    // Another takes its place: the same permissions, another secret.
    ada.click("Create a replacement with the same permissions").await;
    assert_eq!(ada.value_of("Name").await, "deploy bot (copy)");
    ada.fill("Name", "deploy bot 2").await;
    continues_to(&ada, 2).await;
    assert_eq!(ada.state_of("Production").await, "on");
    continues_to(&ada, 3).await;
    assert_eq!(ada.state_of("orders:read").await, "on");
    continues_to(&ada, 4).await;
    continues_to(&ada, 5).await;
    ada.press_the_last_button().await;
    ada.is_on("deploy bot 2 is ready").await;
    let secret = copies_and_leaves(&ada).await;
    assert_ne!(secret, key.secret);

    // Its first use is seen as it happens, and so is whoever still has the old one.
    ada.is_on("deploy bot 2").await;
    ada.sees("None in the last 24 hours.").await;
    ada.click("All requests of this key").await;
    ada.is_on("Logs").await;
    ada.sees("Live tail").await;
    assert_eq!(ask(&secret, "/orders/first", "203.0.113.9").await["code"], "VALID");
    app.flush();
    ada.sees("/orders/first").await;
    ada.open(&format!("/logs?key={}", key.public_key())).await;
    assert_eq!(ask(&key.secret, "/orders/late", "198.51.100.4").await["code"], "REVOKED");
    app.flush();
    ada.sees("/orders/late").await;
    for (width, height) in [(1440, 900), (390, 844)] {
        ada.hold(width, height).await;
        ada.fits().await;
    }
    assert_eq!(ada.complaints(), [""; 0]);
}
