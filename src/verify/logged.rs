//! Handing answers to the request log.

use std::{borrow::Cow, time::Duration};

use actix_http::RequestHead;
use actix_web::{
    HttpResponse,
    http::header::{HeaderName, USER_AGENT},
};
use uuid::Uuid;

use super::{
    Engine,
    facts::GatewayFacts,
    verdict::{Holder, Question, Verdict},
};
use crate::{
    logs::{Answered, Told},
    metrics::Endpoint,
};

/// Under which id a request is in the log: its answer says the same.
struct LoggedAs(Uuid);

/// Has the answer say under which id the log has the request, if it does.
pub fn mark(mut response: HttpResponse, logged: Option<Uuid>) -> HttpResponse {
    if let Some(id) = logged {
        response.extensions_mut().insert(LoggedAs(id));
    }
    response
}

/// The id under which the log has what was answered so.
pub fn mark_of(response: &HttpResponse) -> Option<Uuid> {
    response.extensions().get::<LoggedAs>().map(|logged| logged.0)
}

impl Engine {
    /// Notes an answer; the id under which the log has it, if it does. `told` is what the gateway said of its caller's
    /// request, and asked only if that is to be kept.
    pub(super) fn note<'t>(
        &self,
        gateway: &GatewayFacts,
        (question, verdict): (&Question<'_>, &Verdict),
        (endpoint, took): (Endpoint, Duration),
        told: impl FnOnce() -> Told<'t>,
    ) -> Option<Uuid> {
        let (key_id, application_id) = match &verdict.holder {
            Holder::Nobody => (None, None),
            Holder::Key(key) => (Some(key.id), Some(key.home.application_id)),
            Holder::Application(application) => (None, Some(application.id)),
        };
        let answered = Answered {
            code: verdict.code.slug(),
            detail: &verdict.detail,
            key_id,
            application_id,
            environment_id: gateway.environment_id,
            gateway_id: gateway.id,
            endpoint: match endpoint {
                Endpoint::Verify => "verify",
                Endpoint::Authorize => "authorize",
            },
            scopes: &question.scopes,
            customer: question.customer.as_deref(),
            ip: question.ip,
            took,
        };
        self.log().note(&answered, told)
    }
}

/// What a forward-auth gateway forwards of its caller's request. Where it sets `X-Forwarded-Uri`, the method beside it is
/// its word too; other headers may then be the caller's.
pub fn forwarded(head: &RequestHead) -> Told<'_> {
    static FORWARDED: [HeaderName; 2] =
        [HeaderName::from_static("x-forwarded-method"), HeaderName::from_static("x-forwarded-uri")];
    static ORIGINAL: [HeaderName; 3] = [
        HeaderName::from_static("x-original-method"),
        HeaderName::from_static("x-original-uri"),
        HeaderName::from_static("x-original-url"),
    ];
    let header = |name: &HeaderName| {
        let value = head.headers.get(name).filter(|value| !value.is_empty());
        value.map(|value| String::from_utf8_lossy(value.as_bytes()))
    };
    let (method, path) = match header(&FORWARDED[1]) {
        Some(path) => (header(&FORWARDED[0]), Some(path)),
        None => (header(&ORIGINAL[0]), header(&ORIGINAL[1]).or_else(|| header(&ORIGINAL[2]))),
    };
    Told {
        method: method.unwrap_or(Cow::Borrowed(head.method.as_str())),
        path: path.unwrap_or_default(),
        agent: header(&USER_AGENT).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{http::Method, test::TestRequest};

    use super::*;

    fn told(headers: &[(&'static str, &str)]) -> (String, String) {
        let request = TestRequest::default().method(Method::HEAD);
        let request = headers
            .iter()
            .fold(request, |request, header| request.insert_header((header.0, header.1)));
        let request = request.to_request();
        let told = forwarded(request.head());
        (told.method.into_owned(), told.path.into_owned())
    }

    #[test]
    fn the_gateways_word_counts_and_not_what_its_caller_put_beside_it() {
        for (headers, method, path) in [
            (&[][..], "HEAD", ""),
            (&[("x-forwarded-uri", "/a"), ("x-forwarded-method", "PUT")], "PUT", "/a"),
            (&[("x-original-uri", "/a"), ("x-original-method", "PUT")], "PUT", "/a"),
            (&[("x-original-url", "https://x.example/a")], "HEAD", "https://x.example/a"),
            // nginx empties what it does not set itself.
            (
                &[
                    ("x-forwarded-uri", ""),
                    ("x-forwarded-method", "FORGED"),
                    ("x-original-uri", "/a"),
                    ("x-original-method", "PUT"),
                ],
                "PUT",
                "/a",
            ),
            // Traefik and Caddy pass on what they do not know.
            (
                &[
                    ("x-forwarded-uri", "/a"),
                    ("x-forwarded-method", "PUT"),
                    ("x-original-uri", "/forged"),
                    ("x-original-method", "FORGED"),
                ],
                "PUT",
                "/a",
            ),
        ] {
            assert_eq!(told(headers), (method.into(), path.into()), "{headers:?}");
        }
    }
}
