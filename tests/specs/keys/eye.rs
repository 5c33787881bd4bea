//! Seeing a secret again: where the application asked for it, after the password, for a moment.

use diesel::prelude::*;
use latchkey::{changes::Change, schema::key_secrets};

use super::{run, stored, trail};
use crate::support::{Browser, PASSWORD, Page, TestApp, database::SpecDatabase};

const VAULT: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const OTHER_VAULT: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

/// A server with a vault, and an application.
fn start(settings: &[(&str, &str)]) -> (TestApp, String) {
    let app = TestApp::start_with(settings);
    app.preset("marketplace");
    let app_id = app.application("Storefront");
    (app, app_id)
}

async fn switch_on(ada: &mut Browser, app_id: &str) {
    let question = ada.get(&format!("/applications/{app_id}/confirm/keep-secrets")).await;
    let answer = ada.submit(&question, ".dialog form", &[]).await;
    answer.assert_leads_to(&format!("/applications/{app_id}"));
}

/// Regenerates a key: its new secret is kept where that is wanted.
async fn regenerate(ada: &mut Browser, page: &str) -> String {
    let question = ada.get(&format!("{page}/confirm/regenerate")).await;
    ada.submit(&question, ".dialog form", &[]).await.text("#secret")
}

async fn look(ada: &mut Browser, page: &str, password: &str) -> Page {
    let question = ada.get(&format!("{page}/confirm/reveal")).await;
    let _ = question.assert_status(200);
    ada.post(&format!("{page}/reveal"), &[("password", password)]).await
}

fn sealed(app: &TestApp) -> i64 {
    app.db(|conn| {
        key_secrets::table
            .filter(key_secrets::sealed.is_not_null())
            .count()
            .get_result(conn)
            .unwrap()
    })
}

#[actix_web::test]
async fn a_kept_secret_is_shown_after_the_password_and_that_is_written_down() {
    let (app, app_id) = start(&[("LATCHKEY_VAULT_KEY", VAULT)]);
    let user = app.administrator("Ada");
    let key = app.key(&user, "deploy bot");
    let mut ada = app.sign_in(&user).await;
    ada.get(&format!("/applications/{app_id}")).await.assert_shows("Switch on");
    switch_on(&mut ada, &app_id).await;

    // Not retroactive.
    let before = ada.get(&format!("{}/confirm/reveal", key.page())).await;
    before
        .assert_shows("cannot be shown")
        .assert_shows("made before")
        .assert_shows(key.public_key());
    look(&mut ada, &key.page(), PASSWORD).await.assert_status(409).assert_hides(&key.secret);

    let secret = regenerate(&mut ada, &key.page()).await;
    let question = ada.get(&format!("{}/confirm/reveal", key.page())).await;
    question
        .assert_is_page()
        .assert_shows("Show the secret of deploy bot again?")
        .assert_hides(&secret);
    ada.with_htmx("/keys")
        .get(&format!("{}/confirm/reveal", key.page()))
        .await
        .assert_is_fragment()
        .assert_hides(&secret);
    let shown = ada.submit(&question, ".dialog form", &[("password", PASSWORD)]).await;
    shown.assert_status(200).assert_is_page();
    assert_eq!(shown.text("#secret"), secret);
    assert_eq!(shown.header("cache-control"), "no-store");
    assert_eq!(shown.header("content-encoding"), "identity");
    assert_eq!(shown.attribute("dialog", "data-hides"), "30");
    assert_eq!(trail(&app, key.public_key()).last().unwrap(), "key.revealed");
    ada.get(&key.page()).await.assert_shows("looked at the secret again").assert_hides(&secret);
    assert!(!stored(&app).contains(&secret[8..24]));
    ada.get(&format!("/applications/{app_id}")).await.assert_shows("One can be shown today");
}

