//! Refuses requests for names that aren't ours, so that a page elsewhere cannot point its own name at us (DNS rebinding).

use std::net::IpAddr;

use actix_web::{
    Error, HttpRequest,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header,
    middleware::Next,
    web::Data,
};

use crate::{app::App, error::AppError};

/// Lets requests pass that ask for the host of the base URL, for localhost, or for a bare IP address.
///
/// # Errors
/// What the rest of the chain answers.
pub async fn refuse_other_hosts(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let ours = req.app_data::<Data<App>>().is_some_and(|app| is_ours(app, req.request()));
    if !ours {
        return Ok(req.error_response(AppError::WrongHost));
    }
    Ok(next.call(req).await?.map_into_boxed_body())
}

/// Rebinding needs a name; an address cannot be rebound.
pub(super) fn is_ours(app: &App, req: &HttpRequest) -> bool {
    let asked = req
        .uri()
        .authority()
        .map(|authority| authority.as_str())
        .or_else(|| req.headers().get(header::HOST).and_then(|host| host.to_str().ok()));
    let Some(asked) = asked.and_then(|host| format!("http://{host}/").parse::<url::Url>().ok())
    else {
        return false;
    };
    let Some(name) = asked.host_str() else { return false };
    name == "localhost"
        || name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
        || app.config.base_url().host_str() == Some(name)
}
