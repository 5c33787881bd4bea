//! Refuses what other sites do in a person's name: `Sec-Fetch-Site` first, then `Origin`. There is no token to lose.

use actix_web::{
    Error, HttpRequest,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header,
    middleware::Next,
};

use super::host::is_ours;
use crate::{app::App, error::AppError};

/// Lets a request that may change something pass only with evidence that one of our own pages sent it.
/// Programs have `/v1` and credentials of their own.
///
/// # Errors
/// What the rest of the chain answers.
pub async fn refuse_cross_site(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if !req.method().is_safe() && !is_same_origin(req.request()) {
        tracing::warn!(kind = "malicious_csrf", path = req.path(), "refused a cross-site request");
        return Ok(req.error_response(AppError::CrossSite));
    }
    Ok(next.call(req).await?.map_into_boxed_body())
}

fn is_same_origin(req: &HttpRequest) -> bool {
    let header =
        |name: &str| req.headers().get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    if let Some(site) = header("sec-fetch-site") {
        // `none` is a typed address or a bookmark, which never carries a form.
        return site == "same-origin";
    }
    let Some(origin) =
        header(header::ORIGIN.as_str()).and_then(|origin| origin.parse::<url::Url>().ok())
    else {
        return false;
    };
    let Some(app) = req.app_data::<actix_web::web::Data<App>>() else { return false };
    let base = app.config.base_url();
    origin.origin() == base.origin() || (is_ours(app, req) && is_the_host_asked(&origin, req))
}

/// Over plain http under another of our names: the page that sends the form was served under that name too.
fn is_the_host_asked(origin: &url::Url, req: &HttpRequest) -> bool {
    let host =
        req.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    origin.as_str().strip_prefix("http://").and_then(|rest| rest.strip_suffix('/')) == Some(host)
}
