//! HEAD is GET without the body: whoever asks for the head of a page gets the page's.

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::Method,
    middleware::Next,
};

/// Routes HEAD as GET; actix leaves out the body by itself. Not for `/v1`: forward-auth gateways mean HEAD as it is.
///
/// # Errors
/// What the rest of the chain answers.
pub async fn head_as_get<B: MessageBody + 'static>(
    mut req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    if req.method() == Method::HEAD {
        req.head_mut().method = Method::GET;
    }
    next.call(req).await
}
