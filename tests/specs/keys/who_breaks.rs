//! Who breaks? What used a key is shown before it is stopped, and its name is asked for while it is in use.

use chrono::{TimeDelta, Utc};
use latchkey::usage;
use serde_json::{Value, json};

use super::{stored, trail};
use crate::support::{MadeKey, PASSWORD, TestApp};

/// A request that is allowed, with everything a gateway can tell.
async fn uses(app: &TestApp, gateway: &str, key: &MadeKey, more: Value) {
    let mut question = json!({ "key": key.secret, "scopes": ["reporting:read"], "method": "GET", "path": "/reports" });
    question.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    assert_eq!(app.verify(gateway, question).await["code"], "VALID");
}

/// Makes everything that was counted and logged two hours older.
fn pass_two_hours(app: &TestApp) {
    super::run(
        app,
        "update usage_minutes set minute = minute - interval '2 hours';
         update request_logs set at = at - interval '2 hours';
         update keys set last_used_at = last_used_at - interval '2 hours'",
    );
}

#[actix_web::test]
async fn every_question_shows_what_used_the_key() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let gateway = app.gateway("production");
    let key = app.key(&ada, "deploy bot");
    for ip in ["203.0.113.9", "203.0.113.9", "198.51.100.4"] {
        uses(&app, &gateway, &key, json!({ "ip": ip })).await;
    }
    app.flush();
    let mut ada = app.sign_in(&ada).await;
    let asked = |page: crate::support::Page| {
        let rows = page.all("[data-who] tbody tr");
        assert_eq!(rows, ["Requests allowed 3 3", "Distinct callers 2 2"]);
        page.assert_shows("203.0.113.9").assert_shows("Last used");
        page.assert_shows("Type deploy bot to go on");
        page
    };
    for act in ["disable", "regenerate", "revoke"] {
        asked(ada.get(&format!("{}/confirm/{act}", key.page())).await).assert_is_page();
        let dialog = ada.with_htmx("/keys").get(&format!("{}/confirm/{act}", key.page())).await;
        asked(dialog).assert_is_fragment();
    }
    // What was read from the log already is told no less.
    for second in 1..3 {
        app.db(|conn| usage::roll_up_at(conn, Utc::now() + TimeDelta::seconds(second))).unwrap();
    }
    let question = asked(ada.get(&format!("{}/confirm/disable", key.page())).await);
    ada.submit(&question, ".dialog form", &[("typed", "deploy bot")]).await.assert_status(303);
    asked(ada.get(&format!("{}/confirm/delete", key.page())).await).assert_is_page();
}

#[actix_web::test]
async fn the_name_is_asked_for_only_while_the_key_is_in_use() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let gateway = app.gateway("production");
    let key = app.key(&ada, "deploy bot");
    let quiet = app.key(&ada, "quiet one");
    uses(&app, &gateway, &key, json!({})).await;
    app.flush();
    let mut browser = app.sign_in(&ada).await;
    let question = browser.get(&format!("{}/confirm/revoke", quiet.page())).await;
    question.assert_shows("It has never been used.").assert_hides("to go on");
    browser.submit(&question, ".dialog form", &[]).await.assert_leads_to(&quiet.page());

    for (act, fields) in [
        ("disable", vec![]),
        ("revoke", vec![("reason", "lost")]),
        ("regenerate", vec![("version", "1")]),
    ] {
        let address = format!("{}/{act}", key.page());
        let before = stored(&app);
        for typed in ["", "deploy", "DEPLOY BOT", "quiet one", "\u{202e}", &"x".repeat(4_000)] {
            let fields = [fields.as_slice(), &[("typed", typed)]].concat();
            let again = browser.post(&address, &fields).await;
            again.assert_status(422).assert_is_page().assert_shows("Type deploy bot to go on");
        }
        assert_eq!(stored(&app), before, "{act}");
        assert_eq!(app.code(&gateway, &key.secret).await, "VALID");
    }
    let revoke = format!("{}/revoke", key.page());
    let again = browser.post(&revoke, &[("reason", "lost"), ("typed", "deploy")]).await;
    again.assert_shows("That is not the key’s name.");
    assert_eq!(again.attribute("#reason", "value"), "lost");
    let again = browser.with_htmx("/keys").post(&revoke, &[("typed", "")]).await;
    again.assert_status(422).assert_is_fragment().assert_shows("It was used within the last hour.");
    assert_eq!(again.header("hx-retarget"), "#dialogs");
    let done = browser.submit(&again, "form", &[("typed", " deploy bot ")]).await;
    done.assert_leads_to(&key.page());
    assert_eq!(trail(&app, key.public_key()), ["key.created", "key.revoked"]);
    // It is over: asking twice changes nothing and asks for nothing.
    browser.post(&revoke, &[]).await.assert_leads_to(&key.page());
}

