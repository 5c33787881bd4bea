//! Who may sign in and who may not.

use actix_session::Session;
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use diesel::PgConnection;

use super::{api_access::answer, queries, views};
use crate::{
    app::App,
    error::AppResult,
    users::{Member, User, Viewer, standing},
    web::{Button, Fields, Hx, Layout, fragment_or_page},
};

/// `GET /team/{id}/confirm/disable`
pub async fn confirm_disable(
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

/// `POST /team/{id}/disable`: may not sign in any more.
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
    answer(hx, &session, &layout, member, message, "/team")
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
    answer(hx, &session, &layout, member, message, "/team")
}

async fn changed(
    app: &App,
    viewer: &Viewer,
    id: i64,
    change: fn(&mut PgConnection, &Viewer, i64) -> AppResult<User>,
) -> AppResult<Member> {
    let viewer = viewer.clone();
    app.db
        .write(move |conn| {
            change(conn, &viewer, id)?;
            queries::find(conn, &viewer, id)
        })
        .await
}
