//! What `/openapi.json` and `/reference` say, and that it is true.

mod answers;
mod conforming;
mod reading;
mod webhooks;

use serde_json::Value;

use crate::support::TestApp;

/// The document, as programs get it.
async fn document(app: &TestApp) -> Value {
    let answer = app.visitor().get("/openapi.json").await;
    answer.assert_status(200);
    serde_json::from_str(answer.body()).unwrap()
}
