//! A file of a form, or the text pasted beside it: `multipart/form-data`, read strictly and never kept on disk.

use std::time::Duration;

use actix_multipart::{Field, Multipart};
use actix_web::{
    HttpMessage, HttpRequest,
    http::header,
    web::{Bytes, Payload},
};
use futures_util::StreamExt;

use crate::error::{AppError, AppResult};

/// How long it may take to arrive.
const PATIENCE: Duration = Duration::from_secs(20);

/// What was sent.
#[derive(Debug, Default)]
pub struct Upload {
    /// `file`; empty when none was chosen.
    pub file: Vec<u8>,
    /// `text`
    pub text: Vec<u8>,
}

impl Upload {
    /// Reads the body, once it is known who sends it. Neither part may be larger than so many bytes.
    ///
    /// # Errors
    /// [`AppError::UnsupportedMediaType`] for another kind of form, [`AppError::TooLarge`], [`AppError::TooSlow`],
    /// [`AppError::BadRequest`] for what our pages do not send.
    pub async fn read(req: &HttpRequest, body: Payload, largest: usize) -> AppResult<Self> {
        let is_form = req.content_type().eq_ignore_ascii_case("multipart/form-data");
        if !is_form || req.headers().contains_key(header::CONTENT_ENCODING) {
            return Err(AppError::UnsupportedMediaType);
        }
        let parts = Multipart::new(req.headers(), body);
        tokio::time::timeout(PATIENCE, read(parts, largest)).await.map_err(|_| AppError::TooSlow)?
    }
}

async fn read(mut parts: Multipart, largest: usize) -> AppResult<Upload> {
    let mut upload = Upload::default();
    let mut seen = Vec::new();
    while let Some(part) = parts.next().await {
        let part = part.map_err(|_| incomplete())?;
        let name = part.name().unwrap_or_default().to_owned();
        let place = match name.as_str() {
            "file" => &mut upload.file,
            "text" => &mut upload.text,
            _ => return Err(unexpected()),
        };
        if seen.contains(&name) {
            return Err(unexpected());
        }
        seen.push(name);
        read_part(part, place, largest).await?;
    }
    Ok(upload)
}

async fn read_part(mut part: Field, into: &mut Vec<u8>, largest: usize) -> AppResult<()> {
    // All of it at once: what grows leaves copies of itself behind, and there may be secrets in it.
    into.reserve_exact(largest);
    while let Some(chunk) = part.next().await {
        let chunk: Bytes = chunk.map_err(|_| incomplete())?;
        if into.len() + chunk.len() > largest {
            return Err(AppError::TooLarge(largest / 1024));
        }
        into.extend_from_slice(&chunk);
    }
    Ok(())
}

fn incomplete() -> AppError {
    AppError::BadRequest("The file arrived incomplete. Send it again.".into())
}

fn unexpected() -> AppError {
    AppError::BadRequest(
        "The form has a field that isn’t expected here, or one of them twice. Reload the page and try again.".into(),
    )
}
