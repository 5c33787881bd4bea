//! What htmx told us about a request.

use std::{
    convert::Infallible,
    future::{Ready, ready},
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header::HeaderMap};

/// Whether the caller swaps a piece of a page or wants a whole one.
#[derive(Debug, Clone, Default)]
pub struct Hx {
    fragment: bool,
    /// The path of the page that is open.
    page: Option<String>,
}

impl Hx {
    /// Boosted and history-restoring requests come from htmx too, but want pages.
    pub fn wants_fragment(&self) -> bool {
        self.fragment
    }

    /// Whether the page that is open has this path.
    pub fn is_on(&self, path: &str) -> bool {
        self.fragment && self.page.as_deref() == Some(path)
    }
}

impl From<&HeaderMap> for Hx {
    fn from(headers: &HeaderMap) -> Self {
        let fragment = headers.contains_key("hx-request")
            && !headers.contains_key("hx-boosted")
            && !headers.contains_key("hx-history-restore-request");
        let page = headers
            .get("hx-current-url")
            .and_then(|url| url.to_str().ok()?.parse::<url::Url>().ok())
            .map(|url| url.path().to_owned());
        Self { fragment, page }
    }
}

impl FromRequest for Hx {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::from(req.headers())))
    }
}
