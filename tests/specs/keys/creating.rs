//! The wizard as plain pages.

use chrono::{TimeDelta, Utc};
use diesel::prelude::*;
use futures_util::future::join;
use latchkey::schema::keys;

use super::{break_the_trail, run, statuses, stored, trail};
use crate::support::{Browser, Page, TestApp};

/// Walks through the wizard up to the summary.
pub async fn walk(browser: &mut Browser, app_id: &str, name: &str, permission: &str) -> Page {
    walk_with(browser, app_id, name, &[("permission", permission)], &[]).await
}

/// [`walk`] with any permissions and limits.
pub async fn walk_with(
    browser: &mut Browser,
    app_id: &str,
    name: &str,
    permissions: &[(&str, &str)],
    limits: &[(&str, &str)],
) -> Page {
    let page = browser.get("/keys/new").await;
    let page = browser.follow(page).await;
    let place = [("application", app_id), ("environment", "production")];
    let steps: [&[(&str, &str)]; 4] = [&[("name", name)], &place, permissions, limits];
    let mut page = page;
    for answers in steps {
        let filled_in: Vec<_> = answers.iter().copied().chain([("go", "next")]).collect();
        let answer = browser.submit(&page, "#wizard", &filled_in).await;
        page = browser.follow(answer).await;
    }
    page
}

#[actix_web::test]
async fn a_new_key_shows_its_secret_once() {
    let app = TestApp::start();
    let app_id = app.application("Back office");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;

    let summary = walk(&mut ada, &app_id, "deploy bot", "reporting:read").await;
    summary.assert_status(200).assert_shows("100 times a second");
    let reveal = ada.submit(&summary, "#wizard", &[("go", "create")]).await;
    reveal.assert_status(200).assert_is_page().assert_shows("deploy bot is ready");
    let secret = reveal.text("#secret");
    assert!(secret.starts_with("prod_sk_"), "{secret}");
    assert_eq!(trail(&app, &reveal.text("#public-key")), ["key.created"]);

    ada.get("/keys").await.assert_status(200).assert_shows("deploy bot").assert_hides(&secret);
    let again = ada.submit(&summary, "#wizard", &[("go", "create")]).await;
    again.assert_status(409).assert_shows("already created").assert_hides(&secret);
}

#[actix_web::test]
async fn a_granted_manager_creates_a_key_of_their_own() {
    let app = TestApp::start();
    let app_id = app.application("Back office");
    let mut mia = app.sign_in(&app.manager_with_access("Mia")).await;
    let summary = walk(&mut mia, &app_id, "deploy bot", "reporting:read").await;
    let reveal = mia.submit(&summary, "#wizard", &[("go", "create")]).await;
    let page = mia.get(&format!("/keys/{}", reveal.text("#public-key"))).await;
    page.assert_status(200).assert_shows("Owner Mia");
    assert_eq!(app.code(&app.gateway("production"), &reveal.text("#secret")).await, "VALID");
}

#[actix_web::test]
async fn pressing_create_ten_times_at_once_makes_one_key() {
    let app = TestApp::start();
    let app_id = app.application("Back office");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let summary = walk(&mut ada, &app_id, "deploy bot", "reporting:read").await;
    let (action, fields) = summary.form("#wizard", &[("go", "create")]);
    let fields: Vec<_> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();

    let answers = ada.post_at_once(10, &action, &fields).await;
    assert_eq!(statuses(&answers), [200, 409, 409, 409, 409, 409, 409, 409, 409, 409]);
    let secrets: Vec<String> = answers.iter().flat_map(|answer| answer.all("#secret")).collect();
    assert_eq!(secrets.len(), 1);
    let made: Vec<String> = app.db(|conn| keys::table.select(keys::public_key).load(conn)).unwrap();
    assert_eq!(made.len(), 1);
    assert_eq!(trail(&app, &made[0]), ["key.created"]);
    assert_eq!(app.code(&app.gateway("production"), &secrets[0]).await, "VALID");
}

