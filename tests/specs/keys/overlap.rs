//! The time in which the old secret still works beside the new one.

use std::thread;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{Connection, prelude::*};
use latchkey::{
    changes::Change,
    error::AppError,
    keys::{Overlap, commands},
    schema::{key_secrets, secret_callers},
    users::Viewer,
};
use serde_json::json;

use super::{expire, run, statuses, stored, trail};
use crate::support::{Browser, MadeKey, TestApp};

/// Regenerates through the dialog and returns the new secret.
async fn regenerate(ada: &mut Browser, key: &MadeKey, overlap: &str) -> String {
    let question = ada.get(&format!("{}/confirm/regenerate", key.page())).await;
    let typed = ("typed", key.key.name.as_str());
    let reveal = ada.submit(&question, ".dialog form", &[("overlap", overlap), typed]).await;
    reveal.assert_status(200).text("#secret")
}

/// When the old secrets of a key stop or stopped, the first to stop first.
fn ends(app: &TestApp, key: &MadeKey) -> Vec<DateTime<Utc>> {
    let ends: Vec<Option<DateTime<Utc>>> = app.db(|conn| {
        key_secrets::table
            .filter(key_secrets::key_id.eq(key.key.id).and(key_secrets::ends_at.is_not_null()))
            .order(key_secrets::ends_at)
            .select(key_secrets::ends_at)
            .load(conn)
            .unwrap()
    });
    ends.into_iter().flatten().collect()
}

#[track_caller]
fn assert_near(at: DateTime<Utc>, expected: DateTime<Utc>) {
    assert!((at - expected).abs() < TimeDelta::seconds(30), "{at} is not {expected}");
}

/// The overlap is over, as it is after some time.
fn let_it_end(app: &TestApp, key: &MadeKey) {
    let id = key.key.id;
    run(
        app,
        &format!(
            "update key_secrets set ends_at = now() - interval '1 second' where key_id = {id} and ends_at > now()"
        ),
    );
    app.forget(Change::Key(id));
}

#[actix_web::test]
async fn both_secrets_work_until_the_overlap_ends() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let key = app.key(&user, "deploy bot");
    let gateway = app.gateway("production");
    let mut ada = app.sign_in(&user).await;
    assert_eq!(app.code(&gateway, &key.secret).await, "VALID");
    let question = ada.get(&format!("{}/confirm/regenerate", key.page())).await;
    question.assert_shows("When does the old secret stop?").assert_shows("After 7 days");
    let reveal = ada.submit(&question, ".dialog form", &[("overlap", "1h")]).await;
    reveal.assert_status(200).assert_shows("The old secret works until").assert_hides(&key.secret);
    let secret = reveal.text("#secret");
    assert_eq!(app.code(&gateway, &secret).await, "VALID");
    assert_eq!(app.code(&gateway, &key.secret).await, "VALID");
    assert_near(ends(&app, &key)[0], Utc::now() + TimeDelta::hours(1));
    ada.get(&key.page())
        .await
        .assert_shows("The old secret still works")
        .assert_shows("was given until");

    let_it_end(&app, &key);
    assert_eq!(app.code(&gateway, &key.secret).await, "SECRET_REPLACED");
    assert_eq!(app.code(&gateway, &secret).await, "VALID");
    ada.get(&key.page()).await.assert_hides("The old secret still works");
}

#[actix_web::test]
async fn what_ends_the_key_ends_both() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let gateway = app.gateway("production");
    let mut ada = app.sign_in(&user).await;
    for (act, code) in [("disable", "DISABLED"), ("revoke", "REVOKED"), ("", "EXPIRED")] {
        let key = app.key(&user, &format!("to {code}"));
        let secret = regenerate(&mut ada, &key, "7d").await;
        if act.is_empty() {
            expire(&app, key.public_key());
            app.forget(Change::Key(key.key.id));
        } else {
            ada.post(&format!("{}/{act}", key.page()), &[]).await.assert_status(303);
        }
        assert_eq!(app.code(&gateway, &secret).await, code);
        assert_eq!(app.code(&gateway, &key.secret).await, code);
        ada.get(&key.page()).await.assert_status(200).assert_hides("The old secret still works");
    }
}

