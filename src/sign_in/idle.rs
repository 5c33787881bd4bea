//! What a page asks by itself, with nobody at it, keeps no session alive: whoever left their desk is signed out after
//! the idle limit, however many pages they left open.

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
};

use crate::notices;

tokio::task_local! {
    static BY_ITSELF: ();
}

/// Marks such requests, for the store of sessions.
///
/// # Errors
/// What the rest of the chain answers.
pub async fn leave_idle<B: MessageBody>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    if req.path() == notices::UNREAD {
        BY_ITSELF.scope((), next.call(req)).await
    } else {
        next.call(req).await
    }
}

/// Whether this request is one.
pub(super) fn is_by_itself() -> bool {
    BY_ITSELF.try_with(|()| ()).is_ok()
}
