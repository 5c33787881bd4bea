//! Resetting all keys of an application in one environment: what will stop working, the password, the new secrets.

use actix_session::Session;
use actix_web::{
    HttpResponse,
    web::{Data, Path, Query},
};
use chrono::{TimeDelta, Utc};
use diesel::PgConnection;
use serde::Deserialize;
use uuid::Uuid;

use super::{Application, queries, views};
use crate::{
    app::App,
    changes::Change,
    environments::{self, Environment},
    error::{AppError, AppResult},
    keys::{self, Typed, WhoBreaks},
    sign_in::{self, Confirmed},
    text, usage,
    users::Viewer,
    web::{Fields, Layout, Problems, invalid, page, page_with_secret},
};

/// `GET /keys/confirm/reset`: of which application and environment, for whoever comes from the list of keys.
pub async fn choose(app: Data<App>, layout: Layout) -> AppResult<HttpResponse> {
    let layout = super::routes::for_changing(layout)?;
    let viewer = layout.viewer.clone();
    let places = app.db.read(move |conn| queries::with_active_keys(conn, &viewer)).await?;
    page(&views::ResetWhich { layout, places })
}

/// Which environment.
#[derive(Deserialize)]
pub struct Where {
    #[serde(default)]
    environment: String,
}

/// `GET /applications/{app_id}/confirm/reset?environment=SLUG`
pub async fn confirm(
    app: Data<App>,
    layout: Layout,
    app_id: Path<String>,
    asked: Query<Where>,
) -> AppResult<HttpResponse> {
    let layout = super::routes::for_changing(layout)?;
    let slug = asked.into_inner().environment;
    page(&ask(&app, layout, app_id.into_inner(), slug, Uuid::new_v4()).await?)
}

/// The fields of a reset.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    #[serde(default)]
    environment: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    nonce: String,
    /// The application's name, where one of its keys was used a moment ago.
    #[serde(default)]
    typed: String,
}

/// `POST /applications/{app_id}/reset`: all new secrets, once, together.
pub async fn reset(
    app: Data<App>,
    layout: Layout,
    session: Session,
    app_id: Path<String>,
    fields: Fields<Form>,
) -> AppResult<HttpResponse> {
    let layout = super::routes::for_changing(layout)?;
    let form = fields.into_inner();
    let nonce: Uuid = form.nonce.parse().map_err(|_| {
        AppError::BadRequest("The form is incomplete. Open the application and try again.".into())
    })?;
    let mut asked = ask(&app, layout, app_id.into_inner(), form.environment, nonce).await?;
    let is_typed = text::tidy(&form.typed) == text::tidy(&asked.application.name);
    if !is_typed && let Some(typed) = asked.typed.take() {
        asked.typed = Some(typed.wrong(&form.typed));
        return invalid(&asked);
    }
    match sign_in::confirm(&app, &asked.layout.viewer, &session, form.password).await? {
        Confirmed::Yes => {}
        Confirmed::No(sentence) => {
            asked.problems = Problems::one("password", sentence);
            return invalid(&asked);
        }
    }
    let views::Reset { layout, application, environment, .. } = asked;
    let (viewer, vault) = (layout.viewer.clone(), app.config.vault.clone());
    let (application, environment, made) = app
        .db
        .write(move |conn| {
            let made = keys::commands::reset(
                conn,
                vault.as_ref(),
                &viewer,
                nonce,
                &application,
                &environment,
            )?;
            Ok((application, environment, made))
        })
        .await
        .map_err(used_before)?;
    for (key, _) in &made {
        app.forget(Change::Key(key.id));
    }
    page_with_secret(&views::ResetDone::new(layout, application, environment, made))
}

fn used_before(error: AppError) -> AppError {
    if error.violates("key_resets_pkey") {
        return AppError::Conflict(
            "These keys were reset with this form already, and the new secrets were shown once. Nothing was done now; if they were not copied, open the application and reset again.".into(),
        );
    }
    error
}

async fn ask(
    app: &App,
    layout: Layout,
    app_id: String,
    slug: String,
    nonce: Uuid,
) -> AppResult<views::Reset> {
    let viewer = layout.viewer.clone();
    let (application, environment, stopping, who) =
        app.db.read(move |conn| stopping(conn, &viewer, &app_id, &slug)).await?;
    let typed = Typed::name_of("the application’s name", &application.name, &who);
    let problems = Problems::default();
    Ok(views::Reset { layout, application, environment, stopping, who, typed, nonce, problems })
}

/// What would stop working.
fn stopping(
    conn: &mut PgConnection,
    viewer: &Viewer,
    app_id: &str,
    slug: &str,
) -> AppResult<(Application, Environment, Vec<views::Stopping>, WhoBreaks)> {
    let application = queries::find(conn, viewer, app_id)?;
    if !text::is_showable(slug) {
        return Err(AppError::NotFound);
    }
    let environment = environments::find_by_slug(conn, slug)?.ok_or(AppError::NotFound)?;
    let now = Utc::now();
    let active = keys::queries::active_of(conn, viewer, application.id, environment.id, now)?;
    let ids: Vec<i64> = active.iter().map(|key| key.id).collect();
    let who = WhoBreaks::of(conn, &active, now)?;
    let mut recent = usage::valid_since(conn, &ids, now - TimeDelta::days(1))?;
    let stopping = active
        .into_iter()
        .map(|key| {
            let requests = recent.remove(&key.id).unwrap_or_default();
            views::Stopping { key, requests }
        })
        .collect();
    Ok((application, environment, stopping, who))
}
