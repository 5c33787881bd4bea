//! Addresses and handlers.

use actix_session::Session;
use actix_web::{
    HttpRequest, HttpResponse,
    web::{self, Data, Query, ServiceConfig},
};
use serde::Deserialize;

use super::{commands, forms::Form, views};
use crate::{
    app::App,
    error::AppResult,
    sign_in,
    web::{Fields, Flash, Problems, invalid, layout::origin_of, page, see_other},
};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/setup").get(new).post(create));
}

#[derive(Deserialize)]
struct Link {
    #[serde(default)]
    token: String,
}

async fn new(app: Data<App>, link: Query<Link>) -> AppResult<HttpResponse> {
    let form = Form::of(link.into_inner().token);
    let token = form.token.clone();
    app.db.read(move |conn| commands::check_link(conn, &token)).await?;
    page(&views::New { form, problems: Problems::default() })
}

/// Visitors cost nothing before they show a good link.
async fn create(
    app: Data<App>,
    session: Session,
    req: HttpRequest,
    fields: Fields<Form>,
) -> AppResult<HttpResponse> {
    let (mut form, origin) = (fields.into_inner(), origin_of(&req));
    let token = form.token.clone();
    app.db.read(move |conn| commands::check_link(conn, &token)).await?;
    let new = match form.parse() {
        Ok(new) => new,
        Err(problems) => return invalid(&views::New { form, problems }),
    };
    let hash = app.passwords.hash(new.password.clone()).await?;
    let user = app.db.write(move |conn| commands::set_up(conn, origin, &new, &hash)).await?;
    sign_in::begin(&session, &req, &user)?;
    Flash::leave(&session, "Latchkey is set up.");
    Ok(see_other("/"))
}
