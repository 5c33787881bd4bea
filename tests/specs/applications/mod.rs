mod archiving;
mod resetting;
mod rotating;

use latchkey::credentials::SecretHash;

use crate::support::TestApp;

#[actix_web::test]
async fn an_application_shows_its_secret_once() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let page = ada.get("/applications/new").await;
    page.assert_status(200).assert_is_page();
    let reveal = ada.submit(&page, "form.form", &[("name", "Warehouse")]).await;
    reveal.assert_status(200).assert_is_page().assert_shows("This is the only time");
    assert_eq!(reveal.header("cache-control"), "no-store");
    let (secret, app_id) = (reveal.text("#secret"), reveal.text("#app-id"));
    assert!(secret.starts_with("secret_") && app_id.starts_with("app_"));
    let stored: Vec<Vec<u8>> = app.db(|conn| {
        use diesel::{QueryDsl, RunQueryDsl};
        use latchkey::schema::applications::dsl::{applications, secret_hash};
        applications.select(secret_hash).load(conn).unwrap()
    });
    assert!(stored.iter().any(|hash| hash == SecretHash::of(&secret).as_bytes()));

    let shown = ada.get(&format!("/applications/{app_id}")).await;
    shown.assert_status(200).assert_is_page().assert_shows("Warehouse").assert_hides(&secret);
    assert_eq!(
        shown.attribute("[data-done], .panel a[href^=\"/keys\"]", "href"),
        format!("/keys?application={app_id}")
    );
    ada.get("/applications").await.assert_shows(&app_id).assert_hides(&secret);

    let again = ada.submit(&page, "form.form", &[("name", "Warehouse")]).await;
    again.assert_status(422).assert_shows("There is an application called Warehouse already");
    assert_eq!(ada.get("/applications").await.all(".table__name"), ["Storefront", "Warehouse"]);
}

#[actix_web::test]
async fn a_name_is_told_apart_by_its_looks() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    for name in ["storefront", "STOREFRONT ", "Stоrefront"] {
        let page = ada.post("/applications", &[("name", name)]).await;
        page.assert_status(422).assert_shows("or one that looks like it");
        assert_eq!(page.attribute("#name", "value"), name);
    }
    for name in ["", "  ", "a\0b", "a\u{200b}b", "x\ny", &"x".repeat(101)] {
        ada.post("/applications", &[("name", name)]).await.assert_status(422);
    }
    ada.post("/applications", &[]).await.assert_status(422);
    ada.post("/applications", &[("name", "X"), ("app_id", "app_x")]).await.assert_status(400);
}

#[actix_web::test]
async fn a_name_can_be_changed_and_the_app_id_cannot() {
    let app = TestApp::start();
    let (app_id, _) = (app.application("Warehouse"), ());
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let address = format!("/applications/{app_id}");
    let page = ada.get(&format!("{address}/edit")).await;
    page.assert_status(200).assert_is_page();
    ada.submit(&page, "form.form", &[("name", "Depot")]).await.assert_leads_to(&address);
    ada.get(&address).await.assert_shows("Depot").assert_shows(&app_id).assert_hides("Warehouse");

    let taken = ada.submit(&page, "form.form", &[("name", "Storefront")]).await;
    taken.assert_status(422).assert_is_page().assert_shows("Storefront already");
    ada.submit(&page, "form.form", &[("name", "")]).await.assert_status(422);
}

#[actix_web::test]
async fn managers_with_access_look_and_administrators_change() {
    let app = TestApp::start();
    let app_id = app.application("Warehouse");
    let address = format!("/applications/{app_id}");
    let mut marek = app.sign_in(&app.manager_with_access("Marek")).await;
    let list = marek.get("/applications").await;
    list.assert_status(200).assert_shows("Warehouse").assert_hides("/applications/new");
    let shown = marek.get(&address).await;
    shown.assert_status(200).assert_shows(&app_id).assert_hides("Rename");
    for page in ["/applications/new".to_owned(), format!("{address}/edit")] {
        marek.get(&page).await.assert_status(403);
    }
    for act in ["/applications".to_owned(), format!("{address}/rename")] {
        marek.post(&act, &[("name", "Mine")]).await.assert_status(403);
    }
    ada_sees_no(&app, "Mine").await;

    let mut tom = app.sign_in(&app.manager("Tom")).await;
    for page in ["/applications", "/applications/new", &address, &format!("{address}/edit")] {
        tom.get(page).await.assert_status(404);
    }
    for act in ["/applications".to_owned(), format!("{address}/rename")] {
        tom.post(&act, &[("name", "Mine")]).await.assert_status(404);
    }
    ada_sees_no(&app, "Mine").await;
}

async fn ada_sees_no(app: &TestApp, name: &str) {
    let user = app.db(|conn| latchkey::users::queries::find_by_email(conn, "ada@example.com"));
    let ada = user.unwrap().unwrap_or_else(|| app.administrator("Ada"));
    app.sign_in(&ada).await.get("/applications").await.assert_hides(name);
}

#[actix_web::test]
async fn everybody_counts_the_keys_they_see() {
    let app = TestApp::start();
    let marek = app.manager_with_access("Marek");
    let ada = app.administrator("Ada");
    app.key(&marek, "one");
    app.key(&ada, "two");
    app.key(&ada, "three");
    app.sign_in(&ada).await.get("/applications").await.assert_shows("3 active");
    app.sign_in(&marek).await.get("/applications").await.assert_shows("1 active");
}

#[actix_web::test]
async fn an_empty_list_teaches() {
    let app = TestApp::start_blank();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    ada.get("/applications").await.assert_status(200).assert_shows("No applications yet");
    ada.get("/").await.assert_shows("What next").assert_shows("Create an application");
}

#[actix_web::test]
async fn what_cannot_be_an_app_id_is_nowhere() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let forms: [(&str, &[(&str, &str)]); 6] = [
        ("archive", &[]),
        ("restore", &[]),
        ("keep-secrets", &[]),
        ("erase-secrets", &[]),
        ("rename", &[("name", "Warehouse")]),
        ("rotate", &[("made", "2026-11-20T12:00:00Z")]),
    ];
    for (act, fields) in forms {
        for id in ["%00", "a%00b", "%EF%BF%BD", "app_", "1", "app_0123456789abcdef"] {
            let page = ada.post(&format!("/applications/{id}/{act}"), fields).await;
            let known = if act == "keep-secrets" { [404, 409] } else { [404, 404] };
            assert!(known.contains(&page.status()), "{id}/{act}: {}", page.status());
        }
    }
}
