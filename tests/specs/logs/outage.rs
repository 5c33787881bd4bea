//! Postgres is away, or we are asked to go: what was noted is written all the same.

use std::time::Duration;

use serde_json::json;

use super::{ask, told};
use crate::{
    support::{Program, TestApp, database::SpecDatabase},
    verify::proxy::{Mode, Proxy},
};

#[actix_web::test]
async fn what_was_asked_during_an_outage_is_in_the_log_afterwards_and_once() {
    let database = SpecDatabase::create();
    let proxy = Proxy::before(&database.url);
    let url = proxy.url.clone();
    let app = TestApp::on(database, &[("DATABASE_URL", &url)]);
    app.preset("marketplace");
    app.application("Storefront");
    let key = app.key(&app.administrator("Ada"), "Order sync");
    let gateway = app.gateway("production");
    ask(&app, &gateway, json!({"key": key.secret, "path": "/before"})).await;
    app.flush();

    proxy.set(Mode::Refuse);
    for number in 0..20 {
        ask(&app, &gateway, json!({"key": key.secret, "path": format!("/during/{number}")})).await;
    }
    app.flush();
    assert!(app.log().standing().failed > 0);
    assert!(app.log().standing().waiting >= 20);
    assert_eq!(app.db(|conn| told(conn, "select path as told from request_logs")), ["/before"]);

    proxy.set(Mode::Pass);
    app.flush();
    let paths = app.db(|conn| told(conn, "select path as told from request_logs"));
    assert_eq!(paths.len(), 21, "{paths:?}");
    assert_eq!(app.log().standing().waiting, 0);
}

#[actix_web::test]
async fn what_was_noted_is_written_before_the_program_ends() {
    let app = TestApp::start();
    let key = app.key(&app.administrator("Ada"), "Order sync");
    let gateway = app.gateway("production");
    let mut program = Program::serve(&app.database.url);
    let client = reqwest::Client::new();
    for number in 0..30 {
        let answer = client
            .post(format!("http://{}/v1/verify", program.address))
            .bearer_auth(&gateway)
            .json(&json!({"key": key.secret, "path": format!("/{number}")}))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
    }
    program.terminate();
    let ended = program.ended_within(Duration::from_secs(10));
    assert!(ended.is_some_and(|status| status.success()), "{}", program.log());
    let rows = app.db(|conn| told(conn, "select count(*)::text as told from request_logs"));
    assert_eq!(rows, ["30"]);
}
