//! A new secret, and nothing else new.

use super::{break_the_trail, expire, statuses, stored, trail};
use crate::support::TestApp;

#[actix_web::test]
async fn the_old_secret_is_dead_and_the_new_one_works_before_the_page_is_answered() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let gateway = app.gateway("production");
    let mut ada = app.sign_in(&ada).await;
    assert_eq!(app.code(&gateway, &key.secret).await, "VALID");

    let question = ada.get(&format!("{}/confirm/regenerate", key.page())).await;
    question.assert_status(200).assert_shows("The old secret stops working at once");
    let reveal = ada.submit(&question, ".dialog form", &[("typed", "deploy bot")]).await;
    let secret = reveal.text("#secret");
    assert_eq!(app.code(&gateway, &key.secret).await, "SECRET_REPLACED");
    assert_eq!(app.code(&gateway, &secret).await, "VALID");
    reveal.assert_status(200).assert_is_page().assert_shows("deploy bot has a new secret");
    reveal.assert_shows(key.public_key()).assert_hides(&key.secret);

    let page = ada.get(&key.page()).await;
    page.assert_status(200).assert_hides(&secret).assert_hides(&key.secret);
    page.assert_shows("regenerated the secret").assert_shows("stopped at once");
}

#[actix_web::test]
async fn of_ten_at_once_one_reveals_a_secret_and_it_works() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let gateway = app.gateway("production");
    let ada = app.sign_in(&ada).await;
    let answers =
        ada.post_at_once(10, &format!("{}/regenerate", key.page()), &[("version", "1")]).await;
    assert_eq!(statuses(&answers), [200, 409, 409, 409, 409, 409, 409, 409, 409, 409]);
    let revealed: Vec<String> = answers.iter().flat_map(|answer| answer.all("#secret")).collect();
    let [secret] = revealed.as_slice() else { panic!("{} secrets", revealed.len()) };
    assert_eq!(app.code(&gateway, secret).await, "VALID");
    assert_eq!(app.code(&gateway, &key.secret).await, "SECRET_REPLACED");
    assert_eq!(trail(&app, key.public_key()), ["key.created", "key.regenerated"]);
}

#[actix_web::test]
async fn sending_the_form_again_reveals_nothing() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut ada = app.sign_in(&ada).await;
    let address = format!("{}/regenerate", key.page());
    let secret = ada.post(&address, &[("version", "1")]).await.text("#secret");
    let again = ada.post(&address, &[("version", "1")]).await;
    again.assert_status(409).assert_is_page().assert_hides(&secret).assert_hides("prod_sk_");
    again.assert_shows("nothing was done now");
    ada.get(&address).await.assert_status(405).assert_hides(&secret);
}

#[actix_web::test]
async fn a_revoked_or_expired_key_gets_no_new_secret() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let (revoked, expired) = (app.key(&ada, "revoked"), app.key(&ada, "expired"));
    let mut ada = app.sign_in(&ada).await;
    ada.post(&format!("{}/revoke", revoked.page()), &[]).await.assert_status(303);
    expire(&app, expired.public_key());
    let before = stored(&app);
    for key in [&revoked, &expired] {
        let address = format!("{}/regenerate", key.page());
        ada.get(&format!("{}/confirm/regenerate", key.page())).await.assert_status(409);
        ada.post(&address, &[("version", "1")]).await.assert_status(409).assert_is_page();
        let toast = ada.with_htmx("/keys").post(&address, &[("version", "1")]).await;
        toast.assert_status(409).assert_is_fragment();
    }
    assert_eq!(stored(&app), before);
}

#[actix_web::test]
async fn a_disabled_key_stays_disabled() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let gateway = app.gateway("production");
    let mut ada = app.sign_in(&ada).await;
    ada.post(&format!("{}/disable", key.page()), &[]).await.assert_status(303);
    let question = ada.get(&format!("{}/confirm/regenerate", key.page())).await;
    let reveal = ada.submit(&question, ".dialog form", &[]).await;
    assert_eq!(app.code(&gateway, &reveal.text("#secret")).await, "DISABLED");
    assert_eq!(app.code(&gateway, &key.secret).await, "DISABLED");
}

#[actix_web::test]
async fn a_form_without_a_usable_version_is_not_understood() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut ada = app.sign_in(&ada).await;
    let address = format!("{}/regenerate", key.page());
    let before = stored(&app);
    for fields in [
        vec![],
        vec![("version", "")],
        vec![("version", "x")],
        vec![("version", "99999999999999")],
        vec![("version", "1"), ("overlaps", "1h")],
        vec![("version", "1"), ("overlap", "1h"), ("overlap", "1h")],
        vec![("version", "1"), ("version", "1")],
    ] {
        ada.post(&address, &fields).await.assert_status(400).assert_is_page();
    }
    ada.post(&address, &[("version", "-1")]).await.assert_status(409);
    assert_eq!(stored(&app), before);
}

#[actix_web::test]
async fn nothing_changes_when_the_trail_cannot_be_written() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let gateway = app.gateway("production");
    let mut ada = app.sign_in(&ada).await;
    break_the_trail(&app);
    let before = stored(&app);
    let answer = ada.post(&format!("{}/regenerate", key.page()), &[("version", "1")]).await;
    answer.assert_status(500).assert_hides("prod_sk_");
    assert_eq!(stored(&app), before);
    assert_eq!(app.code(&gateway, &key.secret).await, "VALID");
}

#[actix_web::test]
async fn where_the_policy_says_so_only_administrators_regenerate() {
    let app = TestApp::start();
    let mia = app.manager_with_access("Mia");
    let key = app.key(&mia, "deploy bot");
    let mut adas = app.sign_in(&app.administrator("Ada")).await;
    let mut mias = app.sign_in(&mia).await;
    mias.get(&key.page()).await.assert_shows("Regenerate");

    let page = adas.get("/settings").await;
    page.attribute("[name='managers_may_regenerate']", "checked");
    adas.post("/settings", &[("managers_may_revoke", "yes")]).await.assert_leads_to("/settings");
    let page = adas.get("/settings").await;
    assert!(page.all("[name='managers_may_regenerate'][checked]").is_empty());

    mias.get(&key.page()).await.assert_hides("Regenerate");
    mias.get("/keys").await.assert_hides("Regenerate");
    let address = format!("{}/regenerate", key.page());
    mias.post(&address, &[("version", "1")]).await.assert_status(403).assert_hides("prod_sk_");
    assert_eq!(app.code(&app.gateway("production"), &key.secret).await, "VALID");
    adas.post(&address, &[("version", "1")]).await.assert_status(200);
}
