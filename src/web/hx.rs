//! What htmx told us about a request.

use std::{
    convert::Infallible,
    future::{Ready, ready},
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header::HeaderMap};

/// Whether the caller swaps a piece of a page or wants a whole one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hx {
    fragment: bool,
}

impl Hx {
    /// Boosted and history-restoring requests come from htmx too, but want pages.
    pub fn wants_fragment(self) -> bool {
        self.fragment
    }
}

impl From<&HeaderMap> for Hx {
    fn from(headers: &HeaderMap) -> Self {
        let fragment = headers.contains_key("hx-request")
            && !headers.contains_key("hx-boosted")
            && !headers.contains_key("hx-history-restore-request");
        Self { fragment }
    }
}

impl FromRequest for Hx {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::from(req.headers())))
    }
}
