//! Metrics have an address of their own.

use reqwest::Client;

use super::{Told, start};
use crate::support::TestApp;

#[actix_web::test]
async fn metrics_are_told_on_their_own_address_and_nothing_else_is() {
    let app = start();
    let address = app.metrics_address.unwrap();
    let answer = reqwest::get(format!("http://{address}/metrics")).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(
        answer.headers()["content-type"],
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert!(answer.text().await.unwrap().ends_with("# EOF\n"));

    for path in ["/", "/keys", "/healthz", "/v1/verify", "/openapi.json"] {
        let answer = reqwest::get(format!("http://{address}{path}")).await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
    }
    let posted = Client::new().post(format!("http://{address}/metrics")).send().await.unwrap();
    assert_eq!(posted.status(), 405);
    app.visitor().get("/metrics").await.assert_status(404).assert_is_page();
}

#[actix_web::test]
async fn nobody_is_told_unless_an_address_is_set() {
    let app = TestApp::start_blank();
    assert_eq!(app.metrics_address, None);
}

#[actix_web::test]
async fn a_node_says_which_one_it_is() {
    let settings = [("LATCHKEY_METRICS_LISTEN", "127.0.0.1:0"), ("LATCHKEY_NODE_NAME", "berlin-1")];
    let told = Told::by(&TestApp::start_with(&settings)).await;
    let version = env!("CARGO_PKG_VERSION");
    let name = format!("latchkey_node_info{{node=\"berlin-1\",version=\"{version}\"}}");
    assert_eq!(told.number(&name), 1.0);
}
