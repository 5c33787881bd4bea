//! The catalogue: what is added, renamed, moved, published, retired and brought back.

use latchkey::{
    catalogue::commands,
    keys::{self, KeyChanges},
    users::Viewer,
};
use serde_json::json;

use super::trail;
use crate::support::{MadeKey, TestApp};

const LIST: &str = "/settings/catalogue";

/// Where a permission is.
fn at(app: &TestApp, slug: &str, act: &str) -> String {
    let id = app.permissions(&[slug]).permissions[0];
    format!("/settings/catalogue/permissions/{id}/{act}")
}

async fn may(app: &TestApp, gateway: &str, key: &str, scope: &str) -> String {
    let verdict = app.verify(gateway, json!({ "key": key, "scopes": [scope] })).await;
    verdict["code"].as_str().unwrap().to_owned()
}

/// Edits the permissions of a key as its page does; what the command says.
fn edit(app: &TestApp, key: &MadeKey, slugs: &[&str], version: i32) -> Result<(), String> {
    let changes = KeyChanges {
        name: key.key.name.clone(),
        note: String::new(),
        permissions: app.permissions(slugs),
        limits: Vec::new(),
        expires_at: None,
        customers: Vec::new(),
        allowed_ips: Vec::new(),
        excluded_ips: Vec::new(),
        allowed_origins: Vec::new(),
    };
    let conn = &mut app.database.connect();
    keys::commands::update(conn, &Viewer::operator(), key.public_key(), version, &changes, false)
        .map(drop)
        .map_err(|error| error.to_string())
}

#[actix_web::test]
async fn a_new_permission_in_a_section_held_whole_is_held_at_once() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let orders = app.db(|conn| latchkey::scopes::find_section(conn, "orders")).unwrap().unwrap();
    let key = app.key_with(Some(&ada), "deploy bot", |new| {
        new.permissions = keys::Permissions { sections: vec![orders], ..Default::default() };
    });
    let gateway = app.gateway("production");
    let scope = "orders:cancel";
    assert_eq!(may(&app, &gateway, &key.secret, scope).await, "INSUFFICIENT_SCOPE");

    let mut adas = app.sign_in(&ada).await;
    let page = adas.get("/settings/catalogue/permissions/new?section=orders").await;
    page.assert_is_page();
    let fields = [("label", "Cancel orders"), ("slug", scope), ("access", "WRITE")];
    adas.submit(&page, "form.form", &fields).await.assert_leads_to(LIST);
    assert_eq!(may(&app, &gateway, &key.secret, scope).await, "VALID");
    assert_eq!(may(&app, &gateway, key.public_key(), scope).await, "INSUFFICIENT_SCOPE");
    let said = trail(&app, "permission:orders:cancel");
    assert_eq!(
        said[0],
        ("permission.created".into(), json!({ "section": "orders", "access": "WRITE" }))
    );
}

#[actix_web::test]
async fn a_retired_permission_is_given_to_nobody_and_taken_from_nobody() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let holder = app.key_with(Some(&ada), "holder", |new| {
        new.permissions = app.permissions(&["reporting:read", "orders:read"]);
    });
    let other = app.key_with(Some(&ada), "other", |new| {
        new.permissions = app.permissions(&["orders:read"]);
    });
    let gateway = app.gateway("production");
    let mut adas = app.sign_in(&ada).await;
    let question = adas.get(&at(&app, "reporting:read", "confirm/retire")).await;
    question.assert_is_page().assert_shows("One active key holds it");
    question.assert_shows("All permissions still include it");
    adas.submit(&question, "form.dialog__body", &[]).await.assert_leads_to(LIST);

    assert_eq!(may(&app, &gateway, &holder.secret, "reporting:read").await, "VALID");
    adas.get(&holder.page()).await.assert_shows("retired");
    adas.get("/keys").await.assert_shows("reporting:read (retired)");
    let page = adas.get(&format!("{}/edit", holder.page())).await;
    page.assert_shows("Once taken away, it cannot be given again.");
    adas.get(&format!("{}/edit", other.page())).await.assert_hides("reporting:read");
    let sneaked = [
        ("version", "1"),
        ("name", "other"),
        ("permission", "reporting:read"),
        ("expires", "never"),
    ];
    adas.post(&format!("{}/edit", other.page()), &sneaked).await.assert_status(422);
    let refused = edit(&app, &other, &["orders:read", "reporting:read"], 1).unwrap_err();
    assert!(refused.starts_with("The permission reporting:read is retired"), "{refused}");

    edit(&app, &holder, &["reporting:read"], 1).unwrap();
    assert_eq!(may(&app, &gateway, &holder.secret, "reporting:read").await, "VALID");
    edit(&app, &holder, &["orders:read"], 2).unwrap();
    assert!(edit(&app, &holder, &["reporting:read"], 3).is_err());

    adas.post(&at(&app, "reporting:read", "restore"), &[]).await.assert_leads_to(LIST);
    edit(&app, &holder, &["reporting:read"], 3).unwrap();
    let actions: Vec<String> =
        trail(&app, "permission:reporting:read").into_iter().map(|(action, _)| action).collect();
    assert_eq!(actions, ["permission.retired", "permission.restored"]);
}