#[actix_web::test]
async fn an_hour_later_nothing_is_asked_for() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let gateway = app.gateway("production");
    let key = app.key(&ada, "deploy bot");
    uses(&app, &gateway, &key, json!({ "ip": "203.0.113.9" })).await;
    app.flush();
    pass_two_hours(&app);
    let mut ada = app.sign_in(&ada).await;
    let question = ada.get(&format!("{}/confirm/revoke", key.page())).await;
    question.assert_shows("Requests allowed 1 1").assert_hides("to go on");
    ada.submit(&question, ".dialog form", &[]).await.assert_leads_to(&key.page());
}

#[actix_web::test]
async fn traffic_that_begins_after_the_question_is_no_dead_end() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let gateway = app.gateway("production");
    let key = app.key(&ada, "deploy bot");
    let mut ada = app.sign_in(&ada).await;
    let question = ada.get(&format!("{}/confirm/revoke", key.page())).await;
    question.assert_hides("to go on");
    uses(&app, &gateway, &key, json!({})).await;
    app.flush();
    let again = ada.submit(&question, ".dialog form", &[("reason", "lost")]).await;
    again
        .assert_status(422)
        .assert_shows("It was used within the last hour. Type the key’s name to go on.");
    let done = ada.submit(&again, ".dialog form", &[("typed", "deploy bot")]).await;
    done.assert_leads_to(&key.page());
    ada.get(&key.page()).await.assert_shows("“lost”");
}

#[actix_web::test]
async fn a_secret_that_goes_on_for_a_while_is_replaced_without_typing() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let gateway = app.gateway("production");
    let key = app.key(&ada, "deploy bot");
    uses(&app, &gateway, &key, json!({})).await;
    app.flush();
    let mut ada = app.sign_in(&ada).await;
    let question = ada.get(&format!("{}/confirm/regenerate", key.page())).await;
    question.assert_shows("Needed only where the old secret stops at once.");
    let again = ada.submit(&question, ".dialog form", &[]).await;
    again.assert_status(422).assert_is_page().assert_shows("Type the key’s name to go on.");
    let revealed = ada.submit(&question, ".dialog form", &[("overlap", "1h")]).await;
    revealed.assert_status(200).assert_shows("deploy bot has a new secret");
    assert_eq!(app.code(&gateway, &key.secret).await, "VALID");
}

#[actix_web::test]
async fn many_keys_are_added_up_and_their_number_is_typed() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let gateway = app.gateway("production");
    let keys = ["one", "two", "three"].map(|name| app.key(&ada, name));
    uses(&app, &gateway, &keys[0], json!({ "ip": "203.0.113.9" })).await;
    uses(&app, &gateway, &keys[1], json!({ "ip": "203.0.113.9" })).await;
    uses(&app, &gateway, &keys[1], json!({ "ip": "198.51.100.4" })).await;
    app.flush();
    let mut ada = app.sign_in(&ada).await;
    let mut fields = vec![("act", "revoke")];
    fields.extend(keys.iter().map(|key| ("key", key.public_key())));
    let question = ada.post("/keys/bulk/preview", &fields).await;
    question.assert_shows("Revoke 3 API keys?").assert_shows("Type 3 to go on");
    assert_eq!(
        question.all("[data-who] tbody tr"),
        ["Requests allowed 3 3", "Distinct callers 2 2"]
    );
    let before = stored(&app);
    for typed in ["", "2", "three"] {
        let again = ada.submit(&question, ".dialog form", &[("typed", typed)]).await;
        again.assert_status(422).assert_is_page().assert_shows("Type 3 to go on");
    }
    assert_eq!(stored(&app), before);
    ada.submit(&question, ".dialog form", &[("typed", "3")]).await.assert_leads_to("/keys");
    assert_eq!(app.code(&gateway, &keys[1].secret).await, "REVOKED");
}

#[actix_web::test]
async fn resetting_all_keys_asks_for_the_name_of_the_application() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let gateway = app.gateway("production");
    let keys = ["one", "two"].map(|name| app.key(&ada, name));
    uses(&app, &gateway, &keys[0], json!({ "ip": "203.0.113.9" })).await;
    app.flush();
    let mut ada = app.sign_in(&ada).await;
    let page = format!("/applications/{}", keys[0].key.application.app_id);
    let question = ada.get(&format!("{page}/confirm/reset?environment=production")).await;
    question.assert_shows("Type Storefront to go on").assert_shows("Requests allowed 1 1");
    let before = stored(&app);
    for typed in ["", "one"] {
        let again =
            ada.submit(&question, "form.form", &[("password", PASSWORD), ("typed", typed)]).await;
        again.assert_status(422).assert_is_page().assert_shows("Type Storefront to go on");
    }
    assert_eq!(stored(&app), before);
    let done = ada
        .submit(&question, "form.form", &[("password", PASSWORD), ("typed", "Storefront")])
        .await;
    done.assert_status(200).assert_shows("2 keys of Storefront have new secrets");
}

