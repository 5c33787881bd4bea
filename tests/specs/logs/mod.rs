//! The request log: what gateways asked, and what they were told.

mod exporting;
mod hostile;
mod keeping;
mod listing;
mod live;
mod noting;
mod outage;
mod sampling;

use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query, sql_types::Text};
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::support::TestApp;

/// Asks `/v1/verify`; the headers of the answer, and the verdict.
async fn ask(app: &TestApp, gateway: &str, question: Value) -> (HeaderMap, Value) {
    let client = reqwest::Client::new();
    let request = client.post(app.url("/v1/verify")).bearer_auth(gateway).json(&question);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    (answer.headers().clone(), answer.json().await.unwrap())
}

/// Asks `/v1/authorize` as a forward-auth gateway does, with these headers.
async fn forward(
    app: &TestApp,
    gateway: &str,
    query: &str,
    headers: &[(&str, &str)],
) -> reqwest::Response {
    let client = reqwest::Client::new();
    let mut request =
        client.get(app.url(&format!("/v1/authorize{query}"))).header("X-Gateway-Token", gateway);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

/// The answers to a question with one column, `told`.
fn told(conn: &mut PgConnection, question: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        told: String,
    }
    let rows: Vec<Row> = sql_query(question).load(conn).unwrap();
    rows.into_iter().map(|row| row.told).collect()
}

/// Every row of the log as text, newest first.
fn rows(app: &TestApp) -> Vec<String> {
    app.flush();
    app.db(|conn| {
        told(conn, "select request_logs::text as told from request_logs order by at desc, id desc")
    })
}
