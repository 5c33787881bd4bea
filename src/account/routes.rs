//! Addresses and handlers.

use std::time::Instant;

use actix_session::Session;
use actix_web::{
    HttpRequest, HttpResponse,
    web::{self, Data, Query, ServiceConfig},
};
use serde::Deserialize;

use super::{
    commands,
    forms::{ChangePassword, Welcome},
    mode, views,
};
use crate::{
    app::App,
    error::AppResult,
    sign_in,
    users::{commands::change_own_password, passwords::Verified},
    web::{Fields, Flash, Layout, Problems, invalid, layout::origin_of, page, see_other},
};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/account").get(show))
        .service(web::resource("/account/mode").post(mode::choose))
        .service(web::resource("/account/password").post(change_password))
        .service(web::resource("/welcome").get(welcome).post(choose_password));
}

async fn show(layout: Layout) -> AppResult<HttpResponse> {
    page(&views::Show { layout, problems: Problems::default() })
}

/// Whoever found this page open has to know the password too, and may not guess it any faster than at sign-in.
async fn change_password(
    app: Data<App>,
    session: Session,
    layout: Layout,
    fields: Fields<ChangePassword>,
) -> AppResult<HttpResponse> {
    let passwords = match fields.into_inner().parse() {
        Ok(passwords) => passwords,
        Err(problems) => return invalid(&views::Show { layout, problems }),
    };
    let viewer = layout.viewer.clone();
    let guess = app.throttle.begin(&viewer.email, viewer.origin.ip, Instant::now())?;
    let stored = app
        .db
        .read({
            let viewer = viewer.clone();
            move |conn| commands::own_hash(conn, &viewer)
        })
        .await?;
    let verified = app.passwords.verify(passwords.current, stored.clone()).await?;
    let (Some(known), Verified::Right | Verified::RightButOld(_)) = (stored, verified) else {
        guess.failed();
        let problems = Problems::one("current", "That is not your current password.");
        return invalid(&views::Show { layout, problems });
    };
    guess.succeeded();
    let hash = app.passwords.hash(passwords.new).await?;
    let user = app.db.write(move |conn| change_own_password(conn, &viewer, &known, &hash)).await?;
    sign_in::begin(&session, &user)?;
    Flash::leave(&session, "Your password is changed. You are signed out everywhere else.");
    Ok(see_other("/account"))
}

#[derive(Deserialize)]
struct Link {
    #[serde(default)]
    token: String,
}

async fn welcome(app: Data<App>, req: HttpRequest, link: Query<Link>) -> AppResult<HttpResponse> {
    let (token, origin) = (link.into_inner().token, origin_of(&req));
    let (person, token) =
        app.db.read(move |conn| Ok((commands::find_by_link(conn, origin, &token)?, token))).await?;
    let form = Welcome::of(token);
    page(&views::Welcome { person, form, problems: Problems::default() })
}

async fn choose_password(
    app: Data<App>,
    session: Session,
    req: HttpRequest,
    fields: Fields<Welcome>,
) -> AppResult<HttpResponse> {
    let (mut form, origin) = (fields.into_inner(), origin_of(&req));
    let token = form.token.clone();
    let person = app.db.read(move |conn| commands::find_by_link(conn, origin, &token)).await?;
    let password = match form.parse() {
        Ok(password) => password,
        Err(problems) => return invalid(&views::Welcome { person, form, problems }),
    };
    let hash = app.passwords.hash(password).await?;
    let token = form.token;
    let user =
        app.db.write(move |conn| commands::choose_password(conn, origin, &token, &hash)).await?;
    sign_in::begin(&session, &user)?;
    Flash::leave(&session, "Your password is set. You are signed in.");
    Ok(see_other("/"))
}