#[actix_web::test]
async fn no_overlap_passes_the_expiry() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let expiry = Utc::now() + TimeDelta::hours(3);
    let key = app.key_with(Some(&user), "short", |new| new.expires_at = Some(expiry));
    let mut ada = app.sign_in(&user).await;
    let question = ada.get(&format!("{}/confirm/regenerate", key.page())).await;
    question.assert_shows("When the key expires").assert_hides("After 7 days");
    // What is not offered is cut as well.
    let version = [("version", "1"), ("overlap", "7d")];
    ada.post(&format!("{}/regenerate", key.page()), &version).await.assert_status(200);
    assert_near(ends(&app, &key)[0], expiry);
    let version = [("version", "2"), ("overlap", "24h")];
    ada.post(&format!("{}/extend", key.page()), &version).await.assert_status(303);
    assert_near(ends(&app, &key)[0], expiry);
}

#[actix_web::test]
async fn an_overlap_ends_with_the_key_also_when_that_is_sooner_afterwards() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let key = app.key(&user, "deploy bot");
    let mut ada = app.sign_in(&user).await;
    regenerate(&mut ada, &key, "7d").await;
    let page = ada.get(&format!("{}/edit", key.page())).await;
    let sooner = Utc::now().date_naive() + TimeDelta::days(2);
    let day = sooner.format("%Y-%m-%d").to_string();
    let fields = [("expires", "date"), ("expires_on", day.as_str())];
    ada.submit(&page, "form.form", &fields).await.assert_leads_to(&key.page());
    assert_near(ends(&app, &key)[0], latchkey::keys::end_of(sooner));
}

#[actix_web::test]
async fn an_overlap_that_is_none_is_a_form_again() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let key = app.key(&user, "deploy bot");
    let mut ada = app.sign_in(&user).await;
    let before = stored(&app);
    for overlap in ["-1", "3650d", "10 years", "", "soon", "1H", "99999999999999999999", "\u{0}"] {
        let fields = [("version", "1"), ("overlap", overlap)];
        let page = ada.post(&format!("{}/regenerate", key.page()), &fields).await;
        page.assert_status(422).assert_is_page().assert_shows("Choose when the old secret stops");
        page.form(".dialog form", &[]);
    }
    assert_eq!(stored(&app), before);
    regenerate(&mut ada, &key, "1h").await;
    let before = stored(&app);
    for overlap in ["-1", "now", "10 years", ""] {
        let fields = [("version", "2"), ("overlap", overlap)];
        let page = ada.post(&format!("{}/extend", key.page()), &fields).await;
        page.assert_status(422).assert_is_page().assert_shows("Choose 15 minutes, an hour");
    }
    for fields in [vec![], vec![("version", "x"), ("overlap", "1h")]] {
        ada.post(&format!("{}/extend", key.page()), &fields).await.assert_status(400);
        ada.post(&format!("{}/finish", key.page()), &[("version", "x")]).await.assert_status(400);
    }
    assert_eq!(stored(&app), before);
}