#[actix_web::test]
async fn the_password_is_asked_for_and_good_for_a_few_minutes_of_this_session() {
    let (app, app_id) = start(&[("LATCHKEY_VAULT_KEY", VAULT)]);
    let user = app.administrator("Ada");
    let key = app.key(&user, "deploy bot");
    let mut ada = app.sign_in(&user).await;
    switch_on(&mut ada, &app_id).await;
    let secret = regenerate(&mut ada, &key.page()).await;
    for (password, sentence) in
        [("", "Enter your password"), ("wrong", "That is not your password")]
    {
        let refused = look(&mut ada, &key.page(), password).await;
        refused.assert_status(422).assert_is_page().assert_shows(sentence).assert_hides(&secret);
    }
    assert!(!trail(&app, key.public_key()).contains(&"key.revealed".to_owned()));
    look(&mut ada, &key.page(), PASSWORD).await.assert_status(200).assert_shows(&secret);
    let question = ada.get(&format!("{}/confirm/reveal", key.page())).await;
    assert!(question.all("#password").is_empty());
    look(&mut ada, &key.page(), "").await.assert_status(200).assert_shows(&secret);
    // A wrong one takes it back, another session begins without it, and it does not last.
    look(&mut ada, &key.page(), "wrong").await.assert_status(422);
    look(&mut ada, &key.page(), "").await.assert_status(422);
    look(&mut ada, &key.page(), PASSWORD).await.assert_status(200);
    let mut again = app.sign_in(&user).await;
    look(&mut again, &key.page(), "").await.assert_status(422).assert_hides(&secret);
    run(
        &app,
        "update sessions set state = jsonb_set(state, '{password_confirmed_at}', to_jsonb((extract(epoch from now())::bigint - 301)::text)) where state ? 'password_confirmed_at'",
    );
    look(&mut ada, &key.page(), "").await.assert_status(422).assert_hides(&secret);
}

#[actix_web::test]
async fn every_way_of_making_a_secret_keeps_it() {
    let (app, app_id) = start(&[("LATCHKEY_VAULT_KEY", VAULT)]);
    let user = app.administrator("Ada");
    let mut ada = app.sign_in(&user).await;
    switch_on(&mut ada, &app_id).await;
    let summary = super::creating::walk(&mut ada, &app_id, "created", "reporting:read").await;
    let created = ada.submit(&summary, "#wizard", &[("go", "create")]).await;
    let (secret, page) = (created.text("#secret"), created.attribute("[data-reveal]", "data-done"));
    look(&mut ada, &page, PASSWORD).await.assert_status(200).assert_shows(&secret);

    let secret = regenerate(&mut ada, &page).await;
    assert_eq!(sealed(&app), 1, "what was kept of the old one is gone");
    look(&mut ada, &page, "").await.assert_shows(&secret);

    let address = format!("/applications/{app_id}/confirm/reset?environment=production");
    let question = ada.get(&address).await;
    let done = ada.submit(&question, "form.form", &[("password", PASSWORD)]).await;
    let secret = done.text("[data-each]");
    assert_eq!(sealed(&app), 1);
    look(&mut ada, &page, "").await.assert_shows(&secret);
}

#[actix_web::test]
async fn switching_it_off_erases_what_was_kept() {
    let (app, app_id) = start(&[("LATCHKEY_VAULT_KEY", VAULT)]);
    let user = app.administrator("Ada");
    let key = app.key(&user, "deploy bot");
    let gateway = app.gateway("production");
    let mut ada = app.sign_in(&user).await;
    switch_on(&mut ada, &app_id).await;
    let secret = regenerate(&mut ada, &key.page()).await;
    assert_eq!(sealed(&app), 1);
    let question = ada.get(&format!("/applications/{app_id}/confirm/erase-secrets")).await;
    question.assert_shows("One secret is erased");
    ada.submit(&question, ".dialog form", &[]).await.assert_status(303);
    assert_eq!(sealed(&app), 0);
    look(&mut ada, &key.page(), PASSWORD).await.assert_status(409).assert_hides(&secret);
    assert_eq!(app.code(&gateway, &secret).await, "VALID");
    switch_on(&mut ada, &app_id).await;
    look(&mut ada, &key.page(), PASSWORD).await.assert_status(409).assert_hides(&secret);
    let events = app.db(|conn| latchkey::audit::recent_for(conn, &app_id, 10)).unwrap();
    let actions: Vec<&str> = events.iter().map(|event| event.action.as_str()).collect();
    let [kept, erased] = ["application.secrets_kept", "application.secrets_erased"];
    assert_eq!(actions[..3], [kept, erased, kept]);
}

