//! Pages, compressed for whoever takes it. Unlike actix's own way, which hurries: a third smaller, for a millisecond.

use std::io::Write;

use actix_web::{
    Error, HttpMessage,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header::{self, AcceptEncoding, ContentEncoding, Encoding, Header, HeaderValue},
    middleware::Next,
    web::Bytes,
};
use flate2::{Compression, write::GzEncoder};

/// Smaller answers fit into a packet or two anyway.
const WORTH_IT: usize = 1024;

/// Compresses text that is there as a whole. What has an encoding already is left alone, `identity` too: the pages that
/// show a secret.
///
/// # Errors
/// What the rest of the chain answers.
pub async fn compress(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let is_wanted = accepts_gzip(&req);
    let response = next.call(req).await?.map_into_boxed_body();
    let is_text = response
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|mime| mime.to_str().ok())
        .is_some_and(|mime| mime.starts_with("text/") || mime.starts_with("application/json"));
    if !is_wanted || !is_text || response.headers().contains_key(header::CONTENT_ENCODING) {
        return Ok(response);
    }
    let mut is_compressed = false;
    let mut response = response.map_body(|_, body| match body.try_into_bytes() {
        Ok(whole) if whole.len() >= WORTH_IT => {
            is_compressed = true;
            BoxBody::new(gzip(&whole))
        }
        Ok(whole) => BoxBody::new(whole),
        Err(streamed) => streamed,
    });
    if is_compressed {
        let encoding = HeaderValue::from_static(ContentEncoding::Gzip.as_str());
        response.headers_mut().insert(header::CONTENT_ENCODING, encoding);
    }
    Ok(response)
}

/// Whether the answer may be gzip (RFC 9110, 12.5.3).
pub fn accepts_gzip(req: &impl HttpMessage) -> bool {
    let gzip = Encoding::gzip();
    AcceptEncoding::parse(req)
        .is_ok_and(|accepted| accepted.negotiate([gzip.clone()].iter()) == Some(gzip))
}

fn gzip(text: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(text.len() / 4), Compression::default());
    encoder
        .write_all(text)
        .and_then(|()| encoder.finish())
        .expect("memory takes what it is given")
        .into()
}
