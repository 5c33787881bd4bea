//! What happens to an application besides another name: a new App Secret, and its end.

use actix_session::Session;
use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Data, Path},
};
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{commands, queries, routes::for_changing, views};
use crate::{
    app::App,
    changes::Change,
    error::{AppError, AppResult},
    web::{
        Button, Fields, Flash, Hx, Layout, fragment_or_page, page_with_secret, see_other,
        with_status,
    },
};

/// So many of the keys that keep an application from being archived are named.
const NAMED: i64 = 10;

/// `GET /applications/{app_id}/confirm/rotate`: a dialog for htmx, a page without it.
pub async fn confirm_rotate(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    app_id: Path<String>,
) -> AppResult<HttpResponse> {
    let layout = for_changing(layout)?;
    let viewer = layout.viewer.clone();
    let application = app.db.read(move |conn| queries::find(conn, &viewer, &app_id)).await?;
    if application.is_archived() {
        return Err(AppError::Conflict(format!(
            "{} is archived: its App Secret is refused anyway. Restore it first.",
            application.name
        )));
    }
    let page = views::Rotate { layout, application };
    fragment_or_page(hx, &page.as_dialog(), &page)
}

/// The fields of a rotation.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// When the App Secret was made that the page was drawn with.
    made: String,
}

/// `POST /applications/{app_id}/rotate`: the new App Secret, once.
pub async fn rotate(
    app: Data<App>,
    layout: Layout,
    app_id: Path<String>,
    form: Fields<Rotation>,
) -> AppResult<HttpResponse> {
    let layout = for_changing(layout)?;
    let made: DateTime<Utc> = form.into_inner().made.parse().map_err(|_| {
        AppError::BadRequest("The form is incomplete. Open the application and try again.".into())
    })?;
    let viewer = layout.viewer.clone();
    let (application, secret) =
        app.db.write(move |conn| commands::rotate(conn, &viewer, &app_id, made)).await?;
    app.forget(Change::Application(application.id));
    page_with_secret(&views::Reveal { layout, application, secret, again: true })
}

/// `GET /applications/{app_id}/confirm/archive`: a dialog for htmx, a page without it.
pub async fn confirm_archive(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    app_id: Path<String>,
) -> AppResult<HttpResponse> {
    let page = ask_to_archive(&app, for_changing(layout)?, app_id.into_inner()).await?;
    fragment_or_page(hx, &page.as_dialog(), &page)
}

/// `POST /applications/{app_id}/archive`
pub async fn archive(
    app: Data<App>,
    layout: Layout,
    session: Session,
    app_id: Path<String>,
    _: Fields<Button>,
) -> AppResult<HttpResponse> {
    let layout = for_changing(layout)?;
    let (viewer, app_id) = (layout.viewer.clone(), app_id.into_inner());
    let asked = app_id.clone();
    match app.db.write(move |conn| commands::archive(conn, &viewer, &asked)).await {
        Ok(application) => {
            app.forget(Change::Application(application.id));
            Flash::leave(
                &session,
                format!("{} is archived. Its App Secret is refused.", application.name),
            );
            Ok(see_other("/applications"))
        }
        // Which keys are in the way is said on the page that asked.
        Err(AppError::Conflict(_)) => {
            let page = ask_to_archive(&app, layout, app_id).await?;
            with_status(StatusCode::CONFLICT, &page)
        }
        Err(error) => Err(error),
    }
}

/// `POST /applications/{app_id}/restore`
pub async fn restore(
    app: Data<App>,
    layout: Layout,
    session: Session,
    app_id: Path<String>,
    _: Fields<Button>,
) -> AppResult<HttpResponse> {
    let viewer = for_changing(layout)?.viewer;
    let application = app.db.write(move |conn| commands::restore(conn, &viewer, &app_id)).await?;
    app.forget(Change::Application(application.id));
    Flash::leave(
        &session,
        format!("{} is restored. Its App Secret works again.", application.name),
    );
    Ok(see_other(&application.address()))
}

async fn ask_to_archive(app: &App, layout: Layout, app_id: String) -> AppResult<views::Archive> {
    let viewer = layout.viewer.clone();
    let (application, (in_the_way, count)) = app
        .db
        .read(move |conn| {
            let application = queries::find(conn, &viewer, &app_id)?;
            let active = queries::active_keys_of(conn, &viewer, application.id, NAMED)?;
            Ok((application, active))
        })
        .await?;
    Ok(views::Archive { layout, application, in_the_way, count })
}
