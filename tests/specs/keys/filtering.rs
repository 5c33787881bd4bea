//! Narrowing the list; all of it in the address.

use latchkey::keys::Permissions;

use super::{expire, run, searching::names};
use crate::support::TestApp;

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort_unstable();
    names
}

#[actix_web::test]
async fn by_status_as_it_is_now() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let [_, inactive, expired, revoked] =
        ["active", "inactive", "expired", "revoked"].map(|name| app.key(&ada, name));
    let mut ada = app.sign_in(&ada).await;
    for key in [&inactive, &expired, &revoked] {
        ada.post(&format!("{}/disable", key.page()), &[]).await.assert_status(303);
    }
    ada.post(&format!("{}/revoke", revoked.page()), &[]).await.assert_status(303);
    expire(&app, expired.public_key());
    expire(&app, revoked.public_key());
    for status in ["active", "inactive", "expired", "revoked"] {
        let page = ada.get(&format!("/keys?status={status}")).await;
        assert_eq!(names(&page), [status], "{status}");
        assert_eq!(page.attribute("#status option[selected]", "value"), status);
    }
    assert_eq!(names(&ada.get("/keys?status=").await).len(), 4);
}

#[actix_web::test]
async fn by_environment_application_owner_and_all_of_them_together() {
    let app = TestApp::start();
    let (ada, mia) = (app.administrator("Ada"), app.manager_with_access("Mia"));
    let sandbox = app.environment("sandbox");
    app.key(&ada, "ada production");
    app.key_with(Some(&ada), "ada sandbox", |new| new.environment_id = sandbox);
    app.key(&mia, "mia production");
    let storefront = app.key_with(Some(&mia), "mia sandbox", |new| new.environment_id = sandbox);
    let empty = app.application("Empty");
    let mut browser = app.sign_in(&ada).await;
    let list = async |browser: &mut crate::support::Browser, query: &str| {
        let page = browser.get(&format!("/keys?{query}")).await;
        page.assert_status(200);
        sorted(names(&page))
    };
    assert_eq!(list(&mut browser, "environment=sandbox").await, ["ada sandbox", "mia sandbox"]);
    let owner = format!("owner={}", mia.id);
    assert_eq!(list(&mut browser, &owner).await, ["mia production", "mia sandbox"]);
    let both = format!("{owner}&environment=sandbox&q=mia&status=active");
    assert_eq!(list(&mut browser, &both).await, ["mia sandbox"]);
    let application = format!("application={}", storefront.key.application.app_id);
    assert_eq!(list(&mut browser, &application).await.len(), 4);
    assert!(list(&mut browser, &format!("application={empty}")).await.is_empty());
    // Nobody learns whose keys there are from an owner who isn't theirs to ask about.
    let mut mia = app.sign_in(&mia).await;
    assert!(list(&mut mia, &format!("owner={}", ada.id)).await.is_empty());
    assert!(list(&mut mia, "owner=999999").await.is_empty());
}

#[actix_web::test]
async fn by_permission_however_it_is_held() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let orders = app.permissions(&["orders:read"]);
    let section = app
        .db(latchkey::scopes::catalogue)
        .unwrap()
        .into_iter()
        .find(|section| section.slug == "orders")
        .unwrap()
        .id;
    app.key(&ada, "reports only");
    app.key_with(Some(&ada), "single", |new| new.permissions = orders);
    app.key_with(Some(&ada), "section", |new| {
        new.permissions = Permissions { sections: vec![section], ..Permissions::default() };
    });
    app.key_with(Some(&ada), "all", |new| {
        new.permissions = Permissions { all: true, ..Permissions::default() };
    });
    let mut ada = app.sign_in(&ada).await;
    let page = ada.get("/keys?permission=orders%3Aread").await;
    assert_eq!(sorted(names(&page)), ["all", "section", "single"]);
    ada.get("/keys?permission=no_such").await.assert_status(200).assert_shows("all");
}

#[actix_web::test]
async fn by_last_use() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    for (name, days) in [("today", 0), ("last week", 7), ("long ago", 100)] {
        let key = app.key(&ada, name);
        run(
            &app,
            &format!(
                "update keys set last_used_at = now() - interval '{days} days 1 minute',
                     created_at = now() - interval '{days} days 2 minutes' where id = {}",
                key.key.id
            ),
        );
    }
    app.key(&ada, "new and never");
    let old = app.key(&ada, "old and never");
    run(
        &app,
        &format!(
            "update keys set created_at = now() - interval '91 days' where id = {}",
            old.key.id
        ),
    );
    let mut ada = app.sign_in(&ada).await;
    for (choice, expected) in [
        ("day", vec!["today"]),
        ("month", vec!["last week", "today"]),
        ("idle", vec!["long ago", "old and never"]),
        ("never", vec!["new and never", "old and never"]),
    ] {
        let page = ada.get(&format!("/keys?last_used={choice}")).await;
        assert_eq!(sorted(names(&page)), expected, "{choice}");
    }
}

#[actix_web::test]
async fn the_address_is_the_whole_truth() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    app.key(&ada, "deploy bot");
    let mut ada = app.sign_in(&ada).await;
    let fields =
        [("q", "deploy"), ("status", "active"), ("environment", "production"), ("sort", "-name")];
    let answer = ada.post("/keys/search", &fields).await;
    answer.assert_leads_to("/keys?q=deploy&status=active&environment=production&sort=%2Dname");
    let page = ada.follow(answer).await;
    page.assert_status(200).assert_shows("deploy bot");
    assert_eq!(page.attribute("#q", "value"), "deploy");
    assert_eq!(page.attribute("#environment option[selected]", "value"), "production");
    // Sorting keeps the filter.
    let sort = page.attribute("th a.table__sort", "href");
    assert!(
        sort.starts_with("/keys?q=deploy&status=active&environment=production&sort=name"),
        "{sort}"
    );
}
