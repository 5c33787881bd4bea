//! Keys that nobody uses, and secrets that are old: stopped with a click, and let go on with another.

use chrono::{TimeDelta, Utc};
use latchkey::{audit, keys::queries, users::Viewer};

use super::{age, counts, names, rest, run, trail};
use crate::support::{MadeKey, TestApp};

const UNDO: &str = "form[action='/review/undo']";

fn form(key: &MadeKey, act: &str) -> String {
    format!("#review-{} form[action$='/{act}']", key.public_key())
}

fn now_of(app: &TestApp, key: &MadeKey) -> latchkey::keys::Key {
    app.db(|conn| queries::find(conn, &Viewer::operator(), key.public_key())).unwrap()
}

#[actix_web::test]
async fn each_group_has_its_keys_and_their_number() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let gateway = app.gateway("production");
    let (old, stopped, idle) =
        (app.key(&user, "old secret"), app.key(&user, "stopped"), app.key(&user, "idle"));
    age(&app, 300);
    let untouched = app.key(&user, "untouched");
    age(&app, 100);
    let _new = app.key(&user, "new");
    age(&app, 10);
    // Used, as gateways use keys; then time passes.
    for key in [&old, &idle, &stopped] {
        assert_eq!(app.code(&gateway, &key.secret).await, "VALID");
    }
    app.flush();
    rest(&app, &idle, 91);
    rest(&app, &stopped, 200);
    run(&app, &format!("update keys set disabled_at = now() where id = {}", stopped.key.id));
    run(&app, &format!("update key_secrets set created_at = now() where key_id = {}", idle.key.id));
    let mut ada = app.sign_in(&user).await;
    let unused = ada.get("/review?group=unused").await;
    assert_eq!(names(&unused), ["idle"]);
    assert_eq!(
        counts(&unused)[1..],
        ["Unused keys : 1", "Never used : 1", "Old secrets : 1"].map(String::from)
    );
    unused.assert_shows("no request in 7 days");
    assert_eq!(names(&ada.get("/review?group=never").await), ["untouched"]);
    let secrets = ada.get("/review?group=secrets").await;
    assert_eq!(names(&secrets), ["old secret"]);
    secrets.assert_shows("more than a year old").assert_shows("1 request in 7 days");
    let regenerate = secrets.attribute("tbody .table__acts a", "href");
    ada.get(&regenerate).await.assert_shows("Regenerate the secret of old secret?");
    let _ = untouched;

    // A new secret in place of the old one, and it is off the list; the age is the secret's, not the key's.
    let typed = [("version", "1"), ("typed", "old secret")];
    ada.post(&format!("{}/regenerate", old.page()), &typed).await.assert_status(200);
    let secrets = ada.get("/review?group=secrets").await;
    secrets.assert_shows("Nothing to do here").assert_shows("No secret is older than a year.");

    // The mode at the top of the page counts here too.
    ada.post("/account/mode", &[("mode", "test"), ("next", "/review")]).await.assert_status(303);
    let page = ada.get("/review?group=unused").await;
    page.assert_shows("Nothing to do here").assert_shows("Only keys of Test mode");
}

#[actix_web::test]
async fn a_disabled_key_is_refused_until_that_is_undone() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let gateway = app.gateway("production");
    let key = app.key(&user, "deploy bot");
    assert_eq!(app.code(&gateway, &key.secret).await, "VALID");
    app.flush();
    age(&app, 120);
    rest(&app, &key, 100);
    let mut ada = app.sign_in(&user).await;
    let page = ada.get("/review?group=unused").await;
    let done = ada.submit(&page, &form(&key, "disable"), &[]).await;
    done.assert_leads_to("/review?group=unused");
    assert_eq!(app.code(&gateway, &key.secret).await, "DISABLED");
    // A double click: the second one does nothing more and hides nothing of the first.
    let again = ada.submit(&page, &form(&key, "disable"), &[]).await;
    assert_eq!(trail(&app, &key), ["key.created", "key.disabled"]);
    let after = ada.follow(again).await;
    after.assert_shows("deploy bot is disabled.").assert_shows("Nothing to do here");
    let undone = ada.submit(&after, UNDO, &[]).await;
    undone.assert_leads_to("/review?group=unused");
    assert_eq!(app.code(&gateway, &key.secret).await, "VALID");
    assert_eq!(trail(&app, &key), ["key.created", "key.disabled", "key.enabled"]);
    ada.submit(&after, UNDO, &[]).await.assert_leads_to("/review?group=unused");
    assert_eq!(trail(&app, &key).len(), 3);
    // Disabled by somebody else since: their act stays.
    let _ = ada.post(&format!("{}/disable", key.page()), &[("typed", "deploy bot")]).await;
    ada.submit(&after, UNDO, &[]).await.assert_status(409);
    assert_eq!(app.code(&gateway, &key.secret).await, "DISABLED");
}

