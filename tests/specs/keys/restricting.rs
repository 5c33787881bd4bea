//! From where, for whom and on which pages a key works, as its forms have it.

use diesel::prelude::*;
use latchkey::{customers, schema::keys, users::Viewer};
use serde_json::json;

use super::{creating::walk_with, run, stored, trail};
use crate::support::TestApp;

/// Makes customers known to the platform.
fn known_customers(app: &TestApp, ids: &[&str]) {
    app.db(|conn| {
        for id in ids {
            customers::find_or_add(conn, &Viewer::operator(), id).unwrap();
        }
    });
}

const READ: [(&str, &str); 1] = [("permission", "reporting:read")];

#[actix_web::test]
async fn a_key_is_restricted_while_it_is_made() {
    let app = TestApp::start();
    let app_id = app.application("Back office");
    known_customers(&app, &["cus_42", "cus_43"]);
    let gateway = app.gateway("production");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let restrictions = [
        ("limit_second", "100"),
        ("limit_day", "50000"),
        ("customers", " cus_43\r\ncus_42\r\n"),
        ("allowed_ips", "10.0.0.5/8, ::ffff:203.0.113.9"),
        ("excluded_ips", "10.1.2.3/16"),
        ("allowed_origins", "https://Shop.example:443/"),
    ];
    let summary = walk_with(&mut ada, &app_id, "deploy bot", &READ, &restrictions).await;
    summary.assert_shows("Rate limits 100 times a second and 50 000 times a day");
    summary.assert_shows("Customers cus_42 and cus_43");
    summary.assert_shows("IP addresses 10.0.0.0/8 and 203.0.113.9/32, but not 10.1.0.0/16");
    summary.assert_shows("Web origins https://shop.example");
    let reveal = ada.submit(&summary, "#wizard", &[("go", "create")]).await;
    let secret = reveal.text("#secret");

    // What is saved is shown as it is saved.
    let address = format!("/keys/{}", reveal.text("#public-key"));
    let page = ada.get(&address).await;
    page.assert_shows("Rate limits 100 / second 50 000 / day");
    page.assert_shows("Customers Only cus_42 , cus_43");
    page.assert_shows("IP addresses Only 10.0.0.0/8 , 203.0.113.9/32");
    page.assert_shows("Exceptions Never 10.1.0.0/16");
    page.assert_shows("Web origins The public key alone only on https://shop.example");
    let form = ada.get(&format!("{address}/edit")).await;
    assert_eq!(form.text("#customers"), "cus_42 cus_43");
    assert_eq!(form.text("#allowed_ips"), "10.0.0.0/8 203.0.113.9/32");
    assert_eq!(form.text("#allowed_origins"), "https://shop.example");

    let asked = async |customer, ip| {
        let question = json!({ "key": secret, "customer": customer, "ip": ip });
        app.verify(&gateway, question).await["code"].as_str().unwrap().to_owned()
    };
    assert_eq!(asked("cus_42", "10.2.0.1").await, "VALID");
    assert_eq!(asked("cus_42", "203.0.113.9").await, "VALID");
    assert_eq!(asked("cus_42", "10.1.9.9").await, "IP_NOT_ALLOWED");
    assert_eq!(asked("cus_42", "203.0.113.10").await, "IP_NOT_ALLOWED");
    assert_eq!(asked("cus_44", "10.2.0.1").await, "CUSTOMER_NOT_ALLOWED");
    assert_eq!(app.code(&gateway, &secret).await, "IP_NOT_ALLOWED");
}

