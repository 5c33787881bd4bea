//! Changing what a key may do, without a new secret.

use chrono::{TimeDelta, Utc};
use futures_util::future::join;

use super::{break_the_trail, expire, run, statuses, stored, trail};
use crate::support::{MadeKey, TestApp};

fn address(key: &MadeKey) -> String {
    format!("{}/edit", key.page())
}

#[actix_web::test]
async fn an_edit_counts_from_the_next_request_on_and_keeps_the_secret() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let gateway = app.gateway("production");
    let mut ada = app.sign_in(&ada).await;
    let asks = |scope: &str| serde_json::json!({ "key": key.secret, "scopes": [scope] });
    assert_eq!(app.verify(&gateway, asks("reporting:read")).await["code"], "VALID");

    let form = ada.get(&address(&key)).await;
    form.assert_status(200).assert_is_page().assert_shows("Update API Key");
    assert_eq!(form.attribute("#name", "value"), "deploy bot");
    let day = (Utc::now() + TimeDelta::days(20)).date_naive();
    let saved = ada
        .submit(
            &form,
            "main form",
            &[
                ("name", "release bot"),
                ("note", "kept in the vault"),
                ("permission", "orders:read"),
                ("limit_hour", "2"),
                ("expires", "date"),
                ("expires_on", &day.to_string()),
                ("narrows", "yes"),
            ],
        )
        .await;
    assert_eq!(app.verify(&gateway, asks("reporting:read")).await["code"], "INSUFFICIENT_SCOPE");
    let verdict = app.verify(&gateway, asks("orders:read")).await;
    assert_eq!((&verdict["code"], &verdict["rate_limit"]["limit"]), (&"VALID".into(), &2.into()));

    saved.assert_leads_to(&key.page());
    let page = ada.get(&key.page()).await;
    page.assert_shows("release bot is updated.").assert_shows("kept in the vault");
    page.assert_shows("2 / hour").assert_shows(&day.format("%-d %B %Y").to_string());
    page.assert_shows(
        "updated the name, the note, the permissions, the rate limits and the expiry",
    );
    assert_eq!(trail(&app, key.public_key()), ["key.created", "key.updated"]);
}

#[actix_web::test]
async fn a_manager_edits_own_keys() {
    let app = TestApp::start();
    let mia = app.manager_with_access("Mia");
    let key = app.key(&mia, "deploy bot");
    let mut mia = app.sign_in(&mia).await;
    let form = mia.get(&address(&key)).await;
    mia.submit(&form, "main form", &[("name", "mine")]).await.assert_leads_to(&key.page());
    mia.get(&key.page()).await.assert_shows("mine");
}

#[actix_web::test]
async fn a_stale_edit_shows_both_versions_and_either_can_be_kept() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut grace = app.sign_in(&app.administrator("Grace")).await;
    let mut ada = app.sign_in(&ada).await;
    let (hers, theirs) = (ada.get(&address(&key)).await, grace.get(&address(&key)).await);
    grace.submit(&theirs, "main form", &[("name", "saved first")]).await.assert_status(303);
    let before = stored(&app);
    let conflict = ada
        .submit(&hers, "main form", &[("name", "saved last"), ("permission", "orders:read")])
        .await;
    conflict.assert_status(409).assert_is_page().assert_shows("was changed meanwhile");
    conflict.assert_shows("saved first").assert_shows("saved last").assert_shows("Grace saved it");
    conflict.assert_shows("orders:read").assert_shows("reporting:read");
    assert_eq!(stored(&app), before);

    let mine = ada.submit(&conflict, "main form", &[]).await;
    mine.assert_leads_to(&key.page());
    ada.get(&key.page()).await.assert_shows("saved last").assert_shows("orders:read");
    assert_eq!(trail(&app, key.public_key()), ["key.created", "key.updated", "key.updated"]);
}

