//! A new App Secret: what identifies itself with the old one stops.

use std::time::{Duration, Instant};

use base64::{Engine, engine::general_purpose::STANDARD};
use latchkey::audit;
use serde_json::{Value, json};

use crate::support::{Browser, Page, TestApp};

/// An application made on the page, with its App ID and secret.
async fn made(ada: &mut Browser, name: &str) -> (String, String) {
    let reveal = ada.post("/applications", &[("name", name)]).await;
    reveal.assert_status(200);
    (reveal.text("#app-id"), reveal.text("#secret"))
}

async fn identifies(app: &TestApp, gateway: &str, (app_id, secret): (&str, &str)) -> Value {
    let basic = STANDARD.encode(format!("{app_id}:{secret}"));
    app.verify(gateway, json!({ "basic": basic })).await
}

async fn authorizes(app: &TestApp, gateway: &str, app_id: &str, secret: &str) -> (u16, String) {
    let answer = reqwest::Client::new()
        .get(app.url("/v1/authorize"))
        .header("X-Gateway-Token", gateway)
        .basic_auth(app_id, Some(secret))
        .send()
        .await
        .unwrap();
    let named = answer.headers().get("x-application-id").map_or("", |id| id.to_str().unwrap());
    (answer.status().as_u16(), named.to_owned())
}

fn trail(app: &TestApp, app_id: &str) -> Vec<String> {
    let events = app.db(|conn| audit::recent_for(conn, app_id, 100)).unwrap();
    events.into_iter().rev().map(|event| event.action).collect()
}

#[actix_web::test]
async fn the_new_secret_is_shown_once_and_the_old_one_stops_before_that() {
    let app = TestApp::start();
    let gateway = app.gateway("production");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let (app_id, old) = made(&mut ada, "Warehouse").await;
    assert_eq!(identifies(&app, &gateway, (&app_id, &old)).await["code"], "VALID");
    assert_eq!(authorizes(&app, &gateway, &app_id, &old).await, (200, app_id.clone()));

    let address = format!("/applications/{app_id}");
    let question = ada.get(&format!("{address}/confirm/rotate")).await;
    question
        .assert_status(200)
        .assert_is_page()
        .assert_shows("Rotate the App Secret of Warehouse?");
    let reveal = ada.submit(&question, ".dialog form", &[]).await;
    assert_eq!(identifies(&app, &gateway, (&app_id, &old)).await["code"], "KEY_NOT_FOUND");
    assert_eq!(authorizes(&app, &gateway, &app_id, &old).await.0, 401);
    reveal.assert_status(200).assert_is_page().assert_shows("This is the only time");
    assert_eq!(reveal.header("cache-control"), "no-store");
    assert_eq!(reveal.header("content-encoding"), "identity");
    let new = reveal.text("#secret");
    assert!(new.starts_with("secret_") && new != old);
    let verdict = identifies(&app, &gateway, (&app_id, &new)).await;
    assert_eq!((&verdict["code"], &verdict["application_id"]), (&json!("VALID"), &json!(app_id)));

    ada.get(&address).await.assert_hides(&new).assert_hides(&old);
    let again = ada.submit(&question, ".dialog form", &[]).await;
    again.assert_status(409).assert_shows("rotated meanwhile").assert_hides(&new);
    assert_eq!(identifies(&app, &gateway, (&app_id, &new)).await["code"], "VALID");
    assert_eq!(trail(&app, &app_id), ["application.created", "application.secret_rotated"]);
}

#[actix_web::test]
async fn of_several_rotations_at_once_one_wins() {
    let app = TestApp::start();
    let gateway = app.gateway("production");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let (app_id, _) = made(&mut ada, "Warehouse").await;
    let question = ada.get(&format!("/applications/{app_id}/confirm/rotate")).await;
    let made = question.attribute("[name=made]", "value");
    let address = format!("/applications/{app_id}/rotate");
    let answers = ada.post_at_once(8, &address, &[("made", &made)]).await;
    let won: Vec<&Page> = answers.iter().filter(|answer| answer.status() == 200).collect();
    assert_eq!(won.len(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.status() == 409).count(), 7);
    let secret = won[0].text("#secret");
    assert_eq!(identifies(&app, &gateway, (&app_id, &secret)).await["code"], "VALID");
}

