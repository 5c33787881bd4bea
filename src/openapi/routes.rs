//! `/openapi.json` and `/reference`. Both are public: they hold nothing that a gateway's developer may not know, and
//! whoever writes one has seldom an account here.

use actix_web::{
    HttpResponse,
    web::{self, Data, ServiceConfig},
};

use super::{document, views};
use crate::{app::App, error::AppResult, web::page};

/// The addresses.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/openapi.json").get(for_programs))
        .service(web::resource("/reference").get(for_people));
}

async fn for_programs(app: Data<App>) -> HttpResponse {
    HttpResponse::Ok().json(document(&app.config.base_url()))
}

async fn for_people(app: Data<App>) -> AppResult<HttpResponse> {
    page(&views::Reference::new(&document(&app.config.base_url())))
}
