//! The one answer that has the secret.

use std::{io::Write, net::TcpStream, time::Instant};

use base64::{Engine, engine::general_purpose::STANDARD};
use diesel::prelude::*;
use latchkey::schema::keys;
use reqwest::Method;

use super::creating::walk;
use crate::support::{Browser, Page, TestApp, browser::encode};

async fn reveal(ada: &mut Browser, app: &TestApp, name: &str) -> (Page, Page) {
    let app_id = app.application("Back office");
    let summary = walk(ada, &app_id, name, "reporting:read").await;
    let reveal = ada.submit(&summary, "#wizard", &[("go", "create")]).await;
    (summary, reveal)
}

#[actix_web::test]
async fn it_has_all_that_a_client_needs_and_all_of_it_works() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let (_, reveal) = reveal(&mut ada, &app, "deploy bot").await;
    reveal.assert_status(200).assert_is_page().assert_shows("only time the secret is shown");
    let [secret, public, basic] =
        ["#secret", "#public-key", "#basic-token"].map(|id| reveal.text(id));
    assert!(public.starts_with("prod_pk_"), "{public}");
    assert_eq!(STANDARD.decode(&basic).unwrap(), format!("{public}:{secret}").as_bytes());
    assert!(reveal.text("#curl").contains(&format!("Authorization: Bearer {secret}")));
    assert_eq!(reveal.attribute("[data-reveal]", "data-done"), format!("/keys/{public}"));

    let gateway = app.gateway("production");
    assert_eq!(app.code(&gateway, &secret).await, "VALID");
    let verdict = app.verify(&gateway, serde_json::json!({ "basic": basic })).await;
    assert_eq!(verdict["code"], "VALID");
}

#[actix_web::test]
async fn it_is_kept_by_no_cache_and_never_compressed() {
    let app = TestApp::start();
    let ada = app.sign_in(&app.administrator("Ada")).await;
    let mut ada = ada.with_header("Accept-Encoding", "gzip");
    let list = ada.request(Method::HEAD, "/keys", |request| request).await;
    assert_eq!(list.header("content-encoding"), "gzip");
    let app_id = app.application("Back office");
    let summary =
        walk(&mut ada.with_header("Accept-Encoding", ""), &app_id, "deploy bot", "reporting:read")
            .await;
    let reveal = ada.submit(&summary, "#wizard", &[("go", "create")]).await;
    assert!(reveal.text("#secret").starts_with("prod_sk_"));
    assert_ne!(reveal.header("content-encoding"), "gzip");
    assert_eq!(reveal.header("cache-control"), "no-store");
    assert_eq!(reveal.location(), None);
}

#[actix_web::test]
async fn after_it_the_secret_is_nowhere() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let (summary, reveal) = reveal(&mut ada, &app, "deploy bot").await;
    let (secret, public) = (reveal.text("#secret"), reveal.text("#public-key"));
    let random = &secret["prod_sk_".len() + 4..secret.len() - 4];
    let (_, fields) = summary.form("#wizard", &[]);
    let draft = &fields.iter().find(|(name, _)| name == "draft").unwrap().1;
    let pages = [
        "/".to_owned(),
        "/keys".to_owned(),
        format!("/keys/{public}"),
        format!("/keys/{public}/edit"),
        format!("/keys/{public}/confirm/regenerate"),
        format!("/keys/new?draft={draft}&step=summary"),
        format!("/keys/new?draft={draft}&step=name"),
        "/team".to_owned(),
        "/account".to_owned(),
        "/settings".to_owned(),
    ];
    for page in pages {
        ada.get(&page).await.assert_hides(&secret).assert_hides(random);
    }
    for go in ["create", "next"] {
        ada.submit(&summary, "#wizard", &[("go", go)]).await.assert_hides(random);
    }
}

#[actix_web::test]
async fn reloading_or_going_back_to_the_form_says_what_to_do() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let (summary, revealed) = reveal(&mut ada, &app, "deploy bot").await;
    let public = revealed.text("#public-key");
    let again = ada.submit(&summary, "#wizard", &[("go", "create")]).await;
    again.assert_status(409).assert_is_page().assert_shows("already created");
    again.assert_shows("it cannot be shown again");
    assert!(again.body().contains(&format!("/keys/{public}/confirm/regenerate")));

    let (_, fields) = summary.form("#wizard", &[]);
    let draft = &fields.iter().find(|(name, _)| name == "draft").unwrap().1;
    let back = ada.get(&format!("/keys/new?draft={draft}&step=limits")).await;
    back.assert_status(409).assert_shows("already created");
}

#[actix_web::test]
async fn a_connection_that_breaks_before_the_answer_leaves_one_key_that_can_be_regenerated() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let app_id = app.application("Back office");
    let summary = walk(&mut ada, &app_id, "deploy bot", "reporting:read").await;
    let (action, fields) = summary.form("#wizard", &[("go", "create")]);
    let fields: Vec<_> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let body = encode(&fields);
    let mut line = TcpStream::connect(app.address).unwrap();
    write!(
        line,
        "POST {action} HTTP/1.1\r\nHost: {}\r\nSec-Fetch-Site: same-origin\r\nCookie: latchkey={}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        app.address,
        ada.cookie("latchkey").unwrap(),
        body.len(),
    )
    .unwrap();
    let count = || app.db(|conn| keys::table.count().get_result::<i64>(conn).unwrap());
    let began = Instant::now();
    while count() == 0 {
        assert!(began.elapsed().as_secs() < 5, "the key was never made");
        actix_web::rt::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    drop(line);
    let again = ada.submit(&summary, "#wizard", &[("go", "create")]).await;
    again.assert_status(409).assert_shows("already created").assert_shows("deploy bot");
    assert_eq!(count(), 1);
    let address = again.attribute(".page-head__actions a.button--primary", "href");
    let question = ada.get(&format!("{address}/confirm/regenerate")).await;
    let secret = ada.submit(&question, ".dialog form", &[]).await.text("#secret");
    assert_eq!(app.code(&app.gateway("production"), &secret).await, "VALID");
}