#[actix_web::test]
async fn the_page_shows_who_still_uses_the_old_secret_and_finish_now_stops_it() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let key = app.key(&user, "deploy bot");
    let gateway = app.gateway("production");
    let mut ada = app.sign_in(&user).await;
    let secret = regenerate(&mut ada, &key, "24h").await;
    ada.get(&key.page()).await.assert_shows("Nobody has used it since");
    for _ in 0..3 {
        app.verify(&gateway, json!({ "key": key.secret, "ip": "203.0.113.9" })).await;
    }
    app.verify(&gateway, json!({ "key": key.secret })).await;
    app.verify(&gateway, json!({ "key": secret, "ip": "198.51.100.1" })).await;
    app.flush();
    let page = ada.get(&key.page()).await;
    page.assert_shows("4 requests").assert_shows("203.0.113.9 3");
    page.assert_shows("Others, or no address given 1");
    let callers = page.all("section[aria-label^='Old secret'] tbody th");
    assert_eq!(callers, ["203.0.113.9", "Others, or no address given"], "not of the new one");

    let question = ada.get(&format!("{}/confirm/finish", key.page())).await;
    question.assert_is_page().assert_shows("4 requests").assert_shows("203.0.113.9");
    let fragment = ada.with_htmx(&key.page()).get(&format!("{}/confirm/finish", key.page())).await;
    fragment.assert_status(200).assert_is_fragment();
    ada.submit(&question, ".dialog form", &[]).await.assert_leads_to(&key.page());
    assert_eq!(app.code(&gateway, &key.secret).await, "SECRET_REPLACED");
    assert_eq!(app.code(&gateway, &secret).await, "VALID");
    assert_eq!(
        trail(&app, key.public_key()),
        ["key.created", "key.regenerated", "key.overlap_finished"]
    );
    // A second click finds nothing to stop, and the owner goes on seeing who is refused.
    ada.submit(&question, ".dialog form", &[]).await.assert_status(409);
    app.verify(&gateway, json!({ "key": key.secret, "ip": "203.0.113.9" })).await;
    app.flush();
    let page = ada.get(&key.page()).await;
    page.assert_shows("The old secret is still called with").assert_shows("SECRET_REPLACED");
    page.assert_shows("203.0.113.9").assert_hides("Finish now");
    ada.get(&format!("{}/confirm/finish", key.page())).await.assert_shows("has stopped");
}

#[actix_web::test]
async fn an_overlap_can_be_extended_while_it_lasts_and_not_afterwards() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let key = app.key(&user, "deploy bot");
    let gateway = app.gateway("production");
    let mut ada = app.sign_in(&user).await;
    regenerate(&mut ada, &key, "15m").await;
    let page = ada.get(&key.page()).await;
    let form = format!("form[action=\"{}/extend\"]", key.page());
    ada.submit(&page, &form, &[("overlap", "7d")]).await.assert_leads_to(&key.page());
    assert_near(ends(&app, &key)[0], Utc::now() + TimeDelta::days(7));
    ada.get(&key.page()).await.assert_shows("gave the old secret more time");

    let_it_end(&app, &key);
    let before = stored(&app);
    ada.submit(&page, &form, &[("overlap", "7d")]).await.assert_status(409);
    assert_eq!(stored(&app), before);
    assert_eq!(app.code(&gateway, &key.secret).await, "SECRET_REPLACED");
}

#[actix_web::test]
async fn beside_the_new_secret_one_other_works_at_most() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let key = app.key(&user, "deploy bot");
    let gateway = app.gateway("production");
    let mut ada = app.sign_in(&user).await;
    let second = regenerate(&mut ada, &key, "7d").await;
    let stale = ada.get(&format!("{}/confirm/finish", key.page())).await;
    let question = ada.get(&format!("{}/confirm/regenerate", key.page())).await;
    question.assert_shows("A third secret is still in use").assert_shows("stops it at once");
    let third = regenerate(&mut ada, &key, "24h").await;
    assert_eq!(app.code(&gateway, &key.secret).await, "SECRET_REPLACED");
    assert_eq!(app.code(&gateway, &second).await, "VALID");
    assert_eq!(app.code(&gateway, &third).await, "VALID");
    // A page from before that regeneration stops nothing that it did not show.
    ada.submit(&stale, ".dialog form", &[]).await.assert_status(409);
    assert_eq!(app.code(&gateway, &second).await, "VALID");
    let fourth = regenerate(&mut ada, &key, "now").await;
    assert_eq!(app.code(&gateway, &second).await, "SECRET_REPLACED");
    assert_eq!(app.code(&gateway, &third).await, "SECRET_REPLACED");
    assert_eq!(app.code(&gateway, &fourth).await, "VALID");
}

#[actix_web::test]
async fn of_ten_at_once_with_an_overlap_one_wins_and_two_secrets_work() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let key = app.key(&user, "deploy bot");
    let gateway = app.gateway("production");
    let ada = app.sign_in(&user).await;
    let fields = [("version", "1"), ("overlap", "1h")];
    let answers = ada.post_at_once(10, &format!("{}/regenerate", key.page()), &fields).await;
    assert_eq!(statuses(&answers), [200, 409, 409, 409, 409, 409, 409, 409, 409, 409]);
    let revealed: Vec<String> = answers.iter().flat_map(|answer| answer.all("#secret")).collect();
    let [secret] = revealed.as_slice() else { panic!("{} secrets", revealed.len()) };
    assert_eq!(app.code(&gateway, secret).await, "VALID");
    assert_eq!(app.code(&gateway, &key.secret).await, "VALID");
    assert_eq!(ends(&app, &key).len(), 1);
}