#[actix_web::test]
async fn an_edit_changes_restrictions_and_the_history_says_how() {
    let app = TestApp::start();
    known_customers(&app, &["cus_42", "cus_43"]);
    let gateway = app.gateway("production");
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut ada = app.sign_in(&ada).await;
    let edit = format!("{}/edit", key.page());
    let asked = async |customer: &str| {
        let question = json!({ "key": key.secret, "customer": customer, "ip": "10.0.0.1" });
        app.verify(&gateway, question).await["code"].as_str().unwrap().to_owned()
    };
    assert_eq!(asked("cus_44").await, "VALID");

    let form = ada.get(&edit).await;
    let fields = [
        ("customers", "cus_42"),
        ("allowed_ips", "10.0.0.0/8"),
        ("excluded_ips", "10.9.0.0/16"),
        ("narrows", "yes"),
    ];
    ada.submit(&form, "main form", &fields).await.assert_leads_to(&key.page());
    assert_eq!(asked("cus_44").await, "CUSTOMER_NOT_ALLOWED");
    assert_eq!(asked("cus_42").await, "VALID");
    let page = ada.get(&key.page()).await;
    page.assert_shows(
        "updated the customers and the IP ranges: added cus_42; added 10.0.0.0/8; added the exception 10.9.0.0/16",
    );

    // Putting the name right leaves everything else as it is.
    let form = ada.get(&edit).await;
    ada.submit(&form, "main form", &[("name", "robot")]).await.assert_status(303);
    assert_eq!(asked("cus_44").await, "CUSTOMER_NOT_ALLOWED");
    let form = ada.get(&edit).await;
    let none = [("customers", ""), ("allowed_ips", ""), ("excluded_ips", "")];
    ada.submit(&form, "main form", &none).await.assert_status(303);
    assert_eq!(asked("cus_44").await, "VALID");
    assert_eq!(trail(&app, key.public_key()).len(), 4);
}

#[actix_web::test]
async fn everywhere_has_to_be_meant() {
    let app = TestApp::start();
    let app_id = app.application("Back office");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    for everywhere in ["0.0.0.0/0", "::/0", "10.0.0.0/8\n10.0.0.1/0", "::ffff:0:0/96"] {
        let fields = [("allowed_ips", everywhere)];
        let again = walk_with(&mut ada, &app_id, "deploy bot", &READ, &fields).await;
        again.assert_status(422).assert_is_page().assert_shows("From anywhere is what I mean");
        let summary = ada.submit(&again, "#wizard", &[("anywhere", "yes"), ("go", "next")]).await;
        ada.follow(summary).await.assert_status(200).assert_shows("Step 5 of 5");
    }
    // Once meant, an edit of something else does not ask again.
    let fields = [("allowed_ips", "0.0.0.0/0"), ("anywhere", "yes")];
    let summary = walk_with(&mut ada, &app_id, "deploy bot", &READ, &fields).await;
    let reveal = ada.submit(&summary, "#wizard", &[("go", "create")]).await;
    let address = format!("/keys/{}", reveal.text("#public-key"));
    let form = ada.get(&format!("{address}/edit")).await;
    ada.submit(&form, "main form", &[("name", "robot")]).await.assert_leads_to(&address);
}

#[actix_web::test]
async fn what_is_no_list_of_addresses_is_named_by_its_line() {
    let app = TestApp::start();
    let app_id = app.application("Back office");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let many: String = (0..1_001).map(|n| format!("10.0.{}.{}/32\n", n / 250, n % 250)).collect();
    for (field, typed, sentence) in [
        ("allowed_ips", "10.0.0.1/33", "Line 1: “10.0.0.1/33” is no IP address or range."),
        ("allowed_ips", "10.0.0.1\n\n10.0.0.1-9", "Line 3: “10.0.0.1-9” is no IP address"),
        ("allowed_ips", "<script>", "Line 1: “<script>” is no IP address"),
        ("allowed_ips", "1\0", "Line 1: this is no IP address"),
        ("allowed_ips", &many, "At most 1 000 ranges; these are 1 001."),
        ("excluded_ips", "::1/129", "Line 1: “::1/129” is no IP address"),
        ("excluded_ips", "0.0.0.0/0 ::/0", "These exceptions leave no address at all."),
        ("allowed_origins", "https://*.shop.example", "has a wildcard."),
        ("allowed_origins", "https://shop.example/cart", "is no origin."),
        ("customers", "-1", "Unknown customer “-1”."),
        ("customers", "9223372036854775808", "Unknown customer"),
        ("customers", "1 OR 1=1", "Unknown customer “1 OR 1=1”."),
        ("customers", "018f2b8e-3f4a-4c55-9d1e-0a1b2c3d4e", "Unknown customer"),
        ("customers", "\0", "Unknown customer this."),
    ] {
        let again = walk_with(&mut ada, &app_id, "deploy bot", &READ, &[(field, typed)]).await;
        again.assert_status(422).assert_is_page().assert_shows(sentence);
        assert_eq!(again.attribute(&format!("#{field}"), "aria-invalid"), "true");
        // What is wrong does not become “no restriction” when one goes on by the address.
        let draft = again.attribute("input[name=draft]", "value");
        let summary = ada.get(&format!("/keys/new?draft={draft}&step=summary")).await;
        assert!(summary.location().unwrap().ends_with("step=limits"), "{field} {typed}");
        let create = [("draft", draft.as_str()), ("go", "create")];
        ada.post("/keys", &create).await.assert_status(422).assert_shows("Step 4 of 5");
    }
    let both = [("allowed_ips", "10.0.0.0/8"), ("excluded_ips", "192.0.2.0/24")];
    let again = walk_with(&mut ada, &app_id, "deploy bot", &READ, &both).await;
    again.assert_status(422).assert_shows("192.0.2.0/24 is in none of the allowed ranges");
    assert_eq!(again.text("#allowed_ips"), "10.0.0.0/8");
    assert_eq!(app.db(|conn| keys::table.count().get_result::<i64>(conn).unwrap()), 0);
}