#[actix_web::test]
async fn a_retired_section_stays_whole_where_it_is_held() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let orders = app.db(|conn| latchkey::scopes::find_section(conn, "orders")).unwrap().unwrap();
    let whole = keys::Permissions { sections: vec![orders], ..Default::default() };
    let key = app.key_with(Some(&ada), "holder", |new| new.permissions = whole.clone());
    let other = app.key(&ada, "other");
    let gateway = app.gateway("production");
    let mut adas = app.sign_in(&ada).await;
    let address = format!("/settings/catalogue/sections/{orders}");
    adas.get(&format!("{address}/confirm/retire")).await.assert_shows("One active key holds it");
    adas.post(&format!("{address}/retire"), &[]).await.assert_leads_to(LIST);
    assert_eq!(may(&app, &gateway, &key.secret, "orders:write").await, "VALID");
    adas.get(&key.page()).await.assert_shows("retired");
    let page = adas.get(&format!("{}/edit", key.page())).await;
    page.attribute("input[name='section'][value='orders']", "checked");
    adas.submit(&page, "form.measure-form", &[("note", "kept")]).await.assert_leads_to(&key.page());
    adas.get(&format!("{}/edit", other.page())).await.assert_hides("orders:read");
    let refused = edit(&app, &other, &["orders:read"], 1).unwrap_err();
    assert!(refused.contains("is retired"), "{refused}");
    adas.post(&format!("{address}/restore"), &[]).await.assert_leads_to(LIST);
    edit(&app, &other, &["orders:read"], 1).unwrap();
}

#[actix_web::test]
async fn a_public_key_stops_at_once_when_its_permission_needs_the_secret_again() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "storefront");
    let gateway = app.gateway("production");
    let mut adas = app.sign_in(&ada).await;
    let scope = "reporting:read";
    assert_eq!(may(&app, &gateway, key.public_key(), scope).await, "INSUFFICIENT_SCOPE");
    let question = adas.get(&at(&app, scope, "confirm/publish")).await;
    question.assert_shows("One active key holds it: its public key is enough");
    adas.submit(&question, "form.dialog__body", &[]).await.assert_leads_to(LIST);
    assert_eq!(may(&app, &gateway, key.public_key(), scope).await, "VALID");
    adas.get(&key.page()).await.assert_shows("browser-safe");
    adas.get(&format!("{}/edit", key.page())).await.assert_shows("browser-safe");

    let question = adas.get(&at(&app, scope, "confirm/withhold")).await;
    adas.submit(&question, "form.dialog__body", &[]).await.assert_leads_to(LIST);
    assert_eq!(may(&app, &gateway, key.public_key(), scope).await, "INSUFFICIENT_SCOPE");
    assert_eq!(may(&app, &gateway, &key.secret, scope).await, "VALID");
    assert_eq!(
        trail(&app, "permission:reporting:read"),
        [
            (
                "permission.published".to_owned(),
                json!({ "keys": 1, "browser_safe": [false, true] })
            ),
            ("permission.withheld".to_owned(), json!({ "keys": 1, "browser_safe": [true, false] })),
        ]
    );
    adas.get(&at(&app, scope, "publish")).await.assert_status(405);
    adas.get(&at(&app, scope, "confirm/explode")).await.assert_status(404);
}

