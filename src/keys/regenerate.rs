//! Regenerating a key, and revealing what came of it.

use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use serde::Deserialize;

use super::{Key, commands, routes::parse_key, views};
use crate::{
    app::App,
    changes::Change,
    credentials::Secret,
    error::{AppError, AppResult},
    web::{Fields, Layout, page_with_secret},
};

/// The fields of a regeneration.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegenerateForm {
    version: String,
}

/// `POST /keys/{public key}/regenerate`: the new secret, once.
pub async fn regenerate(
    app: Data<App>,
    layout: Layout,
    path: Path<String>,
    form: Fields<RegenerateForm>,
) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let (viewer, public_key) = (layout.viewer.clone(), parse_key(&path)?);
    let version: i32 = form.into_inner().version.parse().map_err(|_| {
        AppError::BadRequest("The form is incomplete. Open the key and try again.".into())
    })?;
    let (key, secret) = app
        .db
        .write(move |conn| commands::regenerate(conn, &viewer, &public_key, Some(version)))
        .await?;
    app.forget(Change::Key(key.id));
    reveal(layout, key, secret, true)
}

/// The secret, in the one answer that has it.
pub(super) fn reveal(
    layout: Layout,
    key: Key,
    secret: Secret,
    again: bool,
) -> AppResult<HttpResponse> {
    let basic = secret.basic_token(&key.public_key);
    page_with_secret(&views::Reveal { layout, key, secret, basic, again })
}
