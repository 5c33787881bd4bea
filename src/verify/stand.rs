//! What stands around every request to `/v1`, in place of what stands around the pages: a request id, the headers that
//! every answer carries, a panic that is caught, and a line in the log for what failed. It is one function, because
//! each layer of actix's own costs a box and a virtual call on every request.

use std::{panic::AssertUnwindSafe, sync::atomic::Ordering};

use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    http::{ConnectionType, StatusCode, header::HeaderValue},
    web::{Bytes, Data},
};
use futures_util::FutureExt;
use uuid::{Builder, fmt::Hyphenated};

use super::problem::Problem;
use crate::{app::App, web::observe};

/// Answers, whatever happens on the way to the answer.
pub async fn stand(
    request: &HttpRequest,
    answer: impl Future<Output = Result<HttpResponse, Problem>>,
) -> HttpResponse {
    let mut response = match AssertUnwindSafe(answer).catch_unwind().await {
        Ok(Ok(response)) => response,
        Ok(Err(problem)) => problem.error_response(),
        // The panic itself was printed where it happened.
        Err(_) => Problem::Other(StatusCode::INTERNAL_SERVER_ERROR).error_response(),
    };
    let id = request_id();
    let app = request.app_data::<Data<App>>();
    if response.status().is_server_error() {
        // The query is left out: somebody may have put a secret there.
        let (method, path) = (request.method().as_str(), observe::loggable(request.path()));
        tracing::info!(request_id = ?id, method, path, status = response.status().as_u16(), "answered");
    }
    let https = app.is_some_and(|app| app.config.is_https());
    observe::add_all_headers(response.headers_mut(), id, https);
    if app.is_some_and(|app| app.is_stopping.load(Ordering::Relaxed)) {
        // The next request on this connection belongs to another node.
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    response
}

/// Spelled like those of the pages. Nothing depends on nobody guessing it, so it need not be costly randomness.
fn request_id() -> HeaderValue {
    let id = Builder::from_random_bytes(fastrand::u128(..).to_ne_bytes()).into_uuid();
    let mut text = [0; Hyphenated::LENGTH];
    id.hyphenated().encode_lower(&mut text);
    HeaderValue::from_maybe_shared(Bytes::copy_from_slice(&text))
        .expect("hexadecimal digits and hyphens are a header's value")
}
