//! Who sees what, and may do what about it.

use super::{age, code, names, read_log, run, trail};
use crate::support::TestApp;

const UNDO: &str = "form[action='/review/undo']";

#[actix_web::test]
async fn a_manager_reviews_own_keys_and_no_others() {
    let app = TestApp::start();
    let (mia, lee) = (app.manager_with_access("Mia"), app.manager_with_access("Lee"));
    let (own, others) = (app.key(&mia, "mine"), app.key(&lee, "theirs"));
    age(&app, 40);
    let mut browser = app.sign_in(&mia).await;
    let page = browser.get("/review?group=never").await;
    assert_eq!(names(&page), ["mine"]);
    for group in ["permissions", "unused", "secrets"] {
        browser.get(&format!("/review?group={group}")).await.assert_hides("theirs");
    }
    let click = [("version", "1"), ("group", "never")];
    for act in ["trim", "disable", "expire"] {
        let address = format!("/review/{}/{act}", others.public_key());
        browser.post(&address, &click).await.assert_status(404);
        browser.with_htmx("/review").post(&address, &click).await.assert_status(404);
    }
    assert_eq!(trail(&app, &others), ["key.created"]);
    // What was signed for one person is of no use to another.
    let disable = format!("#review-{} form[action$='/disable']", own.public_key());
    let done = browser.submit(&page, &disable, &[]).await;
    let after = browser.follow(done).await;
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    ada.submit(&after, UNDO, &[]).await.assert_status(400);

    // Without access there is no such page, and nothing to take back.
    app.withdraw(&mia);
    browser.get("/review").await.assert_status(404);
    browser.post(&format!("/review/{}/expire", own.public_key()), &click).await.assert_status(404);
    browser.submit(&after, UNDO, &[]).await.assert_status(404);
    assert_eq!(trail(&app, &own), ["key.created", "key.disabled"]);
}

#[actix_web::test]
async fn nothing_is_taken_back_that_one_may_not_hand_out_by_then() {
    let app = TestApp::start();
    let mia = app.manager_with_access("Mia");
    let gateway = app.gateway("production");
    let wanted = app.permissions(&["reporting:read", "orders:read"]);
    let key = app.key_with(Some(&mia), "deploy bot", |new| new.permissions = wanted);
    age(&app, 100);
    code(&app, &gateway, &key, "reporting:read").await;
    read_log(&app);
    let mut browser = app.sign_in(&mia).await;
    let page = browser.get("/review").await;
    let done = browser.submit(&page, "form[action$='/trim']", &[]).await;
    let after = browser.follow(done).await;
    app.grant_only(&mia, &["production"], app.permissions(&["reporting:read"]));
    browser.submit(&after, UNDO, &[]).await.assert_status(403);
    assert_eq!(code(&app, &gateway, &key, "orders:read").await, "INSUFFICIENT_SCOPE");
    // What holds more than one may hand out is not theirs to change at all.
    run(
        &app,
        "insert into key_permissions select keys.id, permissions.id from keys, permissions where slug = 'orders:read';
         update keys set version = version + 1",
    );
    let page = browser.get("/review").await;
    page.assert_shows("more than your API access covers");
    assert!(page.all("tbody form").is_empty());
}

#[actix_web::test]
async fn what_no_page_of_ours_sends_is_refused() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut ada = app.sign_in(&ada).await;
    let address = |act: &str| format!("/review/{}/{act}", key.public_key());
    type Case<'a> = (String, Vec<(&'a str, &'a str)>, u16);
    let cases: [Case<'_>; 8] = [
        (address("disable"), vec![], 400),
        (address("disable"), vec![("group", "never")], 400),
        (address("disable"), vec![("group", "never"), ("version", "one")], 400),
        (address("disable"), vec![("group", "all"), ("version", "1")], 400),
        (address("disable"), vec![("group", "never"), ("version", "7")], 409),
        (address("trim"), vec![("group", "never"), ("version", "1"), ("more", "x")], 400),
        ("/review/undo".into(), vec![("group", "never"), ("undo", "AAAA")], 400),
        ("/review/nobody/expire".into(), vec![("group", "never"), ("version", "1")], 404),
    ];
    for (path, fields, status) in &cases {
        ada.post(path, fields).await.assert_status(*status).assert_is_page();
        let toast = ada.with_htmx("/review").post(path, fields).await;
        toast.assert_status(*status).assert_is_fragment();
    }
    assert_eq!(trail(&app, &key), ["key.created"]);
}
