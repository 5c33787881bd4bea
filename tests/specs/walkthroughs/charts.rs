//! Charts and questions about what is in use, with mouse, keyboard, on a phone, and without scripts.

use chrono::Utc;
use serde_json::json;
use thirtyfour::Key;

use crate::support::{MadeKey, TestApp};

/// A key that was used, and refused for two reasons.
async fn busy(app: &TestApp) -> MadeKey {
    let gateway = app.gateway("production");
    let key = app.key_with(Some(&app.administrator("Grace")), "deploy bot", |new| {
        new.limits = TestApp::limit(6, 3_600);
    });
    let ask = |scopes: &[&str]| json!({ "key": key.secret, "scopes": scopes, "ip": "203.0.113.9", "path": "/reports" });
    for (times, scopes, code) in [
        (6, &["reporting:read"][..], "VALID"),
        (2, &["orders:read"][..], "INSUFFICIENT_SCOPE"),
        (3, &["reporting:read"][..], "RATE_LIMITED"),
    ] {
        for _ in 0..times {
            assert_eq!(app.verify(&gateway, ask(scopes)).await["code"], code);
        }
    }
    app.flush();
    key
}

const IS_DRAWN: &str = "return document.querySelectorAll('.chart__canvas canvas').length";
const TIP: &str = "const tip = document.querySelector('.chart__tip'); return tip && !tip.hidden ? tip.textContent : ''";

#[actix_web::test]
async fn a_chart_is_drawn_over_its_table_and_walked_by_keys() {
    let app = TestApp::start();
    let key = busy(&app).await;
    let ada = app.walk_in(&app.administrator("Ada"), &key.page()).await;
    ada.is_on("deploy bot").await;
    ada.sees("6 Allowed").await;
    ada.sees("3 Over its limit").await;
    ada.sees("2 Permission missing").await;
    // The picture is there; the library comes when somebody points at it.
    assert_eq!(ada.run("return typeof uPlot").await, "undefined");
    ada.run("document.querySelector('[data-picture]').focus()").await;
    ada.waits_until(IS_DRAWN, 1.into()).await;
    ada.waits_until("return document.activeElement.className", "chart__canvas".into()).await;
    ada.press(Key::End).await;
    let told = ada.run(TIP).await;
    let told = told.as_str().unwrap().to_owned();
    for words in ["6 Allowed", "3 Over its limit", "2 Permission missing", "UTC"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    ada.press(Key::Left).await;
    assert!(ada.run(TIP).await.as_str().unwrap().contains("No requests"));
    ada.press(Key::Escape).await;
    assert_eq!(ada.run(TIP).await, "");

    // Another range: a piece of the page, drawn again.
    ada.click("Hour").await;
    ada.sees("Requests in the last hour").await;
    ada.is_at(&format!("{}?range=hour", key.page())).await;
    ada.waits_until(IS_DRAWN, 1.into()).await;
    ada.click("24 hours").await;
    ada.sees("Requests in the last 24 hours").await;
    ada.waits_until(IS_DRAWN, 1.into()).await;
    // Dark, and on a phone.
    let dark = json!({ "features": [{ "name": "prefers-color-scheme", "value": "dark" }] });
    ada.devtools("Emulation.setEmulatedMedia", dark).await;
    ada.hold(390, 800).await;
    ada.fits().await;
}

#[actix_web::test]
async fn without_scripts_the_picture_and_the_table_say_the_same() {
    let app = TestApp::start();
    let key = busy(&app).await;
    let person = app.in_chromium_without_scripts().await;
    person.sign_in(&app.administrator("Ada")).await;
    person.open(&key.page()).await;
    person.sees("6 Allowed").await;
    assert!(
        person
            .run("return document.querySelectorAll('.chart__plot rect[fill]').length")
            .await
            .as_u64()
            .unwrap()
            >= 3
    );
    person.click("The numbers").await;
    person.row_says(&Utc::now().format("%-d %b").to_string(), "6").await;
    person.click("Hour").await;
    person.sees("Requests in the last hour").await;
}

#[actix_web::test]
async fn what_is_in_use_is_stopped_in_a_dialog_after_its_name_was_typed() {
    let app = TestApp::start();
    busy(&app).await;
    let ada = app.walk_in(&app.administrator("Ada"), "/keys").await;
    ada.choose_from_menu_of("deploy bot", "Revoke").await;
    ada.sees("Revoke deploy bot?").await;
    ada.sees("203.0.113.9").await;
    ada.row_says("Requests allowed", "6").await;
    ada.row_says("Distinct callers", "1").await;
    ada.click("Revoke API Key").await;
    ada.sees("It was used within the last hour. Type the key’s name to go on.").await;
    ada.has_dialogs(1).await;
    ada.fill("Type deploy bot to go on", "deploy").await;
    ada.click("Revoke API Key").await;
    ada.sees("That is not the key’s name.").await;
    ada.fill("Type deploy bot to go on", "deploy bot").await;
    ada.click("Revoke API Key").await;
    ada.row_says("deploy bot", "Revoked").await;
    ada.has_dialogs(0).await;
}

#[actix_web::test]
async fn an_edit_that_narrows_is_asked_about_and_can_be_looked_through_again() {
    let app = TestApp::start();
    let key = busy(&app).await;
    for scripts in [true, false] {
        let person =
            if scripts { app.in_chromium().await } else { app.in_chromium_without_scripts().await };
        person.sign_in(&app.administrator(if scripts { "Ada" } else { "Bea" })).await;
        person.open(&format!("{}/edit", key.page())).await;
        person.toggle("reporting:read").await;
        person.toggle("orders:read").await;
        person.fill("Name", "half way").await;
        person.click("Update API Key").await;
        person.is_on("Take this away from deploy bot?").await;
        person.row_says("reporting:read", "6").await;
        person.click("Look through it again").await;
        person.is_on("Edit deploy bot").await;
        assert_eq!(person.value_of("Name").await, "half way");
        assert_eq!(person.state_of("reporting:read").await, "off");
    }
}