#[actix_web::test]
async fn of_two_wizards_with_one_name_at_once_one_is_asked_for_another_name() {
    let app = TestApp::start();
    let app_id = app.application("Back office");
    let ada = app.sign_in(&app.administrator("Ada")).await;
    let (mut left, mut right) = (ada.clone(), ada.clone());
    let one = walk(&mut left, &app_id, "deploy bot", "reporting:read").await;
    let other = walk(&mut right, &app_id, "Deploy  Bot", "reporting:read").await;
    let create = [("go", "create")];
    let (one, other) =
        join(left.submit(&one, "#wizard", &create), right.submit(&other, "#wizard", &create)).await;
    let answers = [one, other];
    assert_eq!(statuses(&answers), [200, 422]);
    let again = answers.iter().find(|answer| answer.status() == 422).unwrap();
    again.assert_is_page().assert_shows("too similar to that of another key");
}

#[actix_web::test]
async fn a_name_that_looks_like_that_of_another_key_is_refused() {
    let app = TestApp::start();
    let app_id = app.application("Back office");
    let ada = app.administrator("Ada");
    let mut browser = app.sign_in(&ada).await;
    let summary = walk(&mut browser, &app_id, "Admin", "reporting:read").await;
    browser.submit(&summary, "#wizard", &[("go", "create")]).await.assert_status(200);
    for name in ["Admin", "admin", " ADMIN ", "Аdmin", "Ａdmin"] {
        let summary = walk(&mut browser, &app_id, name, "reporting:read").await;
        let again = browser.submit(&summary, "#wizard", &[("go", "create")]).await;
        again.assert_status(422).assert_is_page().assert_shows("This name is too similar");
        // What was typed is still there, and another name does.
        let page = browser.submit(&again, "#wizard", &[("name", "Adnim"), ("go", "next")]).await;
        page.assert_status(303);
    }
    // Another application, or another owner, is another matter.
    let other = app.application("Elsewhere");
    let summary = walk(&mut browser, &other, "Admin", "reporting:read").await;
    browser.submit(&summary, "#wizard", &[("go", "create")]).await.assert_status(200);
    let mut mia = app.sign_in(&app.manager_with_access("Mia")).await;
    let summary = walk(&mut mia, &app_id, "Admin", "reporting:read").await;
    mia.submit(&summary, "#wizard", &[("go", "create")]).await.assert_status(200);
}

#[actix_web::test]
async fn back_and_forward_keep_what_was_typed() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let start = ada.get("/keys/new").await;
    let name = ada.follow(start).await;
    let answer = ada
        .submit(&name, "#wizard", &[("name", "deploy bot"), ("note", "two\nlines"), ("go", "next")])
        .await;
    let place = ada.follow(answer).await;
    // Half an answer, and back.
    let answer = ada.submit(&place, "#wizard", &[("environment", "sandbox"), ("go", "back")]).await;
    let name = ada.follow(answer).await;
    assert_eq!(name.attribute("#name", "value"), "deploy bot");
    assert_eq!(name.text("#note"), "two lines");
    let answer = ada.submit(&name, "#wizard", &[("go", "next")]).await;
    let place = ada.follow(answer).await;
    assert_eq!(place.attribute("input[name=environment][checked]", "value"), "sandbox");
}

#[actix_web::test]
async fn a_later_step_leads_to_the_first_question_that_is_open() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let start = ada.get("/keys/new").await.location().unwrap();
    let draft = start.split_once("draft=").unwrap().1.split_once('&').unwrap().0.to_owned();
    let at = |step: &str| format!("/keys/new?draft={draft}&step={step}");
    ada.get(&at("summary")).await.assert_leads_to(&at("name"));
    let name = ada.get(&start).await;
    ada.submit(&name, "#wizard", &[("name", "deploy bot"), ("go", "next")])
        .await
        .assert_leads_to(&at("environment"));
    ada.get(&at("limits")).await.assert_leads_to(&at("environment"));
    // Creating before the end shows the first question that is open, and makes nothing.
    let early =
        ada.post("/keys", &[("draft", &draft), ("step", "summary"), ("go", "create")]).await;
    early.assert_status(422).assert_is_page().assert_shows("Choose an application");
    assert_eq!(app.db(|conn| keys::table.count().get_result::<i64>(conn).unwrap()), 0);
}