#[actix_web::test]
async fn a_thousand_ranges_fit() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut ada = app.sign_in(&ada).await;
    let many: String = (0..1_000).map(|n| format!("2001:db8:{n:x}:ffff::/64\r\n")).collect();
    let form = ada.get(&format!("{}/edit", key.page())).await;
    ada.submit(&form, "main form", &[("allowed_ips", &many)]).await.assert_status(303);
    let page = ada.get(&key.page()).await;
    page.assert_shows("and 990 more").assert_shows("2001:db8:3e7:ffff::/64");
    page.assert_shows("updated the IP ranges");
}

#[actix_web::test]
async fn two_edits_of_restrictions_are_shown_beside_each_other() {
    let app = TestApp::start();
    known_customers(&app, &["cus_42"]);
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut ada = app.sign_in(&ada).await;
    let form = ada.get(&format!("{}/edit", key.page())).await;
    let theirs = [("limit_day", "500"), ("allowed_ips", "10.0.0.0/8")];
    ada.submit(&form, "main form", &theirs).await.assert_status(303);
    let mine = [
        ("limit_second", "5"),
        ("limit_day", "9000"),
        ("customers", "cus_42"),
        ("excluded_ips", "10.1.0.0/16"),
        ("allowed_origins", "https://shop.example"),
    ];
    let conflict = ada.submit(&form, "main form", &mine).await;
    conflict.assert_status(409).assert_is_page();
    conflict
        .assert_shows("5 times a second and 9 000 times a day 500 times a day")
        .assert_shows("Customers , differs cus_42 All")
        .assert_shows("IP ranges , differs From anywhere 10.0.0.0/8")
        .assert_shows("Exceptions , differs 10.1.0.0/16 None")
        .assert_shows("Origins , differs https://shop.example Any");
    ada.submit(&conflict, "main form", &[]).await.assert_leads_to(&key.page());
    let page = ada.get(&key.page()).await;
    page.assert_shows("Customers Only cus_42").assert_shows("IP addresses Never 10.1.0.0/16");
    page.assert_shows("Rate limits 5 / second 9 000 / day");
}

#[actix_web::test]
async fn a_customer_that_goes_while_the_form_is_open_changes_nothing() {
    let app = TestApp::start();
    known_customers(&app, &["cus_42"]);
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut ada = app.sign_in(&ada).await;
    let form = ada.get(&format!("{}/edit", key.page())).await;
    run(&app, "delete from customers");
    let before = stored(&app);
    let again = ada.submit(&form, "main form", &[("name", "x"), ("customers", "cus_42")]).await;
    again.assert_status(422).assert_shows("Unknown customer “cus_42”.");
    assert_eq!(again.attribute("#name", "value"), "x");
    assert_eq!(stored(&app), before);
}

#[actix_web::test]
async fn a_draft_of_an_older_version_is_begun_again() {
    let app = TestApp::start();
    let app_id = app.application("Back office");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let summary = walk_with(&mut ada, &app_id, "deploy bot", &READ, &[]).await;
    run(
        &app,
        r#"update key_drafts set fields = '{"name": "of long ago", "rate": "limited", "rate_count": "100", "rate_unit": "second"}'"#,
    );
    let draft = summary.attribute("input[name=draft]", "value");
    let at = |step: &str| format!("/keys/new?draft={draft}&step={step}");
    ada.get(&at("summary")).await.assert_leads_to(&at("name"));
    ada.get(&at("name")).await.assert_status(200).assert_hides("of long ago");
    let early = ada.submit(&summary, "#wizard", &[("go", "create")]).await;
    early.assert_status(422).assert_is_page();
}
