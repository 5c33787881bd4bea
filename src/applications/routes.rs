//! Addresses and handlers.

use actix_web::{
    HttpResponse,
    web::{self, Data, Path, Query, ServiceConfig},
};
use chrono::Utc;
use serde::Deserialize;

use super::{acts, commands, forms::Form, queries, recovery, reset, secrets, views};
use crate::{
    app::App,
    changes::Change,
    counted::Count,
    error::{AppError, AppResult},
    keys, self_service,
    web::{Fields, Layout, Problems, Ticked, invalid, page, page_with_secret, see_other},
};

/// So many keys are shown on an application's own page.
const NEWEST: i64 = 5;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/applications").get(index).post(create))
        .service(web::resource("/applications/new").get(new))
        .service(web::resource("/applications/{app_id}").get(show))
        .service(web::resource("/keys/confirm/reset").get(reset::choose))
        .service(web::resource("/applications/{app_id}/confirm/reset").get(reset::confirm))
        .service(web::resource("/applications/{app_id}/reset").post(reset::reset))
        .service(
            web::resource("/applications/{app_id}/confirm/keep-secrets")
                .get(recovery::confirm_keep),
        )
        .service(
            web::resource("/applications/{app_id}/confirm/erase-secrets")
                .get(recovery::confirm_erase),
        )
        .service(web::resource("/applications/{app_id}/keep-secrets").post(recovery::keep))
        .service(web::resource("/applications/{app_id}/erase-secrets").post(recovery::erase))
        .service(web::resource("/applications/{app_id}/edit").get(edit))
        .service(web::resource("/applications/{app_id}/rename").post(rename))
        .service(web::resource("/applications/{app_id}/confirm/rotate").get(acts::confirm_rotate))
        .service(web::resource("/applications/{app_id}/rotate").post(acts::rotate))
        .service(web::resource("/applications/{app_id}/confirm/archive").get(acts::confirm_archive))
        .service(web::resource("/applications/{app_id}/archive").post(acts::archive))
        .service(web::resource("/applications/{app_id}/restore").post(acts::restore));
}

/// The address of the list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// Archived ones are listed too.
    archived: Option<Ticked>,
}

async fn index(app: Data<App>, layout: Layout, address: Query<Address>) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let (viewer, show_archived) = (layout.viewer.clone(), address.archived.is_some());
    let applications: Vec<views::Listed> = app
        .db
        .read(move |conn| {
            let counts = queries::count_active_keys(conn, &viewer)?;
            let listed = queries::list(conn, &viewer)?.into_iter().map(|application| {
                let active_keys = counts.get(&application.id).copied().unwrap_or(Count::Exactly(0));
                views::Listed { application, active_keys }
            });
            Ok(listed.collect())
        })
        .await?;
    let (archived, applications): (Vec<_>, Vec<_>) =
        applications.into_iter().partition(|row| row.application.is_archived());
    page(&views::Index { layout, applications, archived, show_archived })
}

async fn show(app: Data<App>, layout: Layout, app_id: Path<String>) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let viewer = layout.viewer.clone();
    let (application, counts, newest, secrets, manages_keys_since) = app
        .db
        .read(move |conn| {
            let application = queries::find(conn, &viewer, &app_id)?;
            let counts = queries::count_keys_of(conn, &viewer, application.id)?;
            let newest = keys::queries::newest_of(conn, &viewer, application.id, NEWEST)?;
            let secrets = secrets::load(conn, &viewer, &application)?;
            let permitted = self_service::permitted_since(conn, &application)?;
            Ok((application, counts, newest, secrets, permitted))
        })
        .await?;
    let has_vault = app.config.vault.is_some();
    page(&views::Show {
        layout,
        application,
        counts,
        newest,
        secrets,
        has_vault,
        manages_keys_since,
        now: Utc::now(),
    })
}

async fn new(layout: Layout) -> AppResult<HttpResponse> {
    let layout = for_changing(layout)?;
    page(&views::New { layout, form: Form::default(), problems: Problems::default() })
}

/// The answer is the one that shows the App Secret. A second submit finds the name taken.
async fn create(app: Data<App>, layout: Layout, fields: Fields<Form>) -> AppResult<HttpResponse> {
    let layout = for_changing(layout)?;
    let form = fields.into_inner();
    let name = match form.parse() {
        Ok(name) => name,
        Err(problems) => return invalid(&views::New { layout, form, problems }),
    };
    let viewer = layout.viewer.clone();
    match app.db.write(move |conn| commands::create(conn, &viewer, &name)).await {
        Ok((application, secret)) => {
            page_with_secret(&views::Reveal { layout, application, secret, again: false })
        }
        Err(error) if error.violates("applications_name") => {
            let problems = form.name_taken();
            invalid(&views::New { layout, form, problems })
        }
        Err(error) => Err(error),
    }
}

async fn edit(app: Data<App>, layout: Layout, app_id: Path<String>) -> AppResult<HttpResponse> {
    let layout = for_changing(layout)?;
    let viewer = layout.viewer.clone();
    let application = app.db.read(move |conn| queries::find(conn, &viewer, &app_id)).await?;
    let form = Form { name: application.name.clone() };
    page(&views::Edit { layout, application, form, problems: Problems::default() })
}

async fn rename(
    app: Data<App>,
    layout: Layout,
    app_id: Path<String>,
    fields: Fields<Form>,
) -> AppResult<HttpResponse> {
    let layout = for_changing(layout)?;
    let (viewer, form) = (layout.viewer.clone(), fields.into_inner());
    let application = app
        .db
        .read({
            let viewer = viewer.clone();
            move |conn| queries::find(conn, &viewer, &app_id)
        })
        .await?;
    let name = match form.parse() {
        Ok(name) => name,
        Err(problems) => return invalid(&views::Edit { layout, application, form, problems }),
    };
    let app_id = application.app_id.clone();
    match app.db.write(move |conn| commands::rename(conn, &viewer, &app_id, &name)).await {
        Ok(application) => {
            app.forget(Change::Application(application.id));
            Ok(see_other(&application.address()))
        }
        Err(error) if error.violates("applications_name") => {
            let problems = form.name_taken();
            invalid(&views::Edit { layout, application, form, problems })
        }
        Err(error) => Err(error),
    }
}

/// Whoever has API access sees applications; only administrators change them.
///
/// # Errors
/// [`AppError::NoApiAccess`], [`AppError::Forbidden`].
pub fn for_changing(layout: Layout) -> AppResult<Layout> {
    let layout = layout.with_api_access()?;
    if layout.viewer.is_administrator() { Ok(layout) } else { Err(AppError::Forbidden) }
}