#[actix_web::test]
async fn of_two_edits_at_once_one_is_saved_and_one_is_told() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let browser = app.sign_in(&ada).await;
    for round in 0..4 {
        let key = app.key(&ada, &format!("race {round}"));
        let (mut left, mut right) = (browser.clone(), browser.clone());
        let form = left.get(&address(&key)).await;
        let (left_name, right_name) = (format!("left {round}"), format!("right {round}"));
        let (one, other) = join(
            left.submit(&form, "main form", &[("name", &left_name)]),
            right.submit(&form, "main form", &[("name", &right_name)]),
        )
        .await;
        assert_eq!(statuses(&[one, other]), [303, 409]);
        assert_eq!(trail(&app, key.public_key()), ["key.created", "key.updated"]);
    }
}

#[actix_web::test]
async fn a_regeneration_makes_an_open_edit_stale() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut ada = app.sign_in(&ada).await;
    let form = ada.get(&address(&key)).await;
    let regenerate = format!("{}/regenerate", key.page());
    ada.post(&regenerate, &[("version", "1")]).await.assert_status(200);
    ada.submit(&form, "main form", &[("name", "x")]).await.assert_status(409);
}

#[actix_web::test]
async fn what_is_wrong_is_said_and_what_was_typed_stays() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    app.key(&ada, "taken");
    let mut ada = app.sign_in(&ada).await;
    let form = ada.get(&address(&key)).await;
    let before = stored(&app);
    let yesterday = (Utc::now() - TimeDelta::days(1)).date_naive().to_string();
    for (fields, sentence) in [
        (vec![("name", "")], "Name must be 1-100 characters."),
        (vec![("name", "a\u{202e}b")], "Name contains characters that cannot be shown."),
        (vec![("name", "Taken")], "This name is too similar"),
        (vec![("note", "a\0b")], "Note contains characters that cannot be shown."),
        (vec![("permission", "orders:everything")], "doesn’t exist any more"),
        (vec![("permission", "")], "doesn’t exist any more"),
        (vec![("limit_hour", "0")], "Give a whole number from 1 to 1 000 000"),
        (vec![("limit_second", "5"), ("limit_day", "5")], "is never reached"),
        (
            vec![("allowed_ips", "10.0.0.0/8\n10.0.0.1/33")],
            "Line 2: “10.0.0.1/33” is no IP address",
        ),
        (vec![("excluded_ips", "here")], "Line 1: “here” is no IP address"),
        (vec![("allowed_origins", "shop.example")], "Line 1: “shop.example” is no origin"),
        (vec![("customers", "cus_404")], "Unknown customer “cus_404”"),
        (vec![("expires", "date"), ("expires_on", &yesterday)], "use Revoke"),
        (vec![("environment", "sandbox")], "The environment of a key is fixed."),
    ] {
        let again = ada.submit(&form, "main form", &fields).await;
        again.assert_status(422).assert_is_page().assert_shows(sentence);
        if fields[0].0 == "name" && fields[0].1 == "Taken" {
            assert_eq!(again.attribute("#name", "value"), "Taken");
        }
    }
    let (_, fields) = form.form("main form", &[]);
    let none: Vec<(&str, &str)> = fields
        .iter()
        .filter(|(name, _)| name != "permission")
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let again = ada.post(&address(&key), &none).await;
    again.assert_status(422).assert_shows("Choose at least one permission");
    assert_eq!(stored(&app), before);
}

#[actix_web::test]
async fn fields_that_are_not_ours_are_not_understood() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut ada = app.sign_in(&ada).await;
    let form = ada.get(&address(&key)).await;
    let before = stored(&app);
    for extra in ["owner_id", "role", "hash", "created_at", "revoked_at", "_method", "csrf"] {
        let refused = ada.submit(&form, "main form", &[("name", "x"), (extra, "DELETE")]).await;
        refused.assert_status(400).assert_is_page();
    }
    ada.submit(&form, "main form", &[("version", "")]).await.assert_status(400);
    ada.submit(&form, "main form", &[("name", "x"), ("name", "y")]).await.assert_status(400);
    assert_eq!(stored(&app), before);
}

