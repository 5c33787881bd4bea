//! What becomes of the keys of somebody who loses API access.

use chrono::{TimeDelta, Utc};
use latchkey::{
    audit, keys,
    users::{User, Viewer},
};

use crate::support::{MadeKey, TestApp};

fn now(app: &TestApp, key: &MadeKey) -> keys::Key {
    app.db(|conn| keys::queries::find(conn, &Viewer::operator(), key.public_key())).unwrap()
}

fn trail(app: &TestApp, key: &MadeKey) -> Vec<String> {
    let events = app.db(|conn| audit::recent_for(conn, key.public_key(), 100)).unwrap();
    events.into_iter().rev().map(|event| event.action).collect()
}

fn address(user: &User) -> String {
    format!("/team/{}/withdraw", user.id)
}

#[actix_web::test]
async fn keys_move_to_somebody_else_in_the_same_breath() {
    let app = TestApp::start();
    let (mia, max) = (app.manager_with_access("Mia"), app.manager_with_access("Max"));
    let (one, other) = (app.key(&mia, "One"), app.key(&mia, "Other"));
    let gone = app.key(&mia, "Gone");
    app.operator(|conn, operator| keys::commands::revoke(conn, operator, gone.public_key(), None));
    let mut adas = app.sign_in(&app.administrator("Ada")).await;
    let page = adas.get(&format!("/team/{}/confirm/withdraw", mia.id)).await;
    page.assert_status(200).assert_is_page().assert_shows("2 live keys belong to Mia");
    page.assert_shows("never used").assert_hides("Gone");
    assert_eq!(page.text("#owner [selected]"), "Choose…");

    let to_max = [("keys", "transfer"), ("owner", &max.id.to_string())];
    adas.submit(&page, "dialog form", &to_max).await.assert_leads_to("/team");
    adas.get("/team").await.assert_shows("2 keys moved to Max.").assert_shows("withdrawn by Ada");
    for key in [&one, &other] {
        assert_eq!(now(&app, key).owner_id, Some(max.id));
        assert_eq!(trail(&app, key), ["key.created", "key.transferred"]);
    }
    assert_eq!(now(&app, &gone).owner_id, Some(mia.id), "what is over stays where it is");
    let mut maxs = app.sign_in(&max).await;
    maxs.get(&one.page()).await.assert_status(200).assert_shows("transferred it: Mia → Max");
    app.sign_in(&mia).await.get("/keys").await.assert_status(404);
    assert_eq!(app.code(&app.gateway("production"), &one.secret).await, "VALID");
}

#[actix_web::test]
async fn keys_expire_in_so_many_days_and_never_later_than_before() {
    let app = TestApp::start();
    let mia = app.manager_with_access("Mia");
    let soon = Utc::now() + TimeDelta::days(2);
    let short = app.key_with(Some(&mia), "Short", |new| new.expires_at = Some(soon));
    let long = app.key(&mia, "Long");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let fields = [("keys", "expire"), ("days", "14")];
    ada.post(&address(&mia), &fields).await.assert_leads_to("/team");
    ada.get("/team").await.assert_shows("One key will stop at the end of");
    let end = keys::end_in_days(Utc::now(), 14);
    assert_eq!(now(&app, &long).expires_at, Some(end));
    assert_eq!(now(&app, &short).expires_at, short.key.expires_at);
    assert_eq!(trail(&app, &long), ["key.created", "key.updated"]);
    assert_eq!(trail(&app, &short), ["key.created"]);
    let saved = ada.get(&long.page()).await;
    saved.assert_shows("updated the expiry").assert_shows("never →");
}

