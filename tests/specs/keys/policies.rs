//! How long a key may live: what is suggested, what an environment allows, and what ends soon.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use latchkey::{environments, schema::keys};

use super::{creating::walk_with, expire, run, searching::names};
use crate::support::{Browser, Page, TestApp};

const READ: [(&str, &str); 1] = [("permission", "reporting:read")];

/// Production allows so many days and not never.
fn allow_at_most(app: &TestApp, days: i64) {
    run(
        app,
        &format!(
            "update environments set longest_days = {days}, allows_never = false where slug = 'production'"
        ),
    );
}

fn day(days: i64) -> String {
    (Utc::now() + TimeDelta::days(days)).format("%Y-%m-%d").to_string()
}

fn end_of(app: &TestApp, public_key: &str) -> Option<DateTime<Utc>> {
    app.db(|conn| {
        keys::table.filter(keys::public_key.eq(public_key)).select(keys::expires_at).first(conn)
    })
    .unwrap()
}

/// The wizard's step about limits, for a key in production.
async fn limits_step(browser: &mut Browser, app_id: &str) -> Page {
    let summary = walk_with(browser, app_id, "deploy bot", &READ, &[]).await;
    let answer = browser.submit(&summary, "#wizard", &[("go", "limits")]).await;
    browser.follow(answer).await
}

#[actix_web::test]
async fn the_suggested_lifetime_is_a_policy() {
    let app = TestApp::start();
    let app_id = app.application("Back office");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let chosen = "input[name=expires][checked]";
    assert_eq!(limits_step(&mut ada, &app_id).await.attribute(chosen, "value"), "90");

    let page = ada.get("/settings").await;
    let form = "form[action='/settings']";
    assert_eq!(page.attribute("#default_lifetime_days", "value"), "90");
    for wrong in ["", "0", "-1", "3651", "1.5", "1e2", "٩٠", "ninety", "\0", "99999999999"] {
        let fields = [("default_lifetime_days", wrong), ("managers_may_revoke", "yes")];
        let again = ada.submit(&page, form, &fields).await;
        again.assert_status(422).assert_is_page();
        again.assert_shows("Give a whole number of days from 1 to 3650.");
        again.attribute("input[name=managers_may_revoke]", "checked");
    }
    ada.submit(&page, form, &[("default_lifetime_days", "45")]).await.assert_leads_to("/settings");
    assert_eq!(ada.get("/settings").await.attribute("#default_lifetime_days", "value"), "45");
    let step = limits_step(&mut ada, &app_id).await;
    assert_eq!(step.attribute(chosen, "value"), "45");
    step.assert_shows("45 days");
}

#[actix_web::test]
async fn what_an_environment_allows_is_said_beside_the_field_and_kept_to() {
    let app = TestApp::start();
    let app_id = app.application("Back office");
    allow_at_most(&app, 60);
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let step = limits_step(&mut ada, &app_id).await;
    step.assert_shows("Production: at most 60 days; never is not allowed.");
    // The ninety days that are suggested became what is allowed.
    assert_eq!(step.attribute("input[name=expires][checked]", "value"), "60");
    assert_eq!(step.all("input[name=expires][value='365']").len(), 0);
    step.attribute("input[name=expires][value=never]", "disabled");

    let beyond = day(61);
    for (fields, sentence) in [
        (vec![("expires", "never")], "Production takes no keys that never expire."),
        (vec![("expires", "90")], "Choose when the key expires."),
        (
            vec![("expires", "date"), ("expires_on", beyond.as_str())],
            "Production takes keys for at most 60 days.",
        ),
    ] {
        let filled_in: Vec<_> = fields.iter().copied().chain([("go", "next")]).collect();
        let again = ada.submit(&step, "#wizard", &filled_in).await;
        again.assert_status(422).assert_is_page().assert_shows(sentence);
        assert_eq!(again.attribute("#expires_on", "aria-invalid"), "true");
    }
    let last = day(60);
    let fields = [("expires", "date"), ("expires_on", last.as_str()), ("go", "next")];
    let summary = ada.submit(&step, "#wizard", &fields).await;
    let summary = ada.follow(summary).await;
    ada.submit(&summary, "#wizard", &[("go", "create")]).await.assert_status(200);
}

