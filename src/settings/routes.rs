//! Addresses and handlers: administrators only, nobody else has them.

use actix_session::Session;
use actix_web::{
    HttpResponse,
    web::{self, Data, Query, ServiceConfig},
};

use super::{
    commands,
    forms::{Choice, Form},
    views,
};
use crate::{
    app::App,
    changes::Change,
    environments,
    error::{AppError, AppResult},
    presets, scopes,
    web::{Fields, Flash, Layout, Problems, invalid, page, see_other},
};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/settings").get(show).post(update))
        .service(web::resource("/settings/confirm/preset").get(confirm_preset))
        .service(web::resource("/settings/preset").post(apply_preset));
}

async fn show(app: Data<App>, layout: Layout) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let days = layout.settings.default_lifetime_days.to_string();
    page(&draw(&app, layout, days, Problems::default()).await?)
}

async fn draw(
    app: &App,
    layout: Layout,
    default_lifetime_days: String,
    problems: Problems,
) -> AppResult<views::Show> {
    let (environments, catalogue) =
        app.db.read(|conn| Ok((environments::list(conn)?, scopes::catalogue(conn)?))).await?;
    Ok(views::Show { layout, environments, catalogue, default_lifetime_days, problems })
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
            let days = form.default_lifetime_days.unwrap_or_default();
            return invalid(&draw(&app, layout, days, problems).await?);
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
