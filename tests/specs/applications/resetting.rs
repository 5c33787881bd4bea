//! All active keys of an application and environment get new secrets at once.

use diesel::prelude::*;
use latchkey::{audit, keys, schema::key_resets};
use uuid::Uuid;

use crate::support::{Browser, MadeKey, PASSWORD, Page, TestApp};

/// An application with two active keys in production, one that is not, and one elsewhere.
struct World {
    app: TestApp,
    app_id: String,
    ada: Browser,
    active: [MadeKey; 2],
    disabled: MadeKey,
    elsewhere: MadeKey,
}

impl World {
    async fn start() -> Self {
        let app = TestApp::start();
        let user = app.administrator("Ada");
        let marek = app.manager_with_access("Marek");
        let sandbox = app.environment("sandbox");
        let active = [app.key(&user, "deploy bot"), app.key(&marek, "=cmd|'/c calc'!A1")];
        let disabled = app.key(&user, "asleep");
        let elsewhere = app.key_with(Some(&user), "elsewhere", |new| new.environment_id = sandbox);
        app.operator(|conn, operator| {
            keys::commands::disable(conn, operator, disabled.public_key())
        });
        let app_id = active[0].key.application.app_id.clone();
        let ada = app.sign_in(&user).await;
        Self { app, app_id, ada, active, disabled, elsewhere }
    }

    fn page(&self) -> String {
        format!("/applications/{}", self.app_id)
    }

    async fn question(&mut self) -> Page {
        self.ada.get(&format!("{}/confirm/reset?environment=production", self.page())).await
    }
}

fn resets(app: &TestApp) -> i64 {
    app.db(|conn| key_resets::table.count().get_result(conn).unwrap())
}

#[actix_web::test]
async fn old_secrets_die_together_and_the_new_ones_are_shown_once_together() {
    let mut world = World::start().await;
    let page = world.ada.get(&world.page()).await;
    page.assert_shows("Reset all keys")
        .assert_shows("2 active keys")
        .assert_shows("one active key");
    let question = world.question().await;
    question.assert_status(200).assert_is_page().assert_shows("deploy bot").assert_shows("Marek");
    question
        .assert_shows("2 keys get new secrets")
        .assert_hides("asleep")
        .assert_hides("elsewhere");

    let done = world.ada.submit(&question, "form.form", &[("password", PASSWORD)]).await;
    done.assert_status(200).assert_is_page().assert_shows("2 keys of Storefront have new secrets");
    assert_eq!(done.header("cache-control"), "no-store");
    assert_eq!(done.header("content-encoding"), "identity");
    let secrets = done.all("[data-each]");
    assert_eq!(secrets.len(), 2);
    let (app, gateway) = (&world.app, world.app.gateway("production"));
    for secret in &secrets {
        assert_eq!(app.code(&gateway, secret).await, "VALID");
        assert!(done.text("#env").contains(&format!("={secret}")));
        assert!(done.text("#csv").contains(secret));
    }
    for key in &world.active {
        assert_eq!(app.code(&gateway, &key.secret).await, "SECRET_REPLACED");
    }
    assert_eq!(app.code(&gateway, &world.disabled.secret).await, "DISABLED");
    let sandbox = app.gateway("sandbox");
    assert_eq!(app.code(&sandbox, &world.elsewhere.secret).await, "VALID");
    assert!(done.text("#env").contains("DEPLOY_BOT="), "{}", done.text("#env"));
    assert!(done.text("#csv").contains("\"'=cmd|'/c calc'!A1\""), "{}", done.text("#csv"));

    for page in [world.page(), world.active[0].page(), "/keys".into()] {
        let page = world.ada.get(&page).await;
        for secret in &secrets {
            page.assert_hides(secret);
        }
    }
    world.ada.get(&world.active[0].page()).await.assert_shows("with all keys of the application");
    let events = world.app.db(|conn| audit::recent_for(conn, &world.app_id, 10)).unwrap();
    assert_eq!(events[0].action, "application.keys_reset");
    assert_eq!(events[0].details["keys"], 2);
}

#[actix_web::test]
async fn an_overlap_under_way_ends_too() {
    let mut world = World::start().await;
    let fields = [("version", "1"), ("overlap", "7d")];
    let key = world.active[0].page();
    let second = world.ada.post(&format!("{key}/regenerate"), &fields).await.text("#secret");
    let question = world.question().await;
    let done = world.ada.submit(&question, "form.form", &[("password", PASSWORD)]).await;
    done.assert_status(200);
    let gateway = world.app.gateway("production");
    for old in [&second, &world.active[0].secret] {
        assert_eq!(world.app.code(&gateway, old).await, "SECRET_REPLACED");
    }
}

#[actix_web::test]
async fn a_form_resets_once_however_often_it_is_sent() {
    let mut world = World::start().await;
    let question = world.question().await;
    let (address, fields) = question.form("form.form", &[("password", PASSWORD)]);
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let answers = world.ada.post_at_once(5, &address, &fields).await;
    let mut statuses: Vec<u16> = answers.iter().map(Page::status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409, 409]);
    let revealed: Vec<String> =
        answers.iter().flat_map(|answer| answer.all("[data-each]")).collect();
    assert_eq!(revealed.len(), 2);
    let gateway = world.app.gateway("production");
    for secret in &revealed {
        assert_eq!(world.app.code(&gateway, secret).await, "VALID");
    }
    let again = world.ada.post(&address, &fields).await;
    again.assert_status(409).assert_is_page().assert_shows("reset with this form already");
    again.assert_hides("prod_sk_");
    assert_eq!(resets(&world.app), 1);
}

