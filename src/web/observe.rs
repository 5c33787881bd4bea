//! Around everything: a request id, the security headers, one line in the log.

use std::{sync::atomic::Ordering, time::Instant};

use actix_web::{
    Error, HttpMessage, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        ConnectionType, StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web::Data,
};
use uuid::Uuid;

use super::client_ip::client_ip;
use crate::{app::App, metrics::Area, users::Origin};

const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'";

/// Gives the request its id and origin, and every answer, also failures, its headers.
/// The log line has the path but never the query: somebody may have put a secret there.
///
/// # Errors
/// What the rest of the chain answers, with the headers added.
pub async fn observe(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let began = Instant::now();
    let id = Uuid::new_v4();
    let app = req.app_data::<Data<App>>();
    let trusted = app.map_or(&[][..], |app| &app.config.trusted_proxies);
    let https = app.is_some_and(|app| app.config.is_https());
    let area = Area::of(req.path());
    let app = app.cloned();
    let origin = Origin {
        ip: client_ip(req.peer_addr().map(|peer| peer.ip()), req.headers(), trusted),
        request_id: Some(id),
    };
    req.extensions_mut().insert(origin);
    let method = req.method().clone();
    let path = loggable(req.path());

    let outcome = next.call(req).await;

    let status = match &outcome {
        Ok(response) => response.status(),
        Err(error) => error.as_response_error().status_code(),
    };
    if let (Some(area), Some(app)) = (area, &app) {
        app.engine.metrics().request(area, status);
    }
    log(id, method.as_str(), &path, status, began, origin);
    let id =
        HeaderValue::from_str(&id.to_string()).expect("digits and hyphens are a header’s value");
    match outcome {
        Ok(response) => {
            let mut response = response.map_into_boxed_body();
            add_headers(response.headers_mut(), id, https);
            if app.is_some_and(|app| app.is_stopping.load(Ordering::Relaxed)) {
                // The next request on this connection belongs to another node.
                response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
            }
            Ok(response)
        }
        Err(mut error) => {
            error.add_response_mapper(move |mut response: HttpResponse| {
                add_headers(response.headers_mut(), id.clone(), https);
                response
            });
            Err(error)
        }
    }
}

/// Files and questions of health come many times a minute; only their failures are worth a line.
fn log(id: Uuid, method: &str, path: &str, status: StatusCode, began: Instant, origin: Origin) {
    let quiet = path.starts_with("/static/") || path == "/healthz" || path == "/readyz";
    if quiet && !status.is_server_error() {
        return;
    }
    let ip = origin.ip.map(|ip| ip.to_string()).unwrap_or_default();
    let ms = began.elapsed().as_millis() as u64;
    tracing::info!(request_id = %id, method, path, status = status.as_u16(), ms, ip, "answered");
}

/// A path as the log may have it: a secret pasted into the address bar must not reach it.
pub fn loggable(path: &str) -> String {
    if crate::credentials::Presented::looks_secret(path) {
        "[a secret]".into()
    } else {
        path.chars().take(512).collect()
    }
}

/// What every answer carries unless it says otherwise.
static HEADERS: [(HeaderName, HeaderValue); 7] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY)),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::CROSS_ORIGIN_OPENER_POLICY, HeaderValue::from_static("same-origin")),
    (header::CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("same-origin")),
    (
        header::PERMISSIONS_POLICY,
        HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=()"),
    ),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];
static TRANSPORT_SECURITY: HeaderValue =
    HeaderValue::from_static("max-age=63072000; includeSubDomains");
static VARY: HeaderValue =
    HeaderValue::from_static("Accept-Encoding, HX-Request, Sec-Fetch-Site, Origin");
static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Adds what every answer carries unless it says otherwise.
pub fn add_headers(headers: &mut HeaderMap, id: HeaderValue, https: bool) {
    for (name, value) in &HEADERS {
        if !headers.contains_key(name) {
            headers.append(name.clone(), value.clone());
        }
    }
    headers.append(REQUEST_ID.clone(), id);
    headers.append(header::VARY, VARY.clone());
    if https && !headers.contains_key(header::STRICT_TRANSPORT_SECURITY) {
        headers.append(header::STRICT_TRANSPORT_SECURITY, TRANSPORT_SECURITY.clone());
    }
}

/// Adds it to an answer that has nothing of it yet: thousands of times a second, so without looking.
pub fn add_all_headers(headers: &mut HeaderMap, id: HeaderValue, https: bool) {
    for (name, value) in &HEADERS {
        headers.append(name.clone(), value.clone());
    }
    headers.append(REQUEST_ID.clone(), id);
    headers.append(header::VARY, VARY.clone());
    if https {
        headers.append(header::STRICT_TRANSPORT_SECURITY, TRANSPORT_SECURITY.clone());
    }
}
