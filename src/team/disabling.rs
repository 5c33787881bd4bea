//! Handlers of disabling and enabling a person: confirm, then do.

use actix_session::Session;
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};

use super::{
    queries,
    routes::{answer, changed},
    views,
};
use crate::{
    app::App,
    error::AppResult,
    users::standing,
    web::{Button, Fields, Hx, Layout, fragment_or_page},
};

/// `GET /team/{id}/confirm/disable`
pub async fn confirm(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    id: Path<i64>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let viewer = layout.viewer.clone();
    let (member, active_keys) = app
        .db
        .read(move |conn| {
            let member = queries::find(conn, &viewer, *id)?;
            Ok((member, queries::count_active_keys_of(conn, *id)?))
        })
        .await?;
    let page = views::Disable { layout, from_list: hx.is_on("/team"), member, active_keys };
    fragment_or_page(hx, &page.as_dialog(), &page)
}

/// `POST /team/{id}/disable`
pub async fn disable(
    app: Data<App>,
    layout: Layout,
    session: Session,
    hx: Hx,
    id: Path<i64>,
    _: Fields<Button>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let member = changed(&app, &layout.viewer, *id, standing::disable).await?;
    let message = format!("{} is disabled and signed out everywhere.", member.user.name);
    answer(hx, &session, &layout, member, message)
}

/// `POST /team/{id}/enable`
pub async fn enable(
    app: Data<App>,
    layout: Layout,
    session: Session,
    hx: Hx,
    id: Path<i64>,
    _: Fields<Button>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let member = changed(&app, &layout.viewer, *id, standing::enable).await?;
    let message = format!("{} may sign in again.", member.user.name);
    answer(hx, &session, &layout, member, message)
}