#[actix_web::test]
async fn words_change_and_slugs_do_not() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let page = ada.get(&at(&app, "orders:read", "edit")).await;
    page.assert_is_page();
    let words = [("label", "Look at orders"), ("description", ""), ("access", "WRITE")];
    ada.submit(&page, "form.form", &words).await.assert_leads_to(LIST);
    ada.get(LIST).await.assert_shows("Look at orders is saved.");
    let (action, details) = trail(&app, "permission:orders:read").remove(0);
    assert_eq!(action, "permission.updated");
    assert_eq!(details["access"], json!(["READ", "WRITE"]));
    let other = ada.submit(&page, "form.form", &[("slug", "orders:look")]).await;
    other.assert_status(422).assert_shows("The slug is fixed");

    let page = ada.get("/settings/catalogue/sections/1/edit").await;
    ada.submit(&page, "form.form", &[("name", "Figures")]).await.assert_leads_to(LIST);
    let names = ada.get(LIST).await.all(".panel__head h2");
    assert_eq!(names, ["Figures", "Catalogue", "Orders", "Sellers", "Payouts"]);
}

#[actix_web::test]
async fn what_is_wrong_with_a_section_or_permission_is_said_at_its_field() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let good = [
        ("section", "orders"),
        ("slug", "orders:new"),
        ("label", "New"),
        ("description", "New"),
        ("access", "READ"),
    ];
    let long = "x".repeat(101);
    for (field, typed) in [
        ("section", "nowhere"),
        ("slug", ""),
        ("slug", "two words"),
        ("slug", "a\"b"),
        ("slug", "größe"),
        ("slug", "*"),
        ("slug", &long),
        ("slug", "orders:read"),
        ("label", ""),
        ("label", "a\u{200b}"),
        ("description", "a\u{7}"),
        ("access", "read"),
    ] {
        let fields: Vec<_> = good
            .iter()
            .map(|(name, value)| (*name, if *name == field { typed } else { value }))
            .collect();
        let page = ada.post("/settings/catalogue/permissions", &fields).await;
        page.assert_status(422).assert_is_page();
        assert_eq!(page.attribute(&format!("#{field}"), "aria-invalid"), "true", "{field} {typed}");
    }
    let published: Vec<_> = good.into_iter().chain([("publishable", "yes")]).collect();
    ada.post("/settings/catalogue/permissions", &published).await.assert_status(400);
    for (slug, name) in [("orders", "Again"), ("", "Empty"), ("new", "")] {
        let fields = [("slug", slug), ("name", name)];
        ada.post("/settings/catalogue/sections", &fields).await.assert_status(422);
    }
    ada.get(LIST).await.assert_hides("orders:new");
    ada.get("/settings/catalogue/permissions/9999/edit").await.assert_status(404);
    ada.get("/settings/catalogue/permissions/abc/edit").await.assert_status(404);
}

#[actix_web::test]
async fn sections_and_permissions_change_places() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let mut htmx = ada.with_htmx(LIST);
    let list = htmx.post("/settings/catalogue/sections/1/move", &[("to", "down")]).await;
    list.assert_is_fragment().assert_shows("Reporting is number 2 of 5.");
    assert_eq!(list.all(".panel__head h2")[..2], ["Catalogue", "Reporting"]);
    ada.post(&at(&app, "orders:write", "move"), &[("to", "up")]).await.assert_leads_to(LIST);
    let slugs: Vec<String> = app
        .db(latchkey::scopes::catalogue)
        .unwrap()
        .into_iter()
        .find(|section| section.slug == "orders")
        .unwrap()
        .permissions
        .into_iter()
        .map(|permission| permission.slug)
        .collect();
    assert_eq!(slugs, ["orders:write", "orders:read", "returns:write"]);
}

#[test]
fn of_two_sections_with_one_slug_at_once_one_is_added() {
    let app = TestApp::start();
    std::thread::scope(|scope| {
        let add = || {
            use diesel::Connection;
            let conn = &mut app.database.connect();
            conn.transaction(|conn| {
                commands::add_section(conn, &Viewer::operator(), "twice", "Twice")
            })
            .map_err(|error| error.violates("sections_slug"))
        };
        let (one, other) = (scope.spawn(add), scope.spawn(add));
        let outcomes = [one.join().unwrap().map(drop), other.join().unwrap().map(drop)];
        assert!(outcomes.contains(&Ok(())) && outcomes.contains(&Err(true)), "{outcomes:?}");
    });
}
