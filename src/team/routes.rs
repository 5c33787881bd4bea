//! Addresses and handlers: administrators only, nobody else has them.

use actix_session::Session;
use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{self, Data, Path, ServiceConfig},
};

use super::{
    api_access,
    forms::{NewPerson, NewRole},
    queries, standing, views,
};
use crate::{
    app::App,
    error::{AppError, AppResult},
    users::{
        commands::{add, change_role, create_password_link},
        queries::list,
    },
    web::{
        Button, Fields, Flash, Layout, Problems, invalid, page, page_with_secret, see_other,
        with_status,
    },
};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/team").get(index).post(create))
        .service(web::resource("/team/new").get(new))
        .service(web::resource("/team/{id}/edit").get(edit))
        .service(web::resource("/team/{id}/role").post(change))
        .service(web::resource("/team/{id}/link").post(link))
        .service(web::resource("/team/{id}/confirm/disable").get(standing::confirm_disable))
        .service(web::resource("/team/{id}/disable").post(standing::disable))
        .service(web::resource("/team/{id}/enable").post(standing::enable))
        .service(web::resource("/team/{id}/grant").get(api_access::edit).post(api_access::grant))
        .service(web::resource("/team/{id}/confirm/withdraw").get(api_access::confirm_withdraw))
        .service(web::resource("/team/{id}/withdraw").post(api_access::withdraw));
}

async fn index(app: Data<App>, layout: Layout) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let viewer = layout.viewer.clone();
    let members = app.db.read(move |conn| list(conn, &viewer)).await?;
    page(&views::Index { viewer_id: layout.viewer.id, layout, members })
}

async fn new(layout: Layout) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    page(&views::New { layout, form: NewPerson::default(), problems: Problems::default() })
}

/// The answer is the one that shows the one-time link.
async fn create(
    app: Data<App>,
    layout: Layout,
    fields: Fields<NewPerson>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let form = fields.into_inner();
    let new = match form.parse() {
        Ok(new) => new,
        Err(problems) => return invalid(&views::New { layout, form, problems }),
    };
    let viewer = layout.viewer.clone();
    let added = app
        .db
        .write(move |conn| {
            let user = add(conn, &viewer, &new)?;
            let token = create_password_link(conn, &viewer, user.id)?;
            Ok((user, token))
        })
        .await;
    match added {
        Ok((user, token)) => {
            page_with_secret(&views::Link::invitation(layout, &app.config, user, &token, true))
        }
        Err(error) if error.violates("users_email") => {
            let problems = form.email_taken();
            invalid(&views::New { layout, form, problems })
        }
        Err(error) => Err(error),
    }
}

/// Another link for somebody who lost the invitation, or the password.
async fn link(
    app: Data<App>,
    layout: Layout,
    id: Path<i64>,
    _: Fields<Button>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let viewer = layout.viewer.clone();
    let (member, token) = app
        .db
        .write(move |conn| {
            let token = create_password_link(conn, &viewer, *id)?;
            Ok((queries::find(conn, &viewer, *id)?, token))
        })
        .await?;
    let config = &app.config;
    page_with_secret(&if member.has_password {
        views::Link::reset(layout, config, member.user, &token)
    } else {
        views::Link::invitation(layout, config, member.user, &token, false)
    })
}

async fn edit(app: Data<App>, layout: Layout, id: Path<i64>) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let viewer = layout.viewer.clone();
    let member = app.db.read(move |conn| queries::find(conn, &viewer, *id)).await?;
    page(&views::Edit { layout, member, problems: Problems::default() })
}

/// Whoever demotes themself has no Team page to go back to, and is signed out like everybody whose role changes.
async fn change(
    app: Data<App>,
    layout: Layout,
    session: Session,
    id: Path<i64>,
    fields: Fields<NewRole>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let viewer = layout.viewer.clone();
    let member = app
        .db
        .read({
            let (viewer, id) = (viewer.clone(), *id);
            move |conn| queries::find(conn, &viewer, id)
        })
        .await?;
    let role = match fields.into_inner().parse() {
        Ok(role) => role,
        Err(problems) => return invalid(&views::Edit { layout, member, problems }),
    };
    match app.db.write(move |conn| change_role(conn, &viewer, *id, role)).await {
        Ok(user) => {
            let message = format!("{} is {} now.", user.name, views::with_article(user.role));
            Flash::leave(&session, message);
            Ok(see_other("/team"))
        }
        Err(AppError::Conflict(sentence)) => {
            let problems = Problems::one("role", sentence);
            with_status(StatusCode::CONFLICT, &views::Edit { layout, member, problems })
        }
        Err(error) => Err(error),
    }
}