#[actix_web::test]
async fn somebody_elses_draft_is_blank() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let mut eve = app.sign_in(&app.administrator("Eve")).await;
    let start = ada.get("/keys/new").await.location().unwrap();
    let name = ada.get(&start).await;
    ada.submit(&name, "#wizard", &[("name", "for my eyes"), ("go", "next")])
        .await
        .assert_status(303);
    let hers = eve.get(&start).await;
    hers.assert_status(200).assert_hides("for my eyes");
    eve.submit(&hers, "#wizard", &[("name", "mine now"), ("go", "next")]).await.assert_status(303);
    assert_eq!(ada.get(&start).await.attribute("#name", "value"), "for my eyes");
}

#[actix_web::test]
async fn expiry_is_spelled_out_before_and_after() {
    let app = TestApp::start();
    let app_id = app.application("Back office");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let summary = walk(&mut ada, &app_id, "asked", "reporting:read").await;
    let answer = ada.submit(&summary, "#wizard", &[("go", "limits")]).await;
    let limits = ada.follow(answer).await;
    let day = |days| (Utc::now() + TimeDelta::days(days)).date_naive();
    for days in [7, 30, 60, 90, 365] {
        limits.assert_shows(&format!("Until {}", day(days).format("%A %-d %B %Y")));
    }
    let chosen = day(45).to_string();
    let cases: [(&[(&str, &str)], Option<_>); 4] = [
        (&[("expires", "7")], Some(day(7))),
        (&[("expires", "365")], Some(day(365))),
        (&[("expires", "date"), ("expires_on", &chosen)], Some(day(45))),
        (&[("expires", "never")], None),
    ];
    for (number, (limits, last_day)) in cases.into_iter().enumerate() {
        let permission = [("permission", "reporting:read")];
        let summary =
            walk_with(&mut ada, &app_id, &format!("key {number}"), &permission, limits).await;
        let spelled = last_day.map(|day| day.format("%-d %B %Y").to_string());
        summary.assert_shows(spelled.as_deref().unwrap_or("until somebody stops it"));
        let reveal = ada.submit(&summary, "#wizard", &[("go", "create")]).await;
        let public = reveal.text("#public-key");
        let stored: Option<chrono::DateTime<Utc>> = app
            .db(|conn| {
                keys::table
                    .filter(keys::public_key.eq(&public))
                    .select(keys::expires_at)
                    .first(conn)
            })
            .unwrap();
        // The day is included, to its last second.
        assert_eq!(stored, last_day.map(|day| day.and_hms_opt(23, 59, 59).unwrap().and_utc()));
        let page = ada.get(&format!("/keys/{public}")).await;
        page.assert_shows(spelled.as_deref().unwrap_or("Works until somebody stops it."));
    }
}

/// Adds a permission to the catalogue as a newer preset would.
fn add_permission(app: &TestApp, section: &str, slug: &str) {
    run(
        app,
        &format!(
            "insert into permissions (section_id, slug, label, description, access, position)
             select id, '{slug}', 'Read what is new', 'Added later', 'READ', 99 from sections where slug = '{section}';"
        ),
    );
}

