//! What is listed, as a file.

use diesel::{RunQueryDsl, sql_query};
use serde_json::{Value, json};

use super::ask;
use crate::support::TestApp;

#[actix_web::test]
async fn what_is_listed_comes_as_csv_and_as_lines_of_json() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "Order sync");
    let gateway = app.gateway("production");
    let question = json!({"key": key.secret, "scopes": ["reporting:read"], "customer": "=1+1", "method": "GET",
        "path": "/orders/7", "ip": "203.0.113.9"});
    ask(&app, &gateway, question).await;
    ask(&app, &gateway, json!({"path": "/keyless"})).await;
    app.flush();
    let mut ada = app.sign_in(&ada).await;

    let file = ada.get("/logs/export/csv?code=VALID").await;
    file.assert_status(200);
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
    assert!(file.header("content-disposition").starts_with("attachment; filename=\"requests-"));
    assert_eq!(file.header("x-content-type-options"), "nosniff");
    let lines: Vec<&str> = file.body().split("\r\n").collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].starts_with("time,request_id,code,stands_for,key_id"));
    for word in
        [key.public_key(), "Order sync", "/orders/7", "reporting:read", "203.0.113.9", "'=1+1"]
    {
        assert!(lines[1].contains(word), "{word} in {}", lines[1]);
    }

    let file = ada.get("/logs/export/jsonl").await;
    let rows: Vec<Value> =
        file.body().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["code"], "MISSING_KEY");
    assert_eq!(rows[0]["key_id"], Value::Null);
    assert_eq!(rows[1]["customer"], "=1+1");
    assert_eq!(rows[1]["environment"], "production");
}

#[actix_web::test]
async fn a_long_log_comes_whole_piece_by_piece_newest_first() {
    let app = TestApp::start();
    app.db(|conn| {
        sql_query(
            "insert into request_logs (at, id, environment_id, gateway_id, stands_for, took_micros, code, endpoint,
                 method, path, agent, detail, scopes)
             select now() - n * interval '7 seconds', gen_random_uuid(), (select min(id) from environments), 1, 1, 1,
                 'MISSING_KEY', 'verify', 'GET', '/' || n, '', '', '{}' from generate_series(1, 25000) as n",
        )
        .execute(conn)
    })
    .unwrap();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let file = ada.get("/logs/export/jsonl").await;
    let paths: Vec<String> = file
        .body()
        .lines()
        .map(|line| {
            let row: Value = serde_json::from_str(line).unwrap();
            row["path"].as_str().unwrap().to_owned()
        })
        .collect();
    let expected: Vec<String> = (1..=25_000).map(|number| format!("/{number}")).collect();
    assert_eq!(paths.len(), expected.len());
    assert!(paths == expected);
}