#[actix_web::test]
async fn an_app_secret_carries_no_permission() {
    let app = TestApp::start();
    let gateway = app.gateway("production");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let (app_id, secret) = made(&mut ada, "Warehouse").await;
    let basic = STANDARD.encode(format!("{app_id}:{secret}"));
    let verdict =
        app.verify(&gateway, json!({ "basic": basic, "scopes": ["reporting:read"] })).await;
    assert_eq!(verdict["code"], "INSUFFICIENT_SCOPE");
    app.flush();
    ada.get(&format!("/applications/{app_id}")).await.assert_shows("Last used Never");
    let (other, _) = made(&mut ada, "Depot").await;
    assert_eq!(identifies(&app, &gateway, (&other, &secret)).await["code"], "KEY_NOT_FOUND");
}

#[actix_web::test]
async fn the_last_use_is_recorded_and_said_before_a_rotation() {
    let app = TestApp::start();
    let gateway = app.gateway("production");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let (app_id, secret) = made(&mut ada, "Warehouse").await;
    let (address, question) =
        (format!("/applications/{app_id}"), format!("/applications/{app_id}/confirm/rotate"));
    ada.get(&address).await.assert_shows("Last used Never");
    ada.get(&question).await.assert_shows("It has never been used.");
    identifies(&app, &gateway, (&app_id, &secret)).await;
    app.flush();
    ada.get(&address).await.assert_hides("Last used Never").assert_shows("Last used just now");
    let asked = ada.get(&question).await;
    asked.assert_shows("It was last used");

    // What the old secret did says nothing of the new one.
    ada.submit(&asked, ".dialog form", &[]).await.assert_status(200);
    ada.get(&address).await.assert_shows("Last used Never");
}

#[actix_web::test]
async fn only_administrators_rotate() {
    let app = TestApp::start();
    let app_id = app.application("Warehouse");
    let address = format!("/applications/{app_id}");
    let mut marek = app.sign_in(&app.manager_with_access("Marek")).await;
    marek.get(&address).await.assert_hides("confirm/rotate").assert_hides("confirm/archive");
    let forms: [(&str, &[(&str, &str)]); 3] =
        [("rotate", &[("made", "2026-01-01T00:00:00Z")]), ("archive", &[]), ("restore", &[])];
    for (act, fields) in forms {
        marek.post(&format!("{address}/{act}"), fields).await.assert_status(403);
    }
    for act in ["rotate", "archive"] {
        marek.get(&format!("{address}/confirm/{act}")).await.assert_status(403);
    }
    let mut tom = app.sign_in(&app.manager("Tom")).await;
    for (act, fields) in forms {
        tom.post(&format!("{address}/{act}"), fields).await.assert_status(404);
    }
    assert_eq!(trail(&app, &app_id), ["application.created"]);
}

#[actix_web::test]
async fn a_rotation_without_its_form_is_refused() {
    let app = TestApp::start();
    let app_id = app.application("Warehouse");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let address = format!("/applications/{app_id}/rotate");
    ada.get(&address).await.assert_status(405);
    for fields in [&[][..], &[("made", "")], &[("made", "yesterday")], &[("made", "1"), ("x", "y")]]
    {
        ada.post(&address, fields).await.assert_status(400);
    }
    let stale = ada.post(&address, &[("made", "2020-01-01T00:00:00.000000Z")]).await;
    stale.assert_status(409);
    ada.post("/applications/app_0123456789abcdef/rotate", &[("made", "2020-01-01T00:00:00Z")])
        .await
        .assert_status(404);
    assert_eq!(trail(&app, &app_id), ["application.created"]);
}

#[actix_web::test]
async fn what_another_process_rotated_is_heard_of() {
    let app = TestApp::start();
    let gateway = app.gateway("production");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let (app_id, old) = made(&mut ada, "Warehouse").await;
    assert_eq!(identifies(&app, &gateway, (&app_id, &old)).await["code"], "VALID");
    let made = app.operator(|conn, operator| latchkey::applications::find(conn, operator, &app_id));
    app.operator(|conn, operator| {
        latchkey::applications::rotate(conn, operator, &app_id, made.secret_created_at)
    });
    // Sooner than what is remembered would be looked up again anyway.
    let began = Instant::now();
    while identifies(&app, &gateway, (&app_id, &old)).await["code"] != "KEY_NOT_FOUND" {
        assert!(began.elapsed() < Duration::from_secs(4), "nobody told");
    }
}
