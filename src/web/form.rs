//! Forms, read strictly: one content type, a bounded body, no unknown fields, no field twice unless it is a list.

use std::{future::Future, pin::Pin, time::Duration};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, http::header, web::BytesMut};
use futures_util::StreamExt;
use serde::{Deserialize, de::DeserializeOwned};

use crate::error::AppError;

/// Few forms of ours are larger, in bytes.
const USUAL: usize = 16 * 1024;
/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(5);

/// A form that is only a button.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Button {}

/// A box that is ticked; one that isn't is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ticked {
    Yes,
}

/// A form as typed. `T` names its fields and refuses others (`deny_unknown_fields`); a list is a `Vec`.
/// `LIMIT`: how many bytes it may have.
pub struct Fields<T, const LIMIT: usize = USUAL>(pub T);

impl<T, const LIMIT: usize> Fields<T, LIMIT> {
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T: DeserializeOwned + 'static, const LIMIT: usize> FromRequest for Fields<T, LIMIT> {
    type Error = AppError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, AppError>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_form = req.content_type().eq_ignore_ascii_case("application/x-www-form-urlencoded");
        let is_encoded = req.headers().contains_key(header::CONTENT_ENCODING);
        let payload = payload.take();
        Box::pin(async move {
            if !is_form || is_encoded {
                return Err(AppError::UnsupportedMediaType);
            }
            let body = tokio::time::timeout(PATIENCE, read(payload, LIMIT))
                .await
                .map_err(|_| AppError::TooSlow)??;
            serde_html_form::from_bytes(&body).map(Self).map_err(|_| {
                AppError::BadRequest("The form has a field that isn’t expected here, or one of them twice. Reload the page and try again.".into())
            })
        })
    }
}

async fn read(mut payload: Payload, limit: usize) -> Result<BytesMut, AppError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| {
            AppError::BadRequest("The form arrived incomplete. Send it again.".into())
        })?;
        if body.len() + chunk.len() > limit {
            return Err(AppError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
