//! `/healthz` and `/readyz`, described.

use utoipa::openapi::{
    HttpMethod, PathItem,
    path::{OperationBuilder, PathItemBuilder},
};

use super::{document, parts::plain};

/// Whether the process lives.
pub fn alive() -> PathItem {
    let operation = OperationBuilder::new()
        .operation_id(Some("healthz"))
        .tag(document::HEALTH)
        .summary(Some("Whether the process lives"))
        .description(Some("For whoever restarts what does not answer. Asks nothing of Postgres."))
        .securities(Some([]))
        .response("200", plain("It lives.", "ok\n"));
    PathItemBuilder::new().operation(HttpMethod::Get, operation).build()
}

/// Whether requests should be sent here.
pub fn ready() -> PathItem {
    let operation = OperationBuilder::new()
        .operation_id(Some("readyz"))
        .tag(document::HEALTH)
        .summary(Some("Whether requests should be sent here"))
        .description(Some(
            "For load balancers. A node that is asked to end says no first and finishes what is under way.",
        ))
        .securities(Some([]))
        .response("200", plain("Postgres answers, and the process is not ending.", "ready\n"))
        .response("503", plain("It is ending, or Postgres does not answer.", "ending\n"));
    PathItemBuilder::new().operation(HttpMethod::Get, operation).build()
}
