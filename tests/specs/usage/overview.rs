//! The Overview: traffic by environment, refusals by reason, keys that need a look.

use chrono::Utc;
use serde_json::json;

use super::{asks, in_hours, roll_up, run};
use crate::support::TestApp;

#[actix_web::test]
async fn traffic_and_refusals_are_told_by_environment_and_reason() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let (production, sandbox) = (app.gateway("production"), app.gateway("sandbox"));
    let place = app.environment("sandbox");
    let live = app.key(&ada, "live one");
    let test = app.key_with(Some(&ada), "test one", |new| new.environment_id = place);
    let mut browser = app.sign_in(&ada).await;
    browser.get("/").await.assert_status(200).assert_hides("Traffic of the last 24 hours");
    asks(&app, &production, 7, json!({ "key": live.secret }), "VALID").await;
    asks(
        &app,
        &production,
        3,
        json!({ "key": live.secret, "scopes": ["orders:read"] }),
        "INSUFFICIENT_SCOPE",
    )
    .await;
    asks(&app, &sandbox, 2, json!({ "key": test.secret }), "VALID").await;
    app.flush();
    for at in [None, Some(Utc::now()), Some(in_hours(3))] {
        if let Some(at) = at {
            roll_up(&app, at);
        }
        let page = browser.get("/").await;
        page.assert_status(200).assert_is_page().assert_shows("Traffic of the last 24 hours");
        let rows = page.all("section[aria-labelledby=traffic-title] tbody tr");
        assert_eq!(
            rows,
            [
                "production 7 allowed, 3 refused in 24 hours 7 3 30 %",
                "sandbox 2 allowed in 24 hours 2 0 0 %",
            ],
            "{at:?}"
        );
        page.assert_shows("Permission missing INSUFFICIENT_SCOPE 3");
        assert!(page.body().contains("href=\"/logs?code=INSUFFICIENT_SCOPE\""));
    }
    // In a mode, only what is of it.
    browser.post("/account/mode", &[("mode", "test"), ("next", "/")]).await.assert_status(303);
    let page = browser.get("/").await;
    assert_eq!(page.all("section[aria-labelledby=traffic-title] tbody tr").len(), 1);
    page.assert_shows("Nothing was refused.");
}

#[actix_web::test]
async fn keys_that_need_a_look_are_named_with_the_reason() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let gateway = app.gateway("production");
    let keys = ["expired one", "old secret", "fine one", "narrow one", "limited one", "ending one"]
        .map(|name| {
            app.key_with(Some(&ada), name, |new| {
                if name == "limited one" {
                    new.limits = TestApp::limit(5, 3_600);
                }
            })
        });
    let mut browser = app.sign_in(&ada).await;
    for key in &keys {
        asks(&app, &gateway, 1, json!({ "key": key.secret }), "VALID").await;
    }
    run(
        &app,
        "update keys set expires_at = now() - interval '1 minute' where name = 'expired one'",
    );
    app.forget(latchkey::changes::Change::Everything);
    asks(&app, &gateway, 2, json!({ "key": keys[0].secret }), "EXPIRED").await;
    let regenerate = format!("{}/regenerate", keys[1].page());
    browser
        .post(&regenerate, &[("version", "1"), ("typed", "old secret")])
        .await
        .assert_status(200);
    asks(&app, &gateway, 1, json!({ "key": keys[1].secret }), "SECRET_REPLACED").await;
    asks(
        &app,
        &gateway,
        25,
        json!({ "key": keys[3].secret, "scopes": ["orders:read"] }),
        "INSUFFICIENT_SCOPE",
    )
    .await;
    asks(&app, &gateway, 4, json!({ "key": keys[4].secret }), "VALID").await;
    asks(&app, &gateway, 30, json!({ "key": keys[4].secret }), "RATE_LIMITED").await;
    app.flush();
    run(
        &app,
        "update keys set expires_at = now() + interval '3 days 1 hour' where name = 'ending one'",
    );
    let page = browser.get("/").await;
    let concerns = page.all("section[aria-labelledby=concerns-title] li .lines__text");
    let has =
        |words: &str| assert!(concerns.iter().any(|one| one == words), "{words}: {concerns:?}");
    has("expired one called 2 times after it expired");
    has("old secret called once with an old secret");
    has("narrow one 96 % of its requests refused");
    has("limited one beyond its limit 30 times");
    has("ending one expires in 3 days and is in use");
    assert_eq!(concerns.len(), 5, "{concerns:?}");
    let groups = page.all("section[aria-labelledby=concerns-title] p a[href^='/review?group=']");
    assert_eq!(groups, ["unused permissions", "unused keys", "never used", "old secrets"]);
    let log = format!("/logs?key={}&amp;code=EXPIRED", keys[0].public_key());
    assert!(page.body().contains(&log));
}

#[actix_web::test]
async fn a_manager_sees_the_traffic_of_own_keys_only() {
    let app = TestApp::start();
    let (ada, mia, tom) =
        (app.administrator("Ada"), app.manager_with_access("Mia"), app.manager_with_access("Tom"));
    let gateway = app.gateway("production");
    let (hers, others) = (app.key(&mia, "hers"), app.key(&ada, "somebody elses"));
    asks(&app, &gateway, 2, json!({ "key": hers.secret }), "VALID").await;
    asks(&app, &gateway, 9, json!({ "key": others.secret }), "VALID").await;
    asks(
        &app,
        &gateway,
        40,
        json!({ "key": others.secret, "scopes": ["orders:read"] }),
        "INSUFFICIENT_SCOPE",
    )
    .await;
    app.flush();
    roll_up(&app, Utc::now());
    let page = app.sign_in(&mia).await.get("/").await;
    page.assert_shows("2 allowed in 24 hours").assert_hides("somebody elses");
    page.assert_shows("Nothing was refused.").assert_hides("INSUFFICIENT_SCOPE");
    let page = app.sign_in(&tom).await.get("/").await;
    page.assert_status(200).assert_hides("Traffic of the last 24 hours").assert_hides("hers");
    let page = app.sign_in(&ada).await.get("/").await;
    page.assert_shows("somebody elses 81 % of its requests refused");
}
