//! A file of a form, or the text pasted beside it: `multipart/form-data`, read strictly and never kept on disk.

use std::{future::Future, pin::Pin, time::Duration};

use actix_multipart::{Field, Multipart};
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, http::header};
use futures_util::StreamExt;

use crate::{error::AppError, presets::Fault};

/// No catalogue is larger, in bytes.
const LIMIT: usize = 256 * 1024;
/// How long it may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// What was sent.
#[derive(Default)]
pub struct Upload {
    file: Vec<u8>,
    text: Vec<u8>,
}

impl Upload {
    /// The file, or what was pasted.
    ///
    /// # Errors
    /// What can be shown of it, and what is wrong.
    pub fn into_text(self) -> Result<String, (String, Fault)> {
        let wrong = |text: String, sentence: &str| {
            Err((text, Fault { line: 1, sentence: sentence.to_owned() }))
        };
        let Self { file, text } = self;
        let is_blank = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_whitespace);
        let bytes = match (is_blank(&file), is_blank(&text)) {
            (true, true) => return wrong(String::new(), "Choose a file, or paste its text."),
            (false, false) => {
                let text = String::from_utf8(text).unwrap_or_default();
                return wrong(text, "Both a file and text were sent. Choose one of the two.");
            }
            (false, true) => file,
            (true, false) => text,
        };
        match String::from_utf8(bytes) {
            // A byte order mark says what is known anyway.
            Ok(text) => Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)),
            Err(_) => wrong(
                String::new(),
                "The file is no text in UTF-8. Save it as UTF-8 and try again.",
            ),
        }
    }
}

impl FromRequest for Upload {
    type Error = AppError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, AppError>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_form = req.content_type().eq_ignore_ascii_case("multipart/form-data");
        let is_encoded = req.headers().contains_key(header::CONTENT_ENCODING);
        let multipart = Multipart::new(req.headers(), payload.take());
        Box::pin(async move {
            if !is_form || is_encoded {
                return Err(AppError::UnsupportedMediaType);
            }
            tokio::time::timeout(PATIENCE, read(multipart)).await.map_err(|_| AppError::TooSlow)?
        })
    }
}

async fn read(mut multipart: Multipart) -> Result<Upload, AppError> {
    let mut upload = Upload::default();
    let mut seen = Vec::new();
    while let Some(field) = multipart.next().await {
        let field = field.map_err(|_| incomplete())?;
        let name = field.name().unwrap_or_default().to_owned();
        let place = match name.as_str() {
            "file" => &mut upload.file,
            "text" => &mut upload.text,
            _ => return Err(unexpected()),
        };
        if seen.contains(&name) {
            return Err(unexpected());
        }
        seen.push(name);
        read_field(field, place).await?;
    }
    Ok(upload)
}

async fn read_field(mut field: Field, into: &mut Vec<u8>) -> Result<(), AppError> {
    while let Some(chunk) = field.next().await {
        let chunk = chunk.map_err(|_| incomplete())?;
        if into.len() + chunk.len() > LIMIT {
            return Err(AppError::TooLarge(LIMIT / 1024));
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
