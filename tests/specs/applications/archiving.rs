//! The end of an application, and bringing it back.

use base64::{Engine, engine::general_purpose::STANDARD};
use diesel::{Connection, connection::SimpleConnection};
use latchkey::{applications, audit, error::AppError, keys, users::Viewer};
use serde_json::json;

use crate::support::TestApp;

#[actix_web::test]
async fn an_archived_application_is_off_the_list_and_can_be_restored() {
    let app = TestApp::start();
    let gateway = app.gateway("production");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let reveal = ada.post("/applications", &[("name", "Warehouse")]).await;
    let (app_id, secret) = (reveal.text("#app-id"), reveal.text("#secret"));
    let basic = STANDARD.encode(format!("{app_id}:{secret}"));
    let code = async || app.verify(&gateway, json!({ "basic": basic })).await["code"].clone();
    assert_eq!(code().await, "VALID");

    let address = format!("/applications/{app_id}");
    let question = ada.get(&format!("{address}/confirm/archive")).await;
    question.assert_status(200).assert_is_page().assert_shows("Archive Warehouse?");
    let done = ada.submit(&question, ".dialog form", &[]).await;
    assert_eq!(code().await, "KEY_NOT_FOUND", "before the answer");
    done.assert_leads_to("/applications");
    ada.get("/applications").await.assert_shows("One application is archived.");
    assert_eq!(ada.get("/applications").await.all(".table__name"), ["Storefront"]);
    let all = ada.get("/applications?archived=yes").await;
    assert_eq!(all.all(".table__name"), ["Storefront", "Warehouse"]);
    ada.get("/applications?archived=maybe").await.assert_status(400);

    let shown = ada.get(&address).await;
    shown.assert_status(200).assert_shows("takes no new keys").assert_hides("confirm/rotate");
    ada.get(&format!("{address}/confirm/rotate")).await.assert_status(409);
    let again = ada.post(&format!("{address}/archive"), &[]).await;
    again.assert_leads_to("/applications");

    ada.submit(&shown, "form[action$=restore]", &[]).await.assert_leads_to(&address);
    assert_eq!(code().await, "VALID");
    assert_eq!(ada.get("/applications").await.all(".table__name"), ["Storefront", "Warehouse"]);
    let events = app.db(|conn| audit::recent_for(conn, &app_id, 10)).unwrap();
    let actions: Vec<_> = events.into_iter().rev().map(|event| event.action).collect();
    assert_eq!(actions, ["application.created", "application.archived", "application.restored"]);
}

#[actix_web::test]
async fn active_keys_keep_it_from_being_archived_and_are_named() {
    let app = TestApp::start();
    let (ada, marek) = (app.administrator("Ada"), app.manager_with_access("Marek"));
    let (one, two) = (app.key(&ada, "deploy bot"), app.key(&marek, "nightly report"));
    let address = app.operator(applications::list)[0].address();
    let mut ada = app.sign_in(&ada).await;
    let question = ada.get(&format!("{address}/confirm/archive")).await;
    question.assert_status(200).assert_shows("Storefront cannot be archived yet");
    let refused = ada.post(&format!("{address}/archive"), &[]).await;
    refused.assert_status(409).assert_is_page().assert_shows("2 active keys belong to it");
    refused.assert_shows("deploy bot").assert_shows("nightly report");
    assert_eq!(refused.attribute(".lines li:last-child a", "href"), one.page());

    ada.post(&format!("{}/disable", one.page()), &[]).await.assert_status(303);
    ada.post(&format!("{}/revoke", two.page()), &[]).await.assert_status(303);
    ada.post(&format!("{address}/archive"), &[]).await.assert_leads_to("/applications");

    // What was disabled cannot come back behind the archive's back.
    let enabled = ada.post(&format!("{}/enable", one.page()), &[]).await;
    enabled.assert_status(409).assert_shows("Storefront is archived");
    ada.post(&format!("{address}/restore"), &[]).await.assert_leads_to(&address);
    ada.post(&format!("{}/enable", one.page()), &[]).await.assert_leads_to(&one.page());
}

#[actix_web::test]
async fn an_archived_application_takes_no_new_keys() {
    let app = TestApp::start();
    let app_id = app.application("Warehouse");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let begun = ada.get(&format!("/keys/new?application={app_id}")).await;
    let first = ada.follow(begun).await;
    ada.post(&format!("/applications/{app_id}/archive"), &[]).await.assert_status(303);
    let to_place = ada.submit(&first, "#wizard", &[("name", "late"), ("go", "next")]).await;
    let place = ada.follow(to_place).await;
    assert_eq!(place.all("#application option"), ["Storefront"], "it is not offered");
    let chosen = [("application", app_id.as_str()), ("environment", "production"), ("go", "next")];
    let refused = ada.submit(&place, "#wizard", &chosen).await;
    refused.assert_status(422).assert_shows("is archived and takes no new keys");
}

#[test]
fn archiving_and_creating_at_once_never_leave_a_key_in_an_archive() {
    let app = TestApp::start();
    for round in 0..12 {
        let app_id = app.application(&format!("Application {round}"));
        let application =
            app.operator(|conn, operator| applications::find(conn, operator, &app_id));
        let environment = app.environment("production");
        let permissions = app.operator(|conn, _| {
            Ok(keys::Permissions {
                permissions: vec![latchkey::scopes::catalogue(conn)?[0].permissions[0].id],
                ..keys::Permissions::default()
            })
        });
        let new = keys::NewKey {
            name: "racer".into(),
            note: String::new(),
            application_id: application.id,
            environment_id: environment,
            owner_id: None,
            permissions,
            limits: Vec::new(),
            expires_at: None,
            customers: Vec::new(),
            allowed_ips: Vec::new(),
            excluded_ips: Vec::new(),
            allowed_origins: Vec::new(),
        };
        let (mut one, mut two) = (app.database.connect(), app.database.connect());
        let start = std::sync::Barrier::new(2);
        let (archived, created) = std::thread::scope(|scope| {
            let archive = scope.spawn(|| {
                start.wait();
                one.transaction(|conn| applications::archive(conn, &Viewer::operator(), &app_id))
            });
            let create = scope.spawn(|| {
                start.wait();
                two.transaction(|conn| keys::commands::create(conn, &Viewer::operator(), &new))
            });
            (archive.join().unwrap(), create.join().unwrap())
        });
        match (archived, created) {
            (Ok(_), Err(AppError::Conflict(_))) | (Err(AppError::Conflict(_)), Ok(_)) => {}
            (archived, created) => {
                panic!("{:?} and {:?}", archived.map(drop), created.map(drop))
            }
        }
    }
}

/// The creation has read the application and waits to be committed: the archive waits for it.
#[test]
fn an_archive_waits_for_a_key_that_is_being_made() {
    let app = TestApp::start();
    let app_id = app.application("Warehouse");
    let application = app.operator(|conn, operator| applications::find(conn, operator, &app_id));
    let mut maker = app.database.connect();
    maker.batch_execute("begin").unwrap();
    applications::must_be_open(&mut maker, application.id).unwrap();
    let mut archiver = app.database.connect();
    archiver.batch_execute("set lock_timeout = '200ms'").unwrap();
    let waiting = archiver
        .transaction(|conn| applications::archive(conn, &Viewer::operator(), &app_id).map(drop));
    assert!(waiting.is_err(), "the archive did not wait");
    maker.batch_execute("commit").unwrap();
    archiver
        .transaction(|conn| applications::archive(conn, &Viewer::operator(), &app_id))
        .expect("nothing is in the way any more");
}