#[actix_web::test]
async fn a_revoked_key_is_not_edited() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut ada = app.sign_in(&ada).await;
    let form = ada.get(&address(&key)).await;
    ada.post(&format!("{}/revoke", key.page()), &[]).await.assert_status(303);
    ada.get(&address(&key)).await.assert_status(409).assert_shows("revoked for good");
    let before = stored(&app);
    ada.submit(&form, "main form", &[("name", "x")]).await.assert_status(409).assert_is_page();
    assert_eq!(stored(&app), before);
}

#[actix_web::test]
async fn an_expired_key_lives_again_only_when_an_administrator_says_so() {
    let app = TestApp::start();
    let mia = app.manager_with_access("Mia");
    let key = app.key(&mia, "deploy bot");
    let gateway = app.gateway("production");
    expire(&app, key.public_key());
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let mut mia = app.sign_in(&mia).await;
    let fields = [("expires", "30")];
    for browser in [&mut ada, &mut mia] {
        let form = browser.get(&address(&key)).await;
        let refused = browser.submit(&form, "main form", &fields).await;
        refused.assert_status(409).assert_is_page().assert_shows("This key has expired.");
        // Its name can be put right all the same.
        let form = browser.get(&address(&key)).await;
        browser
            .submit(&form, "main form", &[("note", "expired, see ticket")])
            .await
            .assert_status(303);
    }
    let form = mia.get(&address(&key)).await;
    form.assert_hides("revive");
    let refused = mia.submit(&form, "main form", &[("expires", "30"), ("revive", "yes")]).await;
    refused.assert_status(409);
    assert_eq!(app.code(&gateway, &key.secret).await, "EXPIRED");
    let form = ada.get(&address(&key)).await;
    ada.submit(&form, "main form", &[("expires", "30"), ("revive", "yes")])
        .await
        .assert_status(303);
    assert_eq!(app.code(&gateway, &key.secret).await, "VALID");
}

#[actix_web::test]
async fn all_limits_are_in_the_form() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key_with(Some(&ada), "deploy bot", |new| {
        new.limits = [TestApp::limit(10, 1), TestApp::limit(100, 3_600)].concat();
    });
    let mut ada = app.sign_in(&ada).await;
    let form = ada.get(&address(&key)).await;
    assert_eq!(form.attribute("#limit_second", "value"), "10");
    assert_eq!(form.attribute("#limit_minute", "value"), "");
    assert_eq!(form.attribute("#limit_hour", "value"), "100");
    let fields = [("limit_second", ""), ("limit_minute", "20")];
    ada.submit(&form, "main form", &fields).await.assert_status(303);
    let page = ada.get(&key.page()).await;
    page.assert_shows("Rate limits 20 / minute 100 / hour Expires");
    page.assert_shows("updated the rate limits: added 20 / minute; removed 10 / second");
    // The tightest in the long run is in the list, the others behind it.
    ada.get("/keys").await.assert_shows("100 / hour + 1 more limits of deploy bot 20 / minute");
}

#[actix_web::test]
async fn an_odd_pair_of_limits_does_not_stand_in_the_way_of_another_name() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key_with(Some(&ada), "deploy bot", |new| {
        new.limits = [TestApp::limit(10, 1), TestApp::limit(5, 60)].concat();
    });
    let mut ada = app.sign_in(&ada).await;
    let form = ada.get(&address(&key)).await;
    ada.submit(&form, "main form", &[("name", "robot")]).await.assert_status(303);
    let form = ada.get(&address(&key)).await;
    let refused = ada.submit(&form, "main form", &[("limit_minute", "6")]).await;
    refused.assert_status(422).assert_shows("10 times a second is never reached");
}

#[actix_web::test]
async fn nothing_changes_when_the_trail_cannot_be_written() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut ada = app.sign_in(&ada).await;
    let form = ada.get(&address(&key)).await;
    break_the_trail(&app);
    let before = stored(&app);
    let fields = [("name", "x"), ("permission", "orders:read"), ("allowed_ips", "10.0.0.0/8")];
    ada.submit(&form, "main form", &fields).await.assert_status(500).assert_is_page();
    assert_eq!(stored(&app), before);
    run(&app, "drop trigger audit_events_full on audit_events");
    ada.submit(&form, "main form", &fields).await.assert_status(303);
}
