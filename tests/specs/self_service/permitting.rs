//! Who may manage an application's keys: nobody from outside, until an administrator says so.

use reqwest::Client;

use super::{Answer, Integration};
use crate::support::TestApp;

const KEYS: &str = "/v1/application/keys";

#[actix_web::test]
async fn it_is_off_until_an_administrator_switches_it_on_and_off_again_at_once() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let sync = Integration::new(&app, &mut ada, "Warehouse").await;
    sync.get(KEYS).await.assert_refuses(403, "NOT_PERMITTED");

    let page = ada.get(&sync.page()).await;
    page.assert_shows("Application API").assert_shows("Off.");
    let switched = ada.submit(&page, "form[action$='permit-keys']", &[]).await;
    switched.assert_status(303);
    ada.get(&sync.page()).await.assert_shows("Warehouse may manage its own keys.");
    assert_eq!(sync.get(KEYS).await.status, 200);

    let page = ada.get(&sync.page()).await;
    ada.submit(&page, "form[action$='forbid-keys']", &[]).await.assert_status(303);
    sync.get(KEYS).await.assert_refuses(403, "NOT_PERMITTED");
    let trail = app.db(|conn| latchkey::audit::recent_for(conn, &sync.app_id, 10)).unwrap();
    let acts: Vec<&str> = trail.iter().rev().map(|event| event.action.as_str()).collect();
    assert_eq!(
        acts,
        ["application.created", "application.keys_permitted", "application.keys_forbidden"]
    );
}

#[actix_web::test]
async fn switching_it_on_twice_is_one_act() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let sync = Integration::permitted(&app, &mut ada, "Warehouse").await;
    ada.post(&format!("{}/permit-keys", sync.page()), &[]).await.assert_status(303);
    let trail = app.db(|conn| latchkey::audit::recent_for(conn, &sync.app_id, 10)).unwrap();
    let count = trail.iter().filter(|event| event.action == "application.keys_permitted").count();
    assert_eq!(count, 1);
}

#[actix_web::test]
async fn whoever_has_no_app_credentials_is_told_the_same_whatever_they_have() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let sync = Integration::permitted(&app, &mut ada, "Warehouse").await;
    let other = Integration::permitted(&app, &mut ada, "Storeroom").await;
    let (public_key, secret) = sync.key("deploy bot");
    let gateway = app.gateway("production");
    let ask = || Client::new().get(app.url(KEYS));
    let answers = [
        Answer::to(ask()).await,
        Answer::to(ask().bearer_auth(&secret)).await,
        Answer::to(ask().bearer_auth(&gateway)).await,
        Answer::to(ask().basic_auth(&public_key, Some(&secret))).await,
        Answer::to(ask().basic_auth(&sync.app_id, Some(&other.secret))).await,
        Answer::to(ask().basic_auth(&sync.app_id, Some("secret_wrong"))).await,
    ];
    for answer in &answers {
        answer.assert_refuses(401, "UNKNOWN_APPLICATION");
        assert_eq!(answer.body, answers[0].body);
        assert!(answer.headers["www-authenticate"].to_str().unwrap().starts_with("Basic"));
    }
    let two = ask().basic_auth(&sync.app_id, Some(&sync.secret)).header("Authorization", "x");
    Answer::to(two).await.assert_refuses(400, "BAD_REQUEST");
}

#[actix_web::test]
async fn an_archived_application_has_no_credentials() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let sync = Integration::permitted(&app, &mut ada, "Warehouse").await;
    ada.post(&format!("{}/archive", sync.page()), &[]).await.assert_status(303);
    sync.get(KEYS).await.assert_refuses(401, "UNKNOWN_APPLICATION");
}

#[actix_web::test]
async fn an_application_that_asks_without_end_is_told_when_to_come_again() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let sync = Integration::permitted(&app, &mut ada, "Warehouse").await;
    let other = Integration::permitted(&app, &mut ada, "Storeroom").await;
    let mut answer = sync.get(KEYS).await;
    let mut asked = 1;
    while answer.status == 200 && asked < 300 {
        answer = sync.get(KEYS).await;
        asked += 1;
    }
    answer.assert_refuses(429, "TOO_MANY_REQUESTS");
    assert!(asked > 120, "{asked}");
    assert!(answer.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
    assert_eq!(other.get(KEYS).await.status, 200, "others are not affected");
}