#[actix_web::test]
async fn what_was_used_a_moment_ago_is_asked_about_first() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let gateway = app.gateway("production");
    let key = app.key(&user, "deploy bot");
    age(&app, 120);
    let mut ada = app.sign_in(&user).await;
    let page = ada.get("/review?group=never").await;
    // The first request in its life comes after the page.
    assert_eq!(app.code(&gateway, &key.secret).await, "VALID");
    app.flush();
    let confirm = format!("{}/confirm/disable", key.page());
    let asked = ada.submit(&page, &form(&key, "disable"), &[]).await;
    asked.assert_leads_to(&confirm);
    let mut at_list = ada.with_htmx("/review");
    let asked = at_list.submit(&page, &form(&key, "disable"), &[]).await;
    assert_eq!(asked.header("hx-redirect"), confirm);
    assert_eq!(app.code(&gateway, &key.secret).await, "VALID");
    // Drawn again for somebody who looks at old secrets, say, it leads there in the first place.
    run(&app, "update keys set last_used_at = null");
    let page = ada.get("/review?group=never").await;
    assert_eq!(page.attribute("tbody .table__acts a", "href"), confirm);
}

#[actix_web::test]
async fn a_key_ends_in_two_weeks_unless_that_is_undone() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let gateway = app.gateway("production");
    let never = app.key(&user, "never ends");
    let far = Utc::now() + TimeDelta::days(200);
    let later = app.key_with(Some(&user), "ends later", |new| new.expires_at = Some(far));
    let soon = Utc::now() + TimeDelta::days(3);
    let ending = app.key_with(Some(&user), "ends soon", |new| new.expires_at = Some(soon));
    age(&app, 40);
    let mut ada = app.sign_in(&user).await;
    for key in [&never, &later] {
        let before = now_of(&app, key).expires_at;
        let page = ada.get("/review?group=never").await;
        assert!(page.all(&form(&ending, "expire")).is_empty(), "it ends before that");
        let done = ada.submit(&page, &form(key, "expire"), &[]).await;
        done.assert_leads_to("/review?group=never");
        let days = (now_of(&app, key).expires_at.unwrap() - Utc::now()).num_days();
        assert!((13..=14).contains(&days), "{days}");
        assert_eq!(app.code(&gateway, &key.secret).await, "VALID");
        app.flush();
        rest(&app, key, 1);
        run(&app, "update keys set last_used_at = null");
        let again = ada.submit(&page, &form(key, "expire"), &[]).await;
        let after = ada.follow(again).await;
        after.assert_shows("ends in 14 days. Until then it works.");
        assert!(after.all(&form(key, "expire")).is_empty(), "once is enough");
        ada.submit(&after, UNDO, &[]).await.assert_leads_to("/review?group=never");
        assert_eq!(now_of(&app, key).expires_at, before);
        assert_eq!(trail(&app, key), ["key.created", "key.updated", "key.updated"]);
    }
    let event = app.db(|conn| audit::recent_for(conn, later.public_key(), 1)).unwrap().remove(0);
    assert_eq!(event.actor, "Ada");
    assert!(event.details["expires_at"].is_array(), "{}", event.details);

    // Where nothing may last for ever any more, there is no way back to that, and none is offered.
    let page = ada.get("/review?group=never").await;
    run(&app, "update environments set allows_never = false");
    let done = ada.submit(&page, &form(&never, "expire"), &[]).await;
    let after = ada.follow(done).await;
    after.assert_shows("never ends ends in 14 days.");
    assert!(after.all(UNDO).is_empty());
}

#[actix_web::test]
async fn many_are_disabled_together_after_a_question() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let keys: Vec<MadeKey> = (1..=30).map(|n| app.key(&user, &format!("robot {n}"))).collect();
    age(&app, 40);
    let mut ada = app.sign_in(&user).await;
    let first = ada.get("/review?group=never").await;
    assert_eq!(names(&first).len(), 25);
    assert_eq!(counts(&first)[2], "Never used : 30");
    let next = first.attribute("a[rel='next']", "href");
    let second = ada.get(&next).await;
    assert_eq!(names(&second), ["robot 26", "robot 27", "robot 28", "robot 29", "robot 30"]);
    assert!(second.all("a[rel='next']").is_empty());
    // A place belongs to its group and its viewer.
    ada.get(&next.replace("never", "unused")).await.assert_status(400);
    let mut bea = app.sign_in(&app.administrator("Bea")).await;
    bea.get(&next).await.assert_status(400);
    for wrong in ["group=all", "group=never&after=x", "group=never&page=2"] {
        ada.get(&format!("/review?{wrong}")).await.assert_status(400);
    }

    let ticked = [("key", keys[0].public_key()), ("key", keys[1].public_key())];
    let mut fields = ticked.to_vec();
    fields.push(("act", "disable"));
    let asked = ada.submit(&first, "#bulk", &fields).await;
    asked.assert_status(200).assert_shows("robot 1").assert_shows("robot 2");
    let done = ada.submit(&asked, "main form[action='/keys/bulk/disable']", &[]).await;
    done.assert_leads_to("/review?group=never");
    assert_eq!(counts(&ada.get("/review?group=never").await)[2], "Never used : 28");
}
