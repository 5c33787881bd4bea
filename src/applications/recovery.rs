//! Handlers: whether an application's secrets are kept.

use actix_session::Session;
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};

use super::{queries, secrets, views};
use crate::{
    app::App,
    error::{AppError, AppResult},
    web::{Button, Fields, Flash, Hx, Layout, fragment_or_page, see_other},
};

/// `GET /applications/{app_id}/confirm/keep-secrets`: what switching it on means.
pub async fn confirm_keep(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    app_id: Path<String>,
) -> AppResult<HttpResponse> {
    confirm(&app, layout, hx, app_id.into_inner(), true).await
}

/// `GET /applications/{app_id}/confirm/erase-secrets`: what switching it off means.
pub async fn confirm_erase(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    app_id: Path<String>,
) -> AppResult<HttpResponse> {
    confirm(&app, layout, hx, app_id.into_inner(), false).await
}

async fn confirm(
    app: &App,
    layout: Layout,
    hx: Hx,
    app_id: String,
    keep: bool,
) -> AppResult<HttpResponse> {
    let layout = super::routes::for_changing(layout)?;
    let viewer = layout.viewer.clone();
    let (application, secrets) = app
        .db
        .read(move |conn| {
            let application = queries::find(conn, &viewer, &app_id)?;
            let secrets = secrets::load(conn, &viewer, &application)?;
            Ok((application, secrets.ok_or(AppError::Forbidden)?))
        })
        .await?;
    let has_vault = app.config.vault.is_some();
    let page = views::Recovery { layout, application, secrets, keep, has_vault };
    fragment_or_page(hx, &page.as_dialog(), &page)
}

/// `POST /applications/{app_id}/keep-secrets`
pub async fn keep(
    app: Data<App>,
    layout: Layout,
    session: Session,
    app_id: Path<String>,
    _: Fields<Button>,
) -> AppResult<HttpResponse> {
    let viewer = super::routes::for_changing(layout)?.viewer;
    if app.config.vault.is_none() {
        return Err(secrets::refuse_without_vault());
    }
    let application =
        app.db.write(move |conn| secrets::keep_secrets(conn, &viewer, &app_id)).await?;
    Flash::leave(&session, format!("New secrets of {} are kept recoverable.", application.name));
    Ok(see_other(&application.address()))
}

/// `POST /applications/{app_id}/erase-secrets`
pub async fn erase(
    app: Data<App>,
    layout: Layout,
    session: Session,
    app_id: Path<String>,
    _: Fields<Button>,
) -> AppResult<HttpResponse> {
    let viewer = super::routes::for_changing(layout)?.viewer;
    let application =
        app.db.write(move |conn| secrets::erase_secrets(conn, &viewer, &app_id)).await?;
    Flash::leave(&session, format!("The kept secrets of {} are erased.", application.name));
    Ok(see_other(&application.address()))
}