#[actix_web::test]
async fn a_policy_that_comes_while_the_form_is_open_counts() {
    let app = TestApp::start();
    let app_id = app.application("Back office");
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "old");
    let mut ada = app.sign_in(&ada).await;
    let summary = walk_with(&mut ada, &app_id, "new", &READ, &[("expires", "365")]).await;
    let edit = ada.get(&format!("{}/edit", key.page())).await;
    allow_at_most(&app, 60);
    let again = ada.submit(&summary, "#wizard", &[("go", "create")]).await;
    again.assert_status(422).assert_is_page().assert_shows("Choose when the key expires.");
    let again = ada.submit(&edit, "main form", &[("expires", "365")]).await;
    again.assert_status(422).assert_is_page().assert_shows("Choose when the key expires.");
    assert_eq!(end_of(&app, key.public_key()), None);
}

#[actix_web::test]
async fn a_policy_that_is_being_changed_is_waited_for() {
    let app = TestApp::start();
    let (application, environment) = {
        let key = app.key_with(None, "template", |_| {});
        (key.key.application_id, key.key.environment_id)
    };
    let mut other = app.database.connect();
    use diesel::connection::SimpleConnection;
    other
        .batch_execute(
            "begin; update environments set longest_days = 60, allows_never = false where slug = 'production'",
        )
        .unwrap();
    let url = app.database.url.clone();
    let permissions = app.permissions(&["reporting:read"]);
    let creating = std::thread::spawn(move || {
        use diesel::Connection;
        let mut conn = PgConnection::establish(&url).unwrap();
        conn.batch_execute("set application_name = 'creates'").unwrap();
        conn.transaction(|conn| {
            let new = latchkey::keys::NewKey {
                name: "too long".into(),
                note: String::new(),
                application_id: application,
                environment_id: environment,
                owner_id: None,
                permissions,
                limits: Vec::new(),
                expires_at: None,
                customers: Vec::new(),
                allowed_ips: Vec::new(),
                excluded_ips: Vec::new(),
                allowed_origins: Vec::new(),
            };
            latchkey::keys::commands::create(conn, &latchkey::users::Viewer::operator(), &new)
        })
        .map(drop)
        .map_err(|error| error.to_string())
    });
    // It waits for whoever changes the policy, and then obeys.
    let waits = "select count(*) from pg_stat_activity where application_name = 'creates' and wait_event_type = 'Lock'";
    let began = std::time::Instant::now();
    while app.db(|conn| {
        diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(&format!("({waits})")))
            .get_result::<i64>(conn)
            .unwrap()
    }) == 0
    {
        assert!(began.elapsed().as_secs() < 10, "it does not wait");
        std::thread::yield_now();
    }
    other.batch_execute("commit").unwrap();
    let refused = creating.join().unwrap().unwrap_err();
    assert!(refused.contains("takes no keys that never expire"), "{refused}");
}

#[actix_web::test]
async fn a_key_beyond_a_newer_policy_keeps_its_end_until_that_is_touched() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let never = app.key(&ada, "never");
    let year = app.key_with(Some(&ada), "year", |new| {
        new.expires_at = Some(Utc::now() + TimeDelta::days(365));
    });
    let end = end_of(&app, year.public_key());
    allow_at_most(&app, 60);
    let mut ada = app.sign_in(&ada).await;
    for key in [&never, &year] {
        let form = ada.get(&format!("{}/edit", key.page())).await;
        form.assert_shows("Production: at most 60 days; never is not allowed.");
        form.assert_shows("This key may go on longer, until its expiry is changed.");
        ada.submit(&form, "main form", &[("note", "seen")]).await.assert_leads_to(&key.page());
    }
    assert_eq!(end_of(&app, never.public_key()), None);
    assert_eq!(end_of(&app, year.public_key()), end);
    // Shorter, but still longer than allowed.
    let form = ada.get(&format!("{}/edit", year.page())).await;
    let fields = [("expires", "date"), ("expires_on", &day(200))];
    ada.submit(&form, "main form", &fields.map(|(name, value)| (name, value as &str)))
        .await
        .assert_status(422)
        .assert_shows("Production takes keys for at most 60 days.");
    ada.submit(&form, "main form", &[("expires", "never")])
        .await
        .assert_status(422)
        .assert_shows("Production takes no keys that never expire.");
    ada.submit(&form, "main form", &[("expires", "30")]).await.assert_status(303);
}

