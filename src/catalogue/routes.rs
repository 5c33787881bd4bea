//! Addresses.

use actix_web::{
    HttpResponse,
    web::{self, Data, ServiceConfig},
};

use super::{export, import, permissions, sections, views};
use crate::{
    app::App,
    changes::Change,
    error::AppResult,
    scopes,
    web::{Flash, Layout, page, see_other},
};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/settings/catalogue").get(index))
        .service(web::resource("/settings/catalogue/export").get(export::download))
        .service(web::resource("/settings/catalogue/import").get(import::new).post(import::preview))
        .service(web::resource("/settings/catalogue/import/apply").post(import::apply))
        .service(web::resource("/settings/catalogue/sections").post(sections::create))
        .service(web::resource("/settings/catalogue/sections/new").get(sections::new))
        .service(
            web::resource("/settings/catalogue/sections/{id}/edit")
                .get(sections::edit)
                .post(sections::update),
        )
        .service(web::resource("/settings/catalogue/sections/{id}/move").post(sections::reorder))
        .service(
            web::resource("/settings/catalogue/sections/{id}/confirm/retire")
                .get(sections::confirm_retire),
        )
        .service(web::resource("/settings/catalogue/sections/{id}/retire").post(sections::retire))
        .service(web::resource("/settings/catalogue/sections/{id}/restore").post(sections::restore))
        .service(web::resource("/settings/catalogue/permissions").post(permissions::create))
        .service(web::resource("/settings/catalogue/permissions/new").get(permissions::new))
        .service(
            web::resource("/settings/catalogue/permissions/{id}/edit")
                .get(permissions::edit)
                .post(permissions::update),
        )
        .service(
            web::resource("/settings/catalogue/permissions/{id}/move").post(permissions::reorder),
        )
        .service(
            web::resource("/settings/catalogue/permissions/{id}/confirm/{act}")
                .get(permissions::confirm),
        )
        .service(
            web::resource("/settings/catalogue/permissions/{id}/retire").post(permissions::retire),
        )
        .service(
            web::resource("/settings/catalogue/permissions/{id}/restore")
                .post(permissions::restore),
        )
        .service(
            web::resource("/settings/catalogue/permissions/{id}/publish")
                .post(permissions::publish),
        )
        .service(
            web::resource("/settings/catalogue/permissions/{id}/withhold")
                .post(permissions::withhold),
        );
}

async fn index(app: Data<App>, layout: Layout) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let catalogue = app.db.read(scopes::catalogue).await?;
    page(&views::Index { layout, catalogue, said: None })
}

/// After a change: verifiers forget, and the list says what happened.
pub(super) fn changed(app: &App, session: &actix_session::Session, said: String) -> HttpResponse {
    app.forget(Change::Catalogue);
    Flash::leave(session, said);
    see_other(views::LIST)
}
