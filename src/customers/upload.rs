//! A file as a browser sends it, or the same pasted into the page.

use std::time::Duration;

use actix_multipart::{
    MultipartError,
    form::{MultipartForm, MultipartFormConfig, bytes::Bytes},
};
use actix_web::{FromRequest, HttpRequest, error::PayloadError, http::header, web::Payload};

use super::sheet::LARGEST;
use crate::error::{AppError, AppResult};

/// How long a file may take to arrive.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(MultipartForm)]
#[multipart(deny_unknown_fields, duplicate_field = "deny")]
struct Fields {
    rows: Option<Bytes>,
    file: Option<Bytes>,
}

/// What was sent.
pub struct Upload {
    /// The file when one was chosen, otherwise what was pasted.
    pub bytes: Vec<u8>,
}

/// Twice the largest file, so that one that is somewhat too large gets its page back with a sentence.
pub fn limits() -> MultipartFormConfig {
    MultipartFormConfig::default().total_limit(2 * LARGEST).memory_limit(2 * LARGEST)
}

impl Upload {
    /// Reads the body, once it is known who sends it.
    ///
    /// # Errors
    /// [`AppError::UnsupportedMediaType`] for another kind of form, [`AppError::TooLarge`], [`AppError::TooSlow`],
    /// [`AppError::BadRequest`] for what our page does not send.
    pub async fn read(req: &HttpRequest, body: Payload) -> AppResult<Self> {
        if req.headers().contains_key(header::CONTENT_ENCODING) {
            return Err(AppError::UnsupportedMediaType);
        }
        let read = MultipartForm::<Fields>::from_request(req, &mut body.into_inner());
        let fields = tokio::time::timeout(PATIENCE, read)
            .await
            .map_err(|_| AppError::TooSlow)?
            .map_err(|error| refused(&error))?
            .into_inner();
        let sent = |part: Option<Bytes>| part.map(|part| part.data).filter(|data| !data.is_empty());
        let bytes = sent(fields.file).or(sent(fields.rows)).unwrap_or_default();
        Ok(Self { bytes: bytes.to_vec() })
    }

    /// What the page can show again.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap_or_default()
    }
}

fn refused(error: &actix_web::Error) -> AppError {
    match error.as_error::<MultipartError>() {
        Some(MultipartError::Payload(PayloadError::Overflow)) => AppError::TooLarge(LARGEST / 1024),
        Some(
            MultipartError::ContentTypeMissing
            | MultipartError::ContentTypeParse
            | MultipartError::ContentTypeIncompatible,
        ) => AppError::UnsupportedMediaType,
        Some(MultipartError::Field { source, .. }) => refused(source),
        _ => AppError::BadRequest(
            "The form arrived incomplete, or has a field that isn’t expected here. Reload the page and try again.".into(),
        ),
    }
}