#[actix_web::test]
async fn bringing_an_expired_key_back_obeys_the_policy() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    expire(&app, key.public_key());
    allow_at_most(&app, 60);
    let mut ada = app.sign_in(&ada).await;
    let form = ada.get(&format!("{}/edit", key.page())).await;
    let beyond = day(61);
    let fields = [("expires", "date"), ("expires_on", beyond.as_str()), ("revive", "yes")];
    ada.submit(&form, "main form", &fields).await.assert_status(422);
    let fields = [("expires", "30"), ("revive", "yes")];
    ada.submit(&form, "main form", &fields).await.assert_status(303);
}

#[actix_web::test]
async fn no_command_makes_a_key_that_lives_too_long() {
    let app = TestApp::start();
    allow_at_most(&app, 60);
    let environment = app.db(|conn| environments::find_by_slug(conn, "production")).unwrap();
    assert_eq!(environment.unwrap().longest_days, Some(60));
    let ends = Utc::now() + TimeDelta::days(60);
    app.key_with(None, "fits", |new| new.expires_at = Some(ends));
    let sandbox = app.environment("sandbox");
    app.key_with(None, "elsewhere", |new| new.environment_id = sandbox);
    let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        app.key_with(None, "too long", |new| new.expires_at = Some(ends + TimeDelta::days(2)))
    }));
    assert!(refused.is_err());
}

#[actix_web::test]
async fn what_ends_soon_is_counted_above_the_list_and_can_be_looked_at() {
    let app = TestApp::start();
    let (ada, mia) = (app.administrator("Ada"), app.manager_with_access("Mia"));
    let mut adas = app.sign_in(&ada).await;
    adas.get("/keys").await.assert_hides("within 14 days</p>");
    let ends = |days| Some(Utc::now() + TimeDelta::days(days));
    app.key(&ada, "never");
    app.key_with(Some(&ada), "later", |new| new.expires_at = ends(15));
    app.key_with(Some(&ada), "soon", |new| new.expires_at = ends(13));
    let disabled = app.key_with(Some(&ada), "disabled", |new| new.expires_at = ends(5));
    adas.post(&format!("{}/disable", disabled.page()), &[]).await.assert_status(303);
    let revoked = app.key_with(Some(&ada), "revoked", |new| new.expires_at = ends(5));
    adas.post(&format!("{}/revoke", revoked.page()), &[]).await.assert_status(303);
    let expired = app.key_with(Some(&ada), "expired", |new| new.expires_at = ends(5));
    expire(&app, expired.public_key());
    for address in ["/keys", "/"] {
        adas.get(address).await.assert_shows("1 key expires within 14 days");
    }
    app.key_with(Some(&mia), "hers", |new| new.expires_at = ends(1));
    for address in ["/keys", "/"] {
        adas.get(address).await.assert_shows("2 keys expire within 14 days");
    }
    // The notice leads to exactly those.
    let page = adas.get("/keys").await;
    let link = page.attribute(".notice a", "href");
    let page = adas.get(&link).await;
    assert_eq!(names(&page), ["hers", "soon"]);
    assert_eq!(page.attribute("#expiring option[selected]", "value"), "soon");
    page.assert_hides("2 keys expire");
    assert_eq!(names(&adas.get("/keys?expiring=soon").await), ["hers", "disabled", "soon"]);
    adas.get("/keys?expiring=14").await.assert_status(400);

    // Everybody counts what they see.
    let mut mias = app.sign_in(&mia).await;
    mias.get("/keys").await.assert_shows("1 key expires within 14 days");
    assert_eq!(names(&mias.get("/keys?expiring=soon").await), ["hers"]);
    let mut tom = app.sign_in(&app.manager("Tom")).await;
    tom.get("/").await.assert_hides("expires within");
}