#[actix_web::test]
async fn an_edit_that_takes_away_what_was_used_is_asked_about_first() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let gateway = app.gateway("production");
    let both = app.permissions(&["reporting:read", "orders:read"]);
    let key = app.key_with(Some(&ada), "deploy bot", |new| new.permissions = both);
    uses(&app, &gateway, &key, json!({ "ip": "203.0.113.9" })).await;
    app.flush();
    let mut ada = app.sign_in(&ada).await;
    let edit = format!("{}/edit", key.page());
    let form = ada.get(&edit).await;
    let before = stored(&app);
    let question = ada
        .submit(&form, "main form", &[("name", "narrowed"), ("permission", "orders:read")])
        .await;
    question.assert_status(200).assert_is_page().assert_shows("Take this away from deploy bot?");
    question.assert_shows("reporting:read 1 ").assert_shows("Update API Key");
    assert_eq!(stored(&app), before, "a question changes nothing");
    // Back to the form, with everything that was typed.
    let again = ada.submit(&question, "main form", &[("narrows", "back")]).await;
    again.assert_status(200).assert_shows("Edit deploy bot");
    assert_eq!(again.attribute("#name", "value"), "narrowed");
    assert_eq!(stored(&app), before);
    let saved = ada.submit(&question, "main form", &[("narrows", "yes")]).await;
    saved.assert_leads_to(&key.page());
    ada.get(&key.page()).await.assert_shows("narrowed is updated.");

    // What nobody used is taken away without a word.
    let wide = app.permissions(&["reporting:read", "orders:read"]);
    let other = app.key_with(None, "other one", |new| new.permissions = wide);
    uses(&app, &gateway, &other, json!({})).await;
    app.flush();
    let form = ada.get(&format!("{}/edit", other.page())).await;
    let saved = ada.submit(&form, "main form", &[("permission", "reporting:read")]).await;
    saved.assert_leads_to(&other.page());
}

#[actix_web::test]
async fn addresses_and_customers_that_are_shut_out_are_named() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let gateway = app.gateway("production");
    for customer in ["cus_1", "cus_2"] {
        app.operator(|conn, operator| latchkey::customers::add(conn, operator, customer, ""));
    }
    let key = app.key(&ada, "deploy bot");
    uses(&app, &gateway, &key, json!({ "ip": "203.0.113.9", "customer": "cus_1" })).await;
    uses(&app, &gateway, &key, json!({ "ip": "198.51.100.4", "customer": "cus_2" })).await;
    uses(&app, &gateway, &key, json!({})).await;
    app.flush();
    let mut ada = app.sign_in(&ada).await;
    let form = ada.get(&format!("{}/edit", key.page())).await;
    let question = ada
        .submit(&form, "main form", &[("allowed_ips", "203.0.113.0/24"), ("customers", "cus_1")])
        .await;
    question.assert_status(200).assert_shows("198.51.100.4 1 ").assert_shows("cus_2 1 ");
    question.assert_shows("requests whose address the gateway does not tell 1 ");
    question.assert_shows("requests that name no customer 1 ");
    let lost = question.all("main table tbody th");
    assert!(!lost.contains(&"203.0.113.9".into()) && !lost.contains(&"cus_1".into()), "{lost:?}");
    // Only what is shut out: a range around all of them asks for nothing but those that tell nothing.
    let question =
        ada.submit(&form, "main form", &[("allowed_ips", "203.0.113.0/24\n198.51.100.0/24")]).await;
    assert_eq!(question.all("main table tbody th").len(), 1);
    ada.submit(&question, "main form", &[("narrows", "yes")]).await.assert_leads_to(&key.page());
}

#[actix_web::test]
async fn whoever_may_not_do_it_hears_that_and_not_what_used_the_key() {
    let app = TestApp::start();
    let (ada, mia) = (app.administrator("Ada"), app.manager_with_access("Mia"));
    let gateway = app.gateway("production");
    let (hers, others) = (app.key(&mia, "hers"), app.key(&ada, "somebody elses"));
    for key in [&hers, &others] {
        uses(&app, &gateway, key, json!({ "ip": "203.0.113.9" })).await;
    }
    app.flush();
    let mut mia = app.sign_in(&mia).await;
    for act in ["disable", "revoke", "regenerate", "delete"] {
        let foreign = mia.get(&format!("{}/confirm/{act}", others.page())).await;
        foreign.assert_status(404).assert_hides("203.0.113.9");
        let fields: &[(&str, &str)] = if act == "regenerate" { &[("version", "1")] } else { &[] };
        mia.post(&format!("{}/{act}", others.page()), fields).await.assert_status(404);
    }
    mia.post(&format!("{}/revoke", hers.page()), &[]).await.assert_status(403);
    let again = mia.post(&format!("{}/disable", hers.page()), &[]).await;
    again.assert_status(422).assert_shows("Type hers to go on");
}

#[actix_web::test]
async fn the_command_line_asks_for_nothing() {
    let app = TestApp::start();
    let gateway = app.gateway("production");
    let key = app.key(&app.administrator("Ada"), "deploy bot");
    uses(&app, &gateway, &key, json!({})).await;
    app.flush();
    app.operator(|conn, operator| {
        latchkey::keys::commands::revoke(conn, operator, key.public_key(), None)
    });
    assert_eq!(trail(&app, key.public_key()), ["key.created", "key.revoked"]);
}
