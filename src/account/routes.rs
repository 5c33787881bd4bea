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
    forms::{ChangePassword, Name, TimeZone, Welcome},
    mode, views,
};
use crate::{
    app::App,
    error::AppResult,
    notices::mail,
    sign_in,
    users::{commands::change_own_password, passwords::Verified},
    web::{
        Button, Fields, Flash, Layout, Problems, invalid,
        layout::{STAMP, origin_of},
        page, see_other,
    },
};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/account").get(show))
        .service(web::resource("/account/mail").post(choose_mail))
        .service(web::resource("/account/mode").post(mode::choose))
        .service(web::resource("/account/name").post(rename))
        .service(web::resource("/account/password").post(change_password))
        .service(web::resource("/account/sessions/end").post(end_other_sessions))
        .service(web::resource("/account/time-zone").post(choose_time_zone))
        .service(web::resource("/welcome").get(welcome).post(choose_password));
}

async fn show(app: Data<App>, session: Session, layout: Layout) -> AppResult<HttpResponse> {
    page(&draw(&app, &session, layout, Problems::default()).await?)
}

/// The page, with what is wrong with one of its forms.
async fn draw(
    app: &App,
    session: &Session,
    layout: Layout,
    problems: Problems,
) -> AppResult<views::Show> {
    let (viewer, mark) = (layout.viewer.clone(), sign_in::mark_of(session));
    let (sessions, mailed) = app
        .db
        .read(move |conn| {
            Ok((sign_in::open_sessions(conn, &viewer, mark)?, mail::wanted(conn, &viewer)?))
        })
        .await?;
    let sends_mail = app.outside.mailer.is_some();
    let name = layout.viewer.name.clone();
    Ok(views::Show { layout, name, sessions, mailed, sends_mail, problems })
}

async fn rename(
    app: Data<App>,
    session: Session,
    layout: Layout,
    fields: Fields<Name>,
) -> AppResult<HttpResponse> {
    let form = fields.into_inner();
    let name = match form.parse() {
        Ok(name) => name,
        Err(problems) => {
            let page = draw(&app, &session, layout, problems).await?;
            return invalid(&views::Show { name: form.name, ..page });
        }
    };
    let viewer = layout.viewer;
    let user = app.db.write(move |conn| commands::rename(conn, &viewer, &name)).await?;
    Flash::leave(&session, format!("You are {} here now.", user.name));
    Ok(see_other("/account"))
}

async fn choose_time_zone(
    app: Data<App>,
    session: Session,
    layout: Layout,
    fields: Fields<TimeZone>,
) -> AppResult<HttpResponse> {
    let zone = match fields.into_inner().parse() {
        Ok(zone) => zone,
        Err(problems) => return invalid(&draw(&app, &session, layout, problems).await?),
    };
    let viewer = layout.viewer;
    app.db.write(move |conn| commands::choose_time_zone(conn, &viewer, zone)).await?;
    Flash::leave(&session, format!("Times are shown as in {} now.", zone.name()));
    Ok(see_other("/account"))
}

async fn choose_mail(
    app: Data<App>,
    session: Session,
    layout: Layout,
    fields: Fields<mail::Preferences>,
) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let wanted = match fields.into_inner().parse() {
        Ok(wanted) => wanted,
        Err(problems) => return invalid(&draw(&app, &session, layout, problems).await?),
    };
    let viewer = layout.viewer;
    app.db.write(move |conn| mail::choose(conn, &viewer, &wanted)).await?;
    Flash::leave(&session, "Which notices come by e-mail is saved.");
    Ok(see_other("/account"))
}

/// This session goes on under the new stamp; whatever was begun under the old one is over.
async fn end_other_sessions(
    app: Data<App>,
    session: Session,
    layout: Layout,
    _: Fields<Button>,
) -> AppResult<HttpResponse> {
    let (viewer, mark) = (layout.viewer, sign_in::mark_of(&session));
    let (ended, stamp) =
        app.db.write(move |conn| commands::end_other_sessions(conn, &viewer, mark)).await?;
    session.insert(STAMP, stamp).map_err(anyhow::Error::from)?;
    let message = match ended {
        0 => "There was no other session.".to_owned(),
        1 => "The other session is over.".to_owned(),
        many => format!("The other {many} sessions are over."),
    };
    Flash::leave(&session, message);
    Ok(see_other("/account"))
}

/// Whoever found this page open has to know the password too, and may not guess it any faster than at sign-in.
async fn change_password(
    app: Data<App>,
    session: Session,
    req: HttpRequest,
    layout: Layout,
    fields: Fields<ChangePassword>,
) -> AppResult<HttpResponse> {
    let passwords = match fields.into_inner().parse() {
        Ok(passwords) => passwords,
        Err(problems) => return invalid(&draw(&app, &session, layout, problems).await?),
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
        return invalid(&draw(&app, &session, layout, problems).await?);
    };
    guess.succeeded();
    let hash = app.passwords.hash(passwords.new).await?;
    let user = app.db.write(move |conn| change_own_password(conn, &viewer, &known, &hash)).await?;
    sign_in::begin(&session, &req, &user)?;
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
    sign_in::begin(&session, &req, &user)?;
    Flash::leave(&session, "Your password is set. You are signed in.");
    Ok(see_other("/"))
}