#[actix_web::test]
async fn who_comes_second_on_another_connection_waits_and_finds_it_changed() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let key = app.key(&user, "deploy bot");
    let (mut first, mut second) = (app.database.connect(), app.database.connect());
    let (public_key, operator) = (key.public_key().to_owned(), Viewer::operator());
    let late = first
        .transaction(|conn| {
            let (_, secret) =
                commands::regenerate(conn, &operator, &public_key, Some(1), Overlap::Hour)?;
            // Begun before the first has committed: it waits for the row.
            let other = public_key.clone();
            let late = thread::spawn(move || {
                second.transaction(|conn| {
                    let operator = Viewer::operator();
                    commands::regenerate(conn, &operator, &other, Some(1), Overlap::Now).map(drop)
                })
            });
            while waiting(&app) == 0 {
                thread::yield_now();
            }
            Ok::<_, AppError>((late, secret))
        })
        .unwrap();
    let (late, secret) = late;
    assert!(matches!(late.join().unwrap(), Err(AppError::Conflict(_))));
    let gateway = app.gateway("production");
    assert_eq!(app.code(&gateway, secret.reveal()).await, "VALID");
    assert_eq!(app.code(&gateway, &key.secret).await, "VALID");
    assert_eq!(trail(&app, key.public_key()), ["key.created", "key.regenerated"]);
}

fn waiting(app: &TestApp) -> i64 {
    let ask = "(select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
    app.db(|conn| {
        diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(ask)).get_result(conn).unwrap()
    })
}

#[actix_web::test]
async fn of_many_callers_some_are_told_apart_and_the_rest_is_one() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let key = app.key(&user, "deploy bot");
    let gateway = app.gateway("production");
    let mut ada = app.sign_in(&user).await;
    regenerate(&mut ada, &key, "24h").await;
    for host in 0..30 {
        let ip = format!("203.0.113.{host}");
        app.verify(&gateway, json!({ "key": key.secret, "ip": ip })).await;
        if host % 7 == 0 {
            app.flush();
        }
    }
    app.flush();
    let callers: Vec<(String, i64)> = app.db(|conn| {
        secret_callers::table
            .select((secret_callers::caller, secret_callers::requests))
            .load(conn)
            .unwrap()
    });
    assert_eq!(callers.len(), 21, "{callers:?}");
    assert_eq!(callers.iter().map(|(_, requests)| requests).sum::<i64>(), 30);
}

#[actix_web::test]
async fn an_ordinary_secret_leaves_no_callers_behind() {
    let app = TestApp::start();
    let key = app.key(&app.administrator("Ada"), "deploy bot");
    let gateway = app.gateway("production");
    app.verify(&gateway, json!({ "key": key.secret, "ip": "203.0.113.9" })).await;
    app.flush();
    let rows: i64 = app.db(|conn| secret_callers::table.count().get_result(conn).unwrap());
    assert_eq!(rows, 0);
}

#[actix_web::test]
async fn somebody_elses_overlap_is_not_there() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut ada = app.sign_in(&ada).await;
    regenerate(&mut ada, &key, "24h").await;
    let mut marek = app.sign_in(&app.manager_with_access("Marek")).await;
    let before = stored(&app);
    marek.get(&format!("{}/confirm/finish", key.page())).await.assert_status(404);
    for act in ["finish", "extend"] {
        let mut fields = vec![("version", "2")];
        if act == "extend" {
            fields.push(("overlap", "1h"));
        }
        marek.post(&format!("{}/{act}", key.page()), &fields).await.assert_status(404);
        ada.get(&format!("{}/{act}", key.page())).await.assert_status(405);
    }
    assert_eq!(stored(&app), before);
}
