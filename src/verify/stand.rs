//! What stands around every request to `/v1`, in place of what stands around the pages: a request id, the headers that
//! every answer carries, a panic that is caught, and a line in the log for what failed. It is one function, because
//! each layer of actix's own costs a box and a virtual call on every request.

use std::{panic::AssertUnwindSafe, sync::atomic::Ordering, time::Instant};

use actix_http::RequestHead;
use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    http::{ConnectionType, StatusCode, header::HeaderValue},
    web::{Bytes, Data},
};
use futures_util::FutureExt;
use uuid::{Builder, Uuid, fmt::Hyphenated};

use super::{logged::mark_of, problem::Problem};
use crate::{
    app::App,
    metrics::Area,
    web::{client_ip::client_ip, observe},
};

/// Answers, whatever happens on the way to the answer.
pub async fn stand(
    request: &HttpRequest,
    answer: impl Future<Output = Result<HttpResponse, Problem>>,
) -> HttpResponse {
    stand_as(request, any_id(), answer).await
}

/// An id. Nothing depends on nobody guessing it, so it need not be costly randomness.
pub fn any_id() -> Uuid {
    Builder::from_random_bytes(fastrand::u128(..).to_ne_bytes()).into_uuid()
}

/// As [`stand`], for what is in the trail under this id too.
pub async fn stand_as(
    request: &HttpRequest,
    id: Uuid,
    answer: impl Future<Output = Result<HttpResponse, Problem>>,
) -> HttpResponse {
    let app = request.app_data::<Data<App>>().map(|app| &***app);
    around(app, request.head(), (Instant::now(), id), answer).await
}

/// As [`stand`], for a request that began at that moment and may not have come by way of an application.
pub async fn around(
    app: Option<&App>,
    head: &RequestHead,
    (began, id): (Instant, Uuid),
    answer: impl Future<Output = Result<HttpResponse, Problem>>,
) -> HttpResponse {
    let mut response = match AssertUnwindSafe(answer).catch_unwind().await {
        Ok(Ok(response)) => response,
        Ok(Err(problem)) => problem.error_response(),
        // The panic itself was printed where it happened.
        Err(_) => Problem::Other(StatusCode::INTERNAL_SERVER_ERROR).error_response(),
    };
    let id = spell(mark_of(&response).unwrap_or(id));
    if let (Some(app), Some(area)) = (app, Area::of(head.uri.path())) {
        app.engine.metrics().request(area, response.status());
    }
    if response.status().is_server_error() {
        // The query is left out: somebody may have put a secret there.
        let (method, path) = (head.method.as_str(), observe::loggable(head.uri.path()));
        let trusted = app.map_or(&[][..], |app| &app.config.trusted_proxies);
        let peer = head.peer_addr.map(|peer| peer.ip());
        let ip = client_ip(peer, &head.headers, trusted).map(|ip| ip.to_string());
        let (status, ms) = (response.status().as_u16(), began.elapsed().as_millis() as u64);
        let ip = ip.unwrap_or_default();
        tracing::info!(request_id = ?id, method, path, status, ms, ip, "answered");
    }
    let https = app.is_some_and(|app| app.config.is_https());
    observe::add_all_headers(response.headers_mut(), id, https);
    if app.is_some_and(|app| app.is_stopping.load(Ordering::Relaxed)) {
        // The next request on this connection belongs to another node.
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    response
}

/// Spelled like those of the pages.
fn spell(id: Uuid) -> HeaderValue {
    let mut text = [0; Hyphenated::LENGTH];
    id.hyphenated().encode_lower(&mut text);
    HeaderValue::from_maybe_shared(Bytes::copy_from_slice(&text))
        .expect("hexadecimal digits and hyphens are a header's value")
}
