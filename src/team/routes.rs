//! Addresses and handlers: administrators only, nobody else has them.

use actix_session::Session;
use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{self, Data, Path, ServiceConfig},
};
use diesel::PgConnection;

use super::{
    disabling,
    forms::{NewPerson, NewRole},
    queries, views,
};
use crate::{
    access,
    app::App,
    error::{AppError, AppResult},
    users::{
        Member, User, Viewer,
        commands::{add, change_role, create_password_link},
        queries::list,
    },
    web::{
        Button, Fields, Flash, Hx, Layout, Problems, fragment_or_page, invalid, page,
        page_with_secret, see_other, with_status,
    },
};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/team").get(index).post(create))
        .service(web::resource("/team/new").get(new))
        .service(web::resource("/team/{id}/edit").get(edit))
        .service(web::resource("/team/{id}/role").post(change))
        .service(web::resource("/team/{id}/link").post(link))
        .service(web::resource("/team/{id}/confirm/disable").get(disabling::confirm))
        .service(web::resource("/team/{id}/disable").post(disabling::disable))
        .service(web::resource("/team/{id}/enable").post(disabling::enable))
        .service(web::resource("/team/{id}/grant").post(grant))
        .service(web::resource("/team/{id}/confirm/withdraw").get(confirm_withdraw))
        .service(web::resource("/team/{id}/withdraw").post(withdraw));
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

async fn grant(
    app: Data<App>,
    layout: Layout,
    session: Session,
    hx: Hx,
    id: Path<i64>,
    _: Fields<Button>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let member = changed(&app, &layout.viewer, *id, access::grant).await?;
    let message = format!("{} has API access now.", member.user.name);
    answer(hx, &session, &layout, member, message)
}

async fn confirm_withdraw(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    id: Path<i64>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let viewer = layout.viewer.clone();
    let (member, active_keys) = app
        .db
        .read(move |conn| {
            let member = queries::find(conn, &viewer, *id)?;
            Ok((member, queries::count_active_keys_of(conn, *id)?))
        })
        .await?;
    let page = views::Withdraw { layout, from_list: hx.is_on("/team"), member, active_keys };
    fragment_or_page(hx, &page.as_dialog(), &page)
}

async fn withdraw(
    app: Data<App>,
    layout: Layout,
    session: Session,
    hx: Hx,
    id: Path<i64>,
    _: Fields<Button>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let member = changed(&app, &layout.viewer, *id, access::withdraw).await?;
    let message = format!("{} has no API access any more.", member.user.name);
    answer(hx, &session, &layout, member, message)
}

pub(super) async fn changed(
    app: &App,
    viewer: &Viewer,
    id: i64,
    change: fn(&mut PgConnection, &Viewer, i64) -> AppResult<User>,
) -> AppResult<Member> {
    let viewer = viewer.clone();
    app.db
        .write(move |conn| {
            change(conn, &viewer, id)?;
            queries::find(conn, &viewer, id)
        })
        .await
}

/// htmx redraws the row; a browser without it goes back to the list.
pub(super) fn answer(
    hx: Hx,
    session: &Session,
    layout: &Layout,
    member: Member,
    message: String,
) -> AppResult<HttpResponse> {
    if hx.wants_fragment() {
        return page(&views::Changed { viewer_id: layout.viewer.id, member, message });
    }
    Flash::leave(session, message);
    Ok(see_other("/team"))
}