#[actix_web::test]
async fn a_wrong_password_resets_nothing_and_is_soon_made_to_wait() {
    let mut world = World::start().await;
    let question = world.question().await;
    for (password, sentence) in
        [("", "Enter your password"), ("wrong", "That is not your password")]
    {
        let refused = world.ada.submit(&question, "form.form", &[("password", password)]).await;
        refused
            .assert_status(422)
            .assert_is_page()
            .assert_shows(sentence)
            .assert_shows("deploy bot");
        let nonce = |page: &Page| page.attribute("input[name=nonce]", "value");
        assert_eq!(nonce(&refused), nonce(&question), "the form is kept");
        refused.assert_hides("value=\"wrong\"");
    }
    for _ in 0..9 {
        let refused = world.ada.submit(&question, "form.form", &[("password", "wrong")]).await;
        refused.assert_status(422);
    }
    let waits = world.ada.submit(&question, "form.form", &[("password", PASSWORD)]).await;
    waits.assert_status(429).assert_is_page();
    assert!(!waits.header("retry-after").is_empty());
    assert_eq!(resets(&world.app), 0);
    let gateway = world.app.gateway("production");
    assert_eq!(world.app.code(&gateway, &world.active[0].secret).await, "VALID");
}

#[actix_web::test]
async fn what_is_not_understood_resets_nothing() {
    let mut world = World::start().await;
    let address = format!("{}/reset", world.page());
    let nonce = Uuid::new_v4().to_string();
    let with = |environment, nonce| {
        [("environment", environment), ("password", PASSWORD), ("nonce", nonce)]
    };
    for (fields, status) in [
        (with("production", "x"), 400),
        (with("production", ""), 400),
        (with("nowhere", &nonce), 404),
        (with("", &nonce), 404),
        (with("production\u{0}", &nonce), 404),
    ] {
        world.ada.post(&address, &fields).await.assert_status(status).assert_is_page();
    }
    let extra = [&with("production", &nonce)[..], &[("owner", "1")]].concat();
    world.ada.post(&address, &extra).await.assert_status(400);
    world.ada.get(&address).await.assert_status(405);
    for environment in ["", "nowhere", "production%20", "%00"] {
        let page = format!("{}/confirm/reset?environment={environment}", world.page());
        world.ada.get(&page).await.assert_status(404);
    }
    let elsewhere = "/applications/app_0123456789abcdef/confirm/reset?environment=production";
    world.ada.get(elsewhere).await.assert_status(404);
    assert_eq!(resets(&world.app), 0);
}

#[actix_web::test]
async fn where_nothing_is_active_there_is_nothing_to_reset() {
    let app = TestApp::start();
    let app_id = app.application("Warehouse");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    ada.get(&format!("/applications/{app_id}")).await.assert_shows("nothing to reset");
    let address = format!("/applications/{app_id}/confirm/reset?environment=production");
    let page = ada.get(&address).await;
    page.assert_status(200).assert_is_page().assert_shows("No key is active here");
    assert!(page.all("form.form").is_empty());
    let nonce = Uuid::new_v4().to_string();
    let fields = [("environment", "production"), ("password", PASSWORD), ("nonce", &*nonce)];
    ada.post(&format!("/applications/{app_id}/reset"), &fields).await.assert_status(409);
    assert_eq!(resets(&app), 0);
}

#[actix_web::test]
async fn only_administrators_reset() {
    let mut world = World::start().await;
    let question = world.question().await;
    let mut lee = world.app.sign_in(&world.app.manager_with_access("Lee")).await;
    lee.get(&world.page()).await.assert_status(200).assert_hides("Reset all keys");
    let address = format!("{}/confirm/reset?environment=production", world.page());
    lee.get(&address).await.assert_status(403);
    lee.submit(&question, "form.form", &[("password", PASSWORD)]).await.assert_status(403);
    let mut tom = world.app.sign_in(&world.app.manager("Tom")).await;
    tom.get(&address).await.assert_status(404);
    tom.submit(&question, "form.form", &[("password", PASSWORD)]).await.assert_status(404);
    assert_eq!(resets(&world.app), 0);
}

#[actix_web::test]
async fn the_list_of_keys_leads_there_by_application_and_environment() {
    let app = TestApp::start();
    let (ada, marek) = (app.administrator("Ada"), app.manager_with_access("Marek"));
    app.key(&marek, "deploy bot");
    let mut ada = app.sign_in(&ada).await;
    let list = ada.get("/keys").await;
    assert_eq!(list.attribute("a[href*=reset]", "href"), "/keys/confirm/reset");
    let places = ada.get("/keys/confirm/reset").await;
    places.assert_status(200).assert_is_page().assert_shows("one active key");
    let address = places.attribute("a[href*=environment]", "href");
    ada.get(&address).await.assert_status(200).assert_shows("deploy bot");
    ada.post("/account/mode", &[("mode", "test"), ("next", "/")]).await.assert_leads_to("/");
    ada.get("/keys/confirm/reset").await.assert_shows("There is nothing to reset in Test mode");

    let mut marek = app.sign_in(&marek).await;
    assert!(marek.get("/keys").await.all("a[href*=reset]").is_empty());
    marek.get("/keys/confirm/reset").await.assert_status(403);
}