#[actix_web::test]
async fn keys_are_disabled_before_the_answer_or_left_as_they_are() {
    let app = TestApp::start();
    let (mia, max) = (app.manager_with_access("Mia"), app.manager_with_access("Max"));
    let (stopped, left) = (app.key(&mia, "Stopped"), app.key(&max, "Left"));
    let gateway = app.gateway("production");
    assert_eq!(app.code(&gateway, &stopped.secret).await, "VALID");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    ada.post(&address(&mia), &[("keys", "disable")]).await.assert_leads_to("/team");
    assert_eq!(app.code(&gateway, &stopped.secret).await, "DISABLED");
    assert_eq!(trail(&app, &stopped), ["key.created", "key.disabled"]);

    ada.post(&address(&max), &[("keys", "leave")]).await.assert_leads_to("/team");
    assert_eq!(trail(&app, &left), ["key.created"]);
    assert_eq!(now(&app, &left).owner_id, Some(max.id));
    // Whoever has lost it already can still be settled.
    ada.post(&address(&max), &[("keys", "transfer"), ("owner", "")]).await.assert_status(303);
    assert_eq!(now(&app, &left).owner_id, None);
}

#[actix_web::test]
async fn nothing_is_withdrawn_when_the_keys_cannot_go_where_they_should() {
    let app = TestApp::start();
    let mia = app.manager_with_access("Mia");
    let (never, narrow) = (app.manager("Noa"), app.manager("Nils"));
    app.grant_only(&narrow, &["sandbox"], app.section("reporting"));
    let full = app.manager_with_access("Fay");
    app.key(&mia, "Deploy bot");
    app.key(&full, "deploy  bot");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let page = ada.get(&format!("/team/{}/confirm/withdraw", mia.id)).await;
    page.attribute(&format!("#owner [value='{}']", narrow.id), "disabled");
    page.assert_shows("Nils (outside their API access)").assert_hides("Noa");
    let (never, narrow, full) = (never.id.to_string(), narrow.id.to_string(), full.id.to_string());
    let own = mia.id.to_string();
    for (fields, sentence) in [
        (&[("keys", "transfer"), ("owner", never.as_str())][..], "Noa has no API access."),
        (&[("keys", "transfer"), ("owner", &narrow)], "more than the API access of Nils covers"),
        (
            &[("keys", "transfer"), ("owner", &full)],
            "looks like Deploy bot in Storefront, Production",
        ),
        (&[("keys", "transfer"), ("owner", &own)], "Choose somebody else."),
        (&[("keys", "transfer"), ("owner", "4711")], "Choose somebody from the list."),
        (&[("keys", "transfer"), ("owner", "x")], "Choose who gets them."),
        (&[("keys", "transfer")], "Choose who gets them."),
        (&[("keys", "expire"), ("days", "0")], "from 1 to 365"),
        (&[("keys", "expire"), ("days", "366")], "from 1 to 365"),
        (&[("keys", "expire"), ("days", "soon")], "from 1 to 365"),
        (&[("keys", "burn")], "Choose what becomes of the keys."),
    ] {
        let page = ada.post(&address(&mia), fields).await;
        page.assert_status(422).assert_is_page().assert_shows(sentence);
        assert_eq!(page.all("#keys [name='keys']").len(), page.all("#keys [type='radio']").len());
    }
    ada.post(&address(&mia), &[("key", "x")]).await.assert_status(400);
    app.sign_in(&mia).await.get("/keys").await.assert_status(200);

    let mut htmx = ada.with_htmx("/team");
    let page = htmx.post(&address(&mia), &[("keys", "expire"), ("days", "0")]).await;
    page.assert_status(422).assert_is_fragment();
    assert_eq!(page.header("hx-retarget"), "#dialogs");
    page.attribute("#keys-expire", "checked");
}

#[actix_web::test]
async fn the_keys_of_an_administrator_are_nobodys_to_hand_over() {
    let app = TestApp::start();
    let (ada, ava) = (app.administrator("Ada"), app.administrator("Ava"));
    let key = app.key(&ava, "Hers");
    let mut ada = app.sign_in(&ada).await;
    ada.post(&address(&ava), &[("keys", "disable")]).await.assert_leads_to("/team");
    assert_eq!(trail(&app, &key), ["key.created"]);
}
