//! Addresses and handlers: administrators only, nobody else has them.

use actix_session::Session;
use actix_web::{
    HttpRequest, HttpResponse,
    http::Method,
    web::{self, Data, Query, ServiceConfig},
};

use super::{
    commands,
    forms::{Choice, Form, WordingForm},
    logging::{self, LoggingForm},
    model, views,
};
use crate::{
    app::App,
    changes::Change,
    error::{AppError, AppResult},
    presets::{self, wording},
    web::{Fields, Flash, Layout, Problems, invalid, page, see_other},
};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/settings").get(show).post(update))
        .service(web::resource("/settings/logs").post(logging::update))
        .service(web::resource("/settings/wording").post(update_wording))
        .service(web::resource("/settings/confirm/preset").get(confirm_preset))
        .service(web::resource("/settings/preset").post(apply_preset));
}

async fn show(layout: Layout) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let wording = WordingForm::of(&layout.settings);
    let logging = LoggingForm::of(&layout.settings);
    page(&draw(layout, wording, logging, Problems::default()))
}

/// The page, with what was typed.
pub(super) fn draw(
    layout: Layout,
    wording: WordingForm,
    logging: LoggingForm,
    problems: Problems,
) -> views::Show {
    let default_lifetime_days = layout.settings.default_lifetime_days.to_string();
    views::Show { layout, wording, logging, default_lifetime_days, problems }
}

async fn update_wording(
    app: Data<App>,
    layout: Layout,
    session: Session,
    fields: Fields<WordingForm>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let form = fields.into_inner();
    let wording = match form.parse() {
        Ok(wording) => wording,
        Err(problems) => {
            let logging = LoggingForm::of(&layout.settings);
            return invalid(&draw(layout, form, logging, problems));
        }
    };
    let viewer = layout.viewer;
    app.db.write(move |conn| commands::update_wording(conn, &viewer, &wording)).await?;
    Flash::leave(&session, "The words are saved.");
    Ok(see_other("/settings"))
}

/// What no address of ours answers: the other address of the list of keys leads there, the rest is not found. It is
/// looked up each time, so that it can be changed while we run. Whoever is signed in keeps the navigation.
pub async fn other_address(
    app: Data<App>,
    req: HttpRequest,
    _: Option<Layout>,
) -> AppResult<HttpResponse> {
    let path = req.path().strip_prefix('/').unwrap_or_default().to_owned();
    if req.method() != Method::GET || wording::parse_path(&path).as_ref() != Ok(&path) {
        return Err(AppError::NotFound);
    }
    // Without Postgres nothing is known of it, and "not found" is what it would be for most.
    let settings = app.db.read(model::load).await.map_err(|_| AppError::NotFound)?;
    if settings.keys_path == path { Ok(see_other("/keys")) } else { Err(AppError::NotFound) }
}

async fn update(
    app: Data<App>,
    layout: Layout,
    session: Session,
    fields: Fields<Form>,
) -> AppResult<HttpResponse> {
    let mut layout = layout.for_administrators()?;
    let form = fields.into_inner();
    let policies = match form.parse(&layout.settings) {
        Ok(policies) => policies,
        Err(problems) => {
            layout.settings = form.over(layout.settings);
            let wording = WordingForm::of(&layout.settings);
            let default_lifetime_days = form.default_lifetime_days.unwrap_or_default();
            let logging = LoggingForm::of(&layout.settings);
            return invalid(&views::Show {
                layout,
                wording,
                logging,
                default_lifetime_days,
                problems,
            });
        }
    };
    let viewer = layout.viewer;
    app.db.write(move |conn| commands::update_policies(conn, &viewer, policies)).await?;
    Flash::leave(&session, "The policies are saved.");
    Ok(see_other("/settings"))
}

async fn confirm_preset(
    app: Data<App>,
    layout: Layout,
    choice: Query<Choice>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let slug = choice.into_inner().preset;
    if presets::find(&slug).is_none() {
        return Err(AppError::NotFound);
    }
    let viewer = layout.viewer.clone();
    let applied = app.db.read(move |conn| presets::preview(conn, &viewer, &slug)).await?;
    page(&views::Preset { layout, applied })
}

async fn apply_preset(
    app: Data<App>,
    layout: Layout,
    session: Session,
    fields: Fields<Choice>,
) -> AppResult<HttpResponse> {
    let viewer = layout.for_administrators()?.viewer;
    let slug = fields.into_inner().preset;
    let applied = app.db.write(move |conn| presets::apply(conn, &viewer, &slug)).await?;
    app.forget(Change::Catalogue);
    Flash::leave(&session, format!("The preset {} is applied.", applied.preset.name));
    Ok(see_other("/settings"))
}
