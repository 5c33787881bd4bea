//! The end of a key.

use futures_util::future::join;
use latchkey::settings::Policies;

use super::{NOBODYS, assert_same_answer, break_the_trail, statuses, stored, trail};
use crate::support::TestApp;

/// Lets managers revoke their own keys.
fn managers_may_revoke(app: &TestApp) {
    let policies = Policies {
        managers_may_revoke: true,
        managers_may_regenerate: true,
        new_key_all_permissions: false,
        default_lifetime_days: 90,
    };
    app.operator(|conn, operator| latchkey::settings::update_policies(conn, operator, policies));
}

#[actix_web::test]
async fn a_revoked_key_is_refused_before_its_page_is_answered() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let gateway = app.gateway("production");
    let mut ada = app.sign_in(&ada).await;
    assert_eq!(app.code(&gateway, &key.secret).await, "VALID");

    let question = ada.get(&format!("{}/confirm/revoke", key.page())).await;
    question.assert_status(200).assert_is_page().assert_shows("Revoke deploy bot?");
    question.assert_shows("This is permanent").assert_shows("Revoke API Key");
    let done = ada
        .submit(&question, ".dialog form", &[("reason", "laptop stolen"), ("typed", "deploy bot")])
        .await;
    assert_eq!(app.code(&gateway, &key.secret).await, "REVOKED");
    done.assert_leads_to(&key.page());
    let page = ada.get(&key.page()).await;
    page.assert_status(200).assert_shows("deploy bot is revoked for good.");
    page.assert_shows("“laptop stolen”").assert_hides("/confirm/revoke").assert_hides("/edit");
}

#[actix_web::test]
async fn htmx_gets_the_row_and_a_toast() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut ada = app.sign_in(&ada).await.with_htmx("/keys");
    let dialog = ada.get(&format!("{}/confirm/revoke", key.page())).await;
    dialog.assert_status(200).assert_is_fragment().assert_shows("Revoke API Key");
    let row = ada.submit(&dialog, "form", &[]).await;
    row.assert_status(200).assert_is_fragment().assert_shows("Revoked");
    row.assert_shows("deploy bot is revoked for good.");
}

#[actix_web::test]
async fn revoking_twice_or_at_once_is_one_end_and_one_event() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut ada = app.sign_in(&ada).await;
    let address = format!("{}/revoke", key.page());
    let answers = ada.post_at_once(6, &address, &[("reason", "first")]).await;
    assert_eq!(statuses(&answers), [303; 6]);
    ada.post(&address, &[("reason", "second thoughts")]).await.assert_leads_to(&key.page());
    assert_eq!(trail(&app, key.public_key()), ["key.created", "key.revoked"]);
    ada.get(&key.page()).await.assert_shows("“first”").assert_hides("second thoughts");
}

#[actix_web::test]
async fn a_key_that_is_revoked_while_it_is_regenerated_has_no_working_secret() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let gateway = app.gateway("production");
    let browser = app.sign_in(&ada).await;
    for round in 0..6 {
        let key = app.key(&ada, &format!("race {round}"));
        let (mut one, mut other) = (browser.clone(), browser.clone());
        let (regenerate, revoke) =
            (format!("{}/regenerate", key.page()), format!("{}/revoke", key.page()));
        let (revealed, revoked) =
            join(one.post(&regenerate, &[("version", "1")]), other.post(&revoke, &[])).await;
        revoked.assert_leads_to(&key.page());
        match revealed.status() {
            200 => {
                let secret = revealed.text("#secret");
                assert_eq!(app.code(&gateway, &secret).await, "REVOKED");
            }
            status => assert_eq!(status, 409),
        }
        assert_eq!(app.code(&gateway, &key.secret).await, "REVOKED");
    }
}

#[actix_web::test]
async fn managers_revoke_their_own_keys_where_the_policy_allows_it() {
    let app = TestApp::start();
    let mia = app.manager_with_access("Mia");
    let key = app.key(&mia, "deploy bot");
    let others = app.key(&app.administrator("Ada"), "not hers");
    let mut mia = app.sign_in(&mia).await;
    let address = format!("{}/revoke", key.page());

    mia.get(&key.page()).await.assert_status(200).assert_hides("/confirm/revoke");
    mia.get(&format!("{}/confirm/revoke", key.page())).await.assert_status(403);
    let before = stored(&app);
    mia.post(&address, &[]).await.assert_status(403).assert_is_page();
    mia.with_htmx("/keys").post(&address, &[]).await.assert_status(403).assert_is_fragment();
    assert_eq!(stored(&app), before);

    managers_may_revoke(&app);
    mia.get(&key.page()).await.assert_shows("Revoke");
    let foreign = mia.post(&format!("{}/revoke", others.page()), &[]).await;
    let absent = mia.post(&format!("/keys/{NOBODYS}/revoke"), &[]).await;
    foreign.assert_status(404);
    assert_same_answer(&foreign, &absent);
    mia.post(&address, &[]).await.assert_leads_to(&key.page());
    assert_eq!(trail(&app, key.public_key()), ["key.created", "key.revoked"]);
    assert_eq!(trail(&app, others.public_key()), ["key.created"]);
}

#[actix_web::test]
async fn a_reason_that_cannot_be_kept_is_asked_again() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut ada = app.sign_in(&ada).await;
    let address = format!("{}/revoke", key.page());
    for reason in ["x".repeat(201), "a\0b".into(), "a\u{202e}b".into(), "a\u{fffd}".into()] {
        let again = ada.post(&address, &[("reason", &reason)]).await;
        again.assert_status(422).assert_is_page().assert_shows("Reason must be at most 200");
        let dialog = ada.with_htmx("/keys").post(&address, &[("reason", &reason)]).await;
        dialog.assert_status(422).assert_is_fragment().assert_shows("Reason must be at most 200");
        assert_eq!(dialog.header("hx-retarget"), "#dialogs");
    }
    assert_eq!(trail(&app, key.public_key()), ["key.created"]);
    ada.post(&address, &[("reason", "<b>x</b> & 'y'")]).await.assert_status(303);
    ada.get(&key.page()).await.assert_shows("“<b>x</b> & 'y'”");
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
    ada.post(&format!("{}/revoke", key.page()), &[]).await.assert_status(500);
    assert_eq!(stored(&app), before);
    assert_eq!(app.code(&gateway, &key.secret).await, "VALID");
}
