//! Templates become answers.

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
};
use askama::Template;

use super::Hx;
use crate::error::AppResult;

/// A page, 200.
///
/// # Errors
/// When the template cannot be drawn.
pub fn page(template: &impl Template) -> AppResult<HttpResponse> {
    with_status(StatusCode::OK, template)
}

/// A form that was not understood, 422: the same page with what was typed and what is wrong with it.
///
/// # Errors
/// As [`page`].
pub fn invalid(template: &impl Template) -> AppResult<HttpResponse> {
    with_status(StatusCode::UNPROCESSABLE_ENTITY, template)
}

/// The one page that shows a secret. Never compressed: what is typed elsewhere on it must not help to guess it.
///
/// # Errors
/// As [`page`].
pub fn page_with_secret(template: &impl Template) -> AppResult<HttpResponse> {
    let mut response = page(template)?;
    response
        .headers_mut()
        .insert(header::CONTENT_ENCODING, header::HeaderValue::from_static("identity"));
    Ok(response)
}

/// As [`invalid`], for a form in a dialog that htmx sent: the dialog again, in the place of itself.
///
/// # Errors
/// As [`page`].
pub fn invalid_dialog(template: &impl Template) -> AppResult<HttpResponse> {
    let mut response = invalid(template)?;
    let headers = response.headers_mut();
    headers.insert(
        header::HeaderName::from_static("hx-retarget"),
        header::HeaderValue::from_static("#dialogs"),
    );
    headers.insert(
        header::HeaderName::from_static("hx-reswap"),
        header::HeaderValue::from_static("innerHTML"),
    );
    Ok(response)
}

/// A page with another status.
///
/// # Errors
/// As [`page`].
pub fn with_status(status: StatusCode, template: &impl Template) -> AppResult<HttpResponse> {
    Ok(HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .body(template.render()?))
}

/// One address, two answers: the piece htmx swaps, or the page it is a piece of.
///
/// # Errors
/// As [`page`].
pub fn fragment_or_page(
    hx: Hx,
    fragment: &impl Template,
    whole: &impl Template,
) -> AppResult<HttpResponse> {
    if hx.wants_fragment() { page(fragment) } else { page(whole) }
}

/// After a change: go and look (303, so that a reload repeats nothing).
pub fn see_other(address: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, address)).finish()
}