#[actix_web::test]
async fn without_a_key_to_encrypt_with_it_cannot_be_switched_on() {
    let (app, app_id) = start(&[]);
    let user = app.administrator("Ada");
    let key = app.key(&user, "deploy bot");
    let mut ada = app.sign_in(&user).await;
    let page = ada.get(&format!("/applications/{app_id}")).await;
    page.assert_shows("LATCHKEY_VAULT_KEY is not set").assert_hides("Switch on<");
    ada.get(&format!("/applications/{app_id}/confirm/keep-secrets"))
        .await
        .assert_shows("cannot be kept yet");
    ada.post(&format!("/applications/{app_id}/keep-secrets"), &[]).await.assert_status(409);
    let eye = ada.get(&format!("{}/confirm/reveal", key.page())).await;
    eye.assert_shows(key.public_key()).assert_shows("Only a hash of the secret is stored");
    look(&mut ada, &key.page(), PASSWORD).await.assert_status(409);
}

#[actix_web::test]
async fn a_vault_key_that_is_gone_or_another_is_a_clear_sentence() {
    let database = SpecDatabase::create();
    let url = database.url.clone();
    let (app, app_id) = {
        let app = TestApp::on(database, &[("LATCHKEY_VAULT_KEY", VAULT)]);
        app.preset("marketplace");
        let app_id = app.application("Storefront");
        (app, app_id)
    };
    let user = app.administrator("Ada");
    let key = app.key(&user, "deploy bot");
    let mut ada = app.sign_in(&user).await;
    switch_on(&mut ada, &app_id).await;
    let secret = regenerate(&mut ada, &key.page()).await;

    let both = format!("{OTHER_VAULT},{VAULT}");
    for (vault, status, sentence) in [
        ("", 409, "LATCHKEY_VAULT_KEY is not set"),
        (OTHER_VAULT, 409, "encrypted under another LATCHKEY_VAULT_KEY"),
        (&*both, 200, ""),
    ] {
        let settings = [("DATABASE_URL", &*url), ("LATCHKEY_VAULT_KEY", vault)];
        let other = TestApp::on(SpecDatabase::create(), &settings);
        let mut ada = other.sign_in(&user).await;
        let shown = look(&mut ada, &key.page(), PASSWORD).await;
        shown.assert_status(status).assert_is_page().assert_shows(sentence);
        assert_eq!(shown.body().contains(&secret), status == 200);
    }
    run(&app, "update key_secrets set sealed = set_byte(sealed, 40, 1) where sealed is not null");
    run(&app, "update key_secrets set sealed = set_byte(sealed, 41, 2) where sealed is not null");
    app.forget(Change::Key(key.key.id));
    let broken = look(&mut ada, &key.page(), PASSWORD).await;
    broken.assert_status(409).assert_shows("damaged").assert_hides(&secret);
    assert!(!trail(&app, key.public_key()).is_empty());
}

#[actix_web::test]
async fn a_manager_is_told_why_and_shown_nothing() {
    let (app, app_id) = start(&[("LATCHKEY_VAULT_KEY", VAULT)]);
    let (ada, marek) = (app.administrator("Ada"), app.manager_with_access("Marek"));
    let (own, adas) = (app.key(&marek, "own"), app.key(&ada, "deploy bot"));
    let mut ada = app.sign_in(&ada).await;
    switch_on(&mut ada, &app_id).await;
    let secret = regenerate(&mut ada, &own.page()).await;
    let mut marek = app.sign_in(&marek).await;
    let eye = marek.get(&format!("{}/confirm/reveal", own.page())).await;
    eye.assert_status(200).assert_shows(own.public_key()).assert_shows("shown once");
    let fields = [("password", PASSWORD)];
    let refused = marek.post(&format!("{}/reveal", own.page()), &fields).await;
    refused.assert_status(403).assert_hides(&secret);
    marek.get(&format!("{}/confirm/reveal", adas.page())).await.assert_status(404);
    marek.post(&format!("{}/reveal", adas.page()), &fields).await.assert_status(404);
    for act in ["keep-secrets", "erase-secrets"] {
        marek.get(&format!("/applications/{app_id}/confirm/{act}")).await.assert_status(403);
        marek.post(&format!("/applications/{app_id}/{act}"), &[]).await.assert_status(403);
    }
    ada.get(&format!("{}/reveal", own.page())).await.assert_status(405);
}
