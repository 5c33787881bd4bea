//! HEAD is GET without the body: whoever asks for the head of a page gets the page's.

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::Method,
    middleware::Next,
};

/// Routes HEAD as GET; actix leaves out the body by itself. Forward-auth gateways mean HEAD as it is, so not under `/v1`.
///
/// # Errors
/// What the rest of the chain answers.
pub async fn head_as_get<B: MessageBody + 'static>(
    mut req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    if req.method() == Method::HEAD && !req.path().starts_with("/v1/") {
        req.head_mut().method = Method::GET;
    }
    next.call(req).await
}
