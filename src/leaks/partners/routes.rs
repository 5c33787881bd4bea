//! Addresses and handlers: administrators only, nobody else has them.

use actix_session::Session;
use actix_web::{
    HttpResponse,
    web::{self, Data, Path, ServiceConfig},
};

use super::{Partner, Policy, commands, forms::PartnerForm, queries, views};
use crate::{
    app::App,
    error::AppResult,
    web::{
        Button, Fields, Flash, Hx, Layout, Problems, fragment_or_page, invalid, page, see_other,
    },
};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/settings/leak-partners").get(index).post(create))
        .service(web::resource("/settings/leak-partners/new").get(new))
        .service(web::resource("/settings/leak-partners/{id}/edit").get(edit).post(update))
        .service(web::resource("/settings/leak-partners/{id}/confirm/remove").get(confirm_remove))
        .service(web::resource("/settings/leak-partners/{id}/remove").post(remove));
}

async fn index(app: Data<App>, layout: Layout) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let viewer = layout.viewer.clone();
    let partners = app.db.read(move |conn| queries::list(conn, &viewer)).await?;
    let address = format!("{}v1/leaks", app.config.base_url());
    page(&views::Index { layout, partners, address })
}

async fn new(layout: Layout) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let form = PartnerForm { policy: Policy::Notify.slug().into(), ..PartnerForm::default() };
    page(&views::Form { layout, partner: None, form, problems: Problems::default() })
}

async fn create(
    app: Data<App>,
    layout: Layout,
    session: Session,
    fields: Fields<PartnerForm>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let form = fields.into_inner();
    let new = match form.parse() {
        Ok(new) => new,
        Err(problems) => return invalid(&views::Form { layout, partner: None, form, problems }),
    };
    let viewer = layout.viewer.clone();
    match app.db.write(move |conn| commands::add(conn, &viewer, &new)).await {
        Ok(partner) => {
            Flash::leave(&session, format!("{} may report leaks now.", partner.name));
            Ok(see_other("/settings/leak-partners"))
        }
        Err(error) if error.violates("leak_partners_key_id") => {
            let problems = PartnerForm::key_known();
            invalid(&views::Form { layout, partner: None, form, problems })
        }
        Err(error) => Err(error),
    }
}

async fn edit(app: Data<App>, layout: Layout, id: Path<i64>) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let partner = find(&app, &layout, *id).await?;
    let form = PartnerForm::of(&partner);
    page(&views::Form { layout, partner: Some(partner), form, problems: Problems::default() })
}

async fn update(
    app: Data<App>,
    layout: Layout,
    session: Session,
    id: Path<i64>,
    fields: Fields<PartnerForm>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let (form, partner) = (fields.into_inner(), Some(find(&app, &layout, *id).await?));
    let new = match form.parse() {
        Ok(new) => new,
        Err(problems) => return invalid(&views::Form { layout, partner, form, problems }),
    };
    let viewer = layout.viewer.clone();
    match app.db.write(move |conn| commands::update(conn, &viewer, *id, &new)).await {
        Ok(partner) => {
            Flash::leave(&session, format!("{} is updated.", partner.name));
            Ok(see_other("/settings/leak-partners"))
        }
        Err(error) if error.violates("leak_partners_key_id") => {
            let problems = PartnerForm::key_known();
            invalid(&views::Form { layout, partner, form, problems })
        }
        Err(error) => Err(error),
    }
}

async fn confirm_remove(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    id: Path<i64>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let partner = find(&app, &layout, *id).await?;
    let page = views::Remove { layout, partner };
    fragment_or_page(hx, &page.as_dialog(), &page)
}

async fn remove(
    app: Data<App>,
    layout: Layout,
    session: Session,
    id: Path<i64>,
    _: Fields<Button>,
) -> AppResult<HttpResponse> {
    let viewer = layout.for_administrators()?.viewer;
    let partner = app.db.write(move |conn| commands::remove(conn, &viewer, *id)).await?;
    Flash::leave(&session, format!("{} is removed. Its reports are refused.", partner.name));
    Ok(see_other("/settings/leak-partners"))
}

async fn find(app: &App, layout: &Layout, id: i64) -> AppResult<Partner> {
    let viewer = layout.viewer.clone();
    app.db.read(move |conn| queries::find(conn, &viewer, id)).await
}
