//! Addresses and handlers: administrators only, nobody else has them.

use actix_session::Session;
use actix_web::{
    HttpResponse,
    web::{self, Data, Path, ServiceConfig},
};

use super::{
    Gateway, commands,
    forms::{NewGateway, Rename, name_taken},
    queries, views,
};
use crate::{
    app::App,
    changes::Change,
    environments,
    error::AppResult,
    web::{
        Button, Fields, Flash, Hx, Layout, Problems, fragment_or_page, invalid, page,
        page_with_secret, see_other,
    },
};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/gateways").get(index).post(create))
        .service(web::resource("/gateways/new").get(new))
        .service(web::resource("/gateways/{id}/edit").get(edit))
        .service(web::resource("/gateways/{id}/rename").post(rename))
        .service(web::resource("/gateways/{id}/confirm/revoke").get(confirm_revoke))
        .service(web::resource("/gateways/{id}/revoke").post(revoke));
}

async fn index(app: Data<App>, layout: Layout) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let viewer = layout.viewer.clone();
    let gateways = app.db.read(move |conn| queries::list(conn, &viewer)).await?;
    page(&views::Index { layout, gateways })
}

async fn new(app: Data<App>, layout: Layout) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let environments = app.db.read(environments::list_open).await?;
    let mode = layout.viewer.mode;
    let environment = environments
        .iter()
        .find(|environment| mode.is_none_or(|mode| environment.mode == mode))
        .map(|first| first.slug.clone())
        .unwrap_or_default();
    let form = NewGateway { name: String::new(), environment };
    page(&views::New { layout, environments, form, problems: Problems::default() })
}

/// The answer is the one that shows the token. A second submit finds the name taken.
async fn create(
    app: Data<App>,
    layout: Layout,
    fields: Fields<NewGateway>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let form = fields.into_inner();
    let environments = app.db.read(environments::list_open).await?;
    let (name, environment_id) = match form.parse(&environments) {
        Ok(new) => new,
        Err(problems) => return invalid(&views::New { layout, environments, form, problems }),
    };
    let viewer = layout.viewer.clone();
    match app.db.write(move |conn| commands::create(conn, &viewer, &name, environment_id)).await {
        Ok((gateway, token)) => {
            let base_url = app.config.base_url();
            page_with_secret(&views::Reveal { layout, gateway, token, base_url })
        }
        Err(error) if error.violates("gateways_name") => {
            let problems = name_taken(&form.name);
            invalid(&views::New { layout, environments, form, problems })
        }
        Err(error) => Err(error),
    }
}

async fn edit(app: Data<App>, layout: Layout, id: Path<i64>) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let gateway = find(&app, &layout, *id).await?;
    let form = Rename { name: gateway.name.clone() };
    page(&views::Edit { layout, gateway, form, problems: Problems::default() })
}

async fn rename(
    app: Data<App>,
    layout: Layout,
    session: Session,
    id: Path<i64>,
    fields: Fields<Rename>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let (form, gateway) = (fields.into_inner(), find(&app, &layout, *id).await?);
    let name = match form.parse() {
        Ok(name) => name,
        Err(problems) => return invalid(&views::Edit { layout, gateway, form, problems }),
    };
    let viewer = layout.viewer.clone();
    match app.db.write(move |conn| commands::rename(conn, &viewer, *id, &name)).await {
        Ok(renamed) => {
            app.forget(Change::Gateway(renamed.id));
            Flash::leave(&session, format!("{} is called {} now.", gateway.name, renamed.name));
            Ok(see_other("/gateways"))
        }
        Err(error) if error.violates("gateways_name") => {
            let problems = name_taken(&form.name);
            invalid(&views::Edit { layout, gateway, form, problems })
        }
        Err(error) => Err(error),
    }
}

async fn confirm_revoke(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    id: Path<i64>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let gateway = find(&app, &layout, *id).await?;
    let page = views::Revoke { layout, from_list: hx.is_on("/gateways"), gateway };
    fragment_or_page(hx, &page.as_dialog(), &page)
}

/// htmx redraws the row; a browser without it goes back to the list.
async fn revoke(
    app: Data<App>,
    layout: Layout,
    session: Session,
    hx: Hx,
    id: Path<i64>,
    _: Fields<Button>,
) -> AppResult<HttpResponse> {
    let viewer = layout.for_administrators()?.viewer;
    let gateway = app.db.write(move |conn| commands::revoke(conn, &viewer, *id)).await?;
    app.forget(Change::Gateway(gateway.id));
    let message = format!("{} is revoked.", gateway.name);
    if hx.wants_fragment() {
        return page(&views::Changed { gateway, message });
    }
    Flash::leave(&session, message);
    Ok(see_other("/gateways"))
}

async fn find(app: &App, layout: &Layout, id: i64) -> AppResult<Gateway> {
    let viewer = layout.viewer.clone();
    app.db.read(move |conn| queries::find(conn, &viewer, id)).await
}