async fn eventually_valid(app: &TestApp, gateway: &str, key: &str, scope: &str) {
    let began = std::time::Instant::now();
    loop {
        let question = serde_json::json!({ "key": key, "scopes": [scope] });
        let code = app.verify(gateway, question).await["code"].clone();
        if code == "VALID" {
            return;
        }
        assert!(began.elapsed().as_secs() < 5, "{scope} is still {code}");
        actix_web::rt::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[actix_web::test]
async fn a_whole_section_includes_what_is_added_to_it_later() {
    let app = TestApp::start();
    let app_id = app.application("Back office");
    let gateway = app.gateway("production");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let choose = [("section", "reporting")];
    let summary = walk_with(&mut ada, &app_id, "whole", &choose, &[]).await;
    summary.assert_shows("do everything in Reporting");
    let secret = ada.submit(&summary, "#wizard", &[("go", "create")]).await.text("#secret");
    let summary = walk(&mut ada, &app_id, "single", "reporting:read").await;
    let single = ada.submit(&summary, "#wizard", &[("go", "create")]).await.text("#secret");

    let later = |key: &str| serde_json::json!({ "key": key, "scopes": ["reporting:later"] });
    assert_eq!(app.verify(&gateway, later(&secret)).await["code"], "INSUFFICIENT_SCOPE");
    add_permission(&app, "reporting", "reporting:later");
    eventually_valid(&app, &gateway, &secret, "reporting:later").await;
    assert_eq!(app.verify(&gateway, later(&single)).await["code"], "INSUFFICIENT_SCOPE");
    let orders = serde_json::json!({ "key": secret, "scopes": ["orders:read"] });
    assert_eq!(app.verify(&gateway, orders).await["code"], "INSUFFICIENT_SCOPE");
}

#[actix_web::test]
async fn all_permissions_are_those_of_today_and_tomorrow() {
    let app = TestApp::start();
    let app_id = app.application("Back office");
    let gateway = app.gateway("production");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let choose = [("all_permissions", "yes")];
    let summary = walk_with(&mut ada, &app_id, "root", &choose, &[]).await;
    summary.assert_shows("do everything");
    let reveal = ada.submit(&summary, "#wizard", &[("go", "create")]).await;
    let secret = reveal.text("#secret");
    eventually_valid(&app, &gateway, &secret, "orders:read").await;
    add_permission(&app, "orders", "orders:later");
    eventually_valid(&app, &gateway, &secret, "orders:later").await;
    // It is a flag, not a long list.
    let page = ada.get(&format!("/keys/{}", reveal.text("#public-key"))).await;
    page.assert_shows("All permissions").assert_hides("orders:later");
}

#[actix_web::test]
async fn a_preset_may_begin_with_all_permissions_under_a_hint() {
    let app = TestApp::start_blank();
    app.preset("payments");
    let app_id = app.application("Shop");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let page = ada.get("/keys/new").await;
    let page = ada.follow(page).await;
    let page = ada.submit(&page, "#wizard", &[("name", "shop"), ("go", "next")]).await;
    let page = ada.follow(page).await;
    let place = [("application", app_id.as_str()), ("environment", "live"), ("go", "next")];
    let page = ada.submit(&page, "#wizard", &place).await;
    let page = ada.follow(page).await;
    assert_eq!(page.attribute("input[name=all_permissions]", "checked"), "");
    page.assert_shows("All permissions are on.").assert_shows("Narrow it");
}

#[actix_web::test]
async fn htmx_keeps_a_running_summary_beside_the_form() {
    let app = TestApp::start();
    let app_id = app.application("Back office");
    let ada = app.sign_in(&app.administrator("Ada")).await;
    let mut ada = ada.with_htmx("/keys/new");
    let draft = "018f2b8e-3f4a-4c55-9d1e-0a1b2c3d4e5f";
    let sketch = async |ada: &mut Browser, step, fields: &[(&str, &str)]| {
        let fields: Vec<_> =
            [("draft", draft), ("step", step)].into_iter().chain(fields.iter().copied()).collect();
        let page = ada.post("/keys/new/sketch", &fields).await;
        page.assert_status(200).assert_is_fragment();
        page
    };
    sketch(&mut ada, "name", &[("name", "")]).await.assert_shows("Nothing is chosen yet");
    sketch(&mut ada, "name", &[("name", "deploy bot")]).await.assert_shows("deploy bot");
    let place = [("application", app_id.as_str()), ("environment", "production")];
    sketch(&mut ada, "environment", &place).await.assert_shows("in Production");
    let page =
        sketch(&mut ada, "permissions", &[("section", "orders"), ("permission", "reporting:read")])
            .await;
    page.assert_shows("do everything in Orders").assert_shows("read reports");
    let limits = [("limit_minute", "5"), ("limit_day", "500"), ("expires", "never")];
    let page = sketch(&mut ada, "limits", &limits).await;
    page.assert_shows("at most 5 times a minute and 500 times a day");
    let restrictions = [
        ("expires", "never"),
        ("customers", "cus_1\ncus_2"),
        ("allowed_ips", "10.0.0.7/8"),
        ("excluded_ips", "10.1.0.0/16"),
        ("allowed_origins", "https://shop.example/"),
    ];
    let page = sketch(&mut ada, "limits", &restrictions).await;
    page.assert_shows("as often as it likes").assert_shows("Only for cus_1 and cus_2");
    page.assert_shows("Only from 10.0.0.0/8, but not 10.1.0.0/16");
    page.assert_shows("only on https://shop.example");
}

#[actix_web::test]
async fn no_field_names_another_owner() {
    let app = TestApp::start();
    let app_id = app.application("Back office");
    let ada = app.administrator("Ada");
    let mut mia = app.sign_in(&app.manager_with_access("Mia")).await;
    let summary = walk(&mut mia, &app_id, "deploy bot", "reporting:read").await;
    let owner = ada.id.to_string();
    let refused = mia.submit(&summary, "#wizard", &[("go", "create"), ("owner_id", &owner)]).await;
    refused.assert_status(400).assert_is_page();
    assert_eq!(app.db(|conn| keys::table.count().get_result::<i64>(conn).unwrap()), 0);
}

#[actix_web::test]
async fn access_that_is_withdrawn_while_the_form_is_open_makes_no_key() {
    let app = TestApp::start();
    let app_id = app.application("Back office");
    let user = app.manager_with_access("Mia");
    let mut mia = app.sign_in(&user).await;
    let summary = walk(&mut mia, &app_id, "deploy bot", "reporting:read").await;
    app.withdraw(&user);
    // Its addresses answer 404 to somebody without access, also to somebody who had it a moment ago.
    mia.submit(&summary, "#wizard", &[("go", "create")]).await.assert_status(404);
    assert_eq!(app.db(|conn| keys::table.count().get_result::<i64>(conn).unwrap()), 0);
}

#[actix_web::test]
async fn no_key_is_made_when_the_trail_cannot_be_written() {
    let app = TestApp::start();
    let app_id = app.application("Back office");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let summary = walk(&mut ada, &app_id, "deploy bot", "reporting:read").await;
    break_the_trail(&app);
    let before = stored(&app);
    let failed = ada.submit(&summary, "#wizard", &[("go", "create")]).await;
    failed.assert_status(500).assert_is_page().assert_hides("prod_sk_");
    assert_eq!(stored(&app), before);
    // The draft is not used up: once the trail is back, the same page makes the key.
    run(&app, "drop trigger audit_events_full on audit_events");
    ada.submit(&summary, "#wizard", &[("go", "create")]).await.assert_status(200);
}

#[actix_web::test]
async fn what_was_being_typed_does_not_overwrite_what_was_continued_with() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let page = ada.get("/keys/new").await;
    let page = ada.follow(page).await;
    let (_, typing) = page.form("#wizard", &[("name", "deploy b")]);
    let typing: Vec<(&str, &str)> =
        typing.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();

    ada.post("/keys/new/sketch", &typing).await.assert_status(200).assert_shows("deploy b");
    let next = ada.submit(&page, "#wizard", &[("name", "deploy bot"), ("go", "next")]).await;
    let next = ada.follow(next).await;
    ada.post("/keys/new/sketch", &typing).await.assert_status(200);
    let back = ada.submit(&next, "#wizard", &[("go", "back")]).await;
    let back = ada.follow(back).await;
    assert_eq!(back.attribute("#name", "value"), "deploy bot");
}
