//! Addresses and handlers: administrators only, nobody else has them.

use actix_session::Session;
use actix_web::{
    HttpResponse,
    web::{self, Data, Path, ServiceConfig},
};

use super::{
    Environment, commands,
    forms::{self, Form},
    queries::{self, Listed},
    views,
};
use crate::{
    app::App,
    changes::Change,
    error::{AppError, AppResult},
    order::Move,
    web::{
        Button, Fields, Flash, Hx, Layout, Problems, fragment_or_page, invalid, page, see_other,
    },
};

const LIST: &str = "/settings/environments";

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/settings/environments").get(index).post(create))
        .service(web::resource("/settings/environments/new").get(new))
        .service(web::resource("/settings/environments/{id}/edit").get(edit).post(update))
        .service(web::resource("/settings/environments/{id}/move").post(reorder))
        .service(web::resource("/settings/environments/{id}/confirm/retire").get(confirm_retire))
        .service(web::resource("/settings/environments/{id}/retire").post(retire))
        .service(web::resource("/settings/environments/{id}/restore").post(restore));
}

async fn index(app: Data<App>, layout: Layout) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let listed = app.db.read(queries::list_with_counts).await?;
    page(&views::Index { layout, listed, said: None })
}

async fn new(layout: Layout) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    page(&draw(layout, None, false, Form::blank(), Problems::default()))
}

async fn create(
    app: Data<App>,
    layout: Layout,
    session: Session,
    fields: Fields<Form>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let form = fields.into_inner();
    let new = match form.parse_new() {
        Ok(new) => new,
        Err(problems) => return invalid(&draw(layout, None, false, form, problems)),
    };
    let viewer = layout.viewer.clone();
    match app.db.write(move |conn| commands::create(conn, &viewer, &new)).await {
        Ok(environment) => {
            let sentence =
                format!("{} is added. Give it a gateway, and its keys count.", environment.name);
            Ok(changed(&app, &session, sentence))
        }
        Err(error) => match taken(&error) {
            Some(problems) => invalid(&draw(layout, None, false, form, problems)),
            None => Err(error),
        },
    }
}

async fn edit(app: Data<App>, layout: Layout, id: Path<i64>) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let (environment, fixed) = read(&app, *id).await?;
    let form = Form::of(&environment);
    page(&draw(layout, Some(environment), fixed, form, Problems::default()))
}

async fn update(
    app: Data<App>,
    layout: Layout,
    session: Session,
    id: Path<i64>,
    fields: Fields<Form>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let (form, (environment, fixed)) = (fields.into_inner(), read(&app, *id).await?);
    let changes = match form.parse_changes(&environment, fixed) {
        Ok(changes) => changes,
        Err(problems) => return invalid(&draw(layout, Some(environment), fixed, form, problems)),
    };
    let viewer = layout.viewer.clone();
    match app.db.write(move |conn| commands::update(conn, &viewer, *id, &changes)).await {
        Ok(environment) => Ok(changed(&app, &session, format!("{} is saved.", environment.name))),
        Err(error) => match taken(&error) {
            Some(problems) => invalid(&draw(layout, Some(environment), fixed, form, problems)),
            None => Err(error),
        },
    }
}

/// htmx redraws the list, and the focus stays on the button; a browser without it goes back to the list.
async fn reorder(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    id: Path<i64>,
    fields: Fields<Move>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let (viewer, id, to) = (layout.viewer.clone(), *id, fields.into_inner().to);
    let listed = app
        .db
        .write(move |conn| {
            commands::reorder(conn, &viewer, id, to)?;
            queries::list_with_counts(conn)
        })
        .await?;
    app.forget(Change::Catalogue);
    if !hx.wants_fragment() {
        return Ok(see_other(LIST));
    }
    let place = listed.iter().position(|row| row.environment.id == id).unwrap_or_default();
    let said = listed.get(place).map(|row| {
        format!("{} is number {} of {}.", row.environment.name, place + 1, listed.len())
    });
    page(&views::Index { layout, listed, said }.as_list())
}

async fn confirm_retire(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    id: Path<i64>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let listed = find(&app, *id).await?;
    let page = views::Retire { layout, listed };
    fragment_or_page(hx, &page.as_dialog(), &page)
}

async fn retire(
    app: Data<App>,
    layout: Layout,
    session: Session,
    id: Path<i64>,
    _: Fields<Button>,
) -> AppResult<HttpResponse> {
    let viewer = layout.for_administrators()?.viewer;
    let environment = app.db.write(move |conn| commands::retire(conn, &viewer, *id)).await?;
    let sentence = format!("{} is retired. The keys it has go on.", environment.name);
    Ok(changed(&app, &session, sentence))
}

async fn restore(
    app: Data<App>,
    layout: Layout,
    session: Session,
    id: Path<i64>,
    _: Fields<Button>,
) -> AppResult<HttpResponse> {
    let viewer = layout.for_administrators()?.viewer;
    let environment = app.db.write(move |conn| commands::restore(conn, &viewer, *id)).await?;
    let sentence = format!("{} takes new keys and gateways again.", environment.name);
    Ok(changed(&app, &session, sentence))
}

fn changed(app: &App, session: &Session, sentence: String) -> HttpResponse {
    app.forget(Change::Catalogue);
    Flash::leave(session, sentence);
    see_other(LIST)
}

fn taken(error: &AppError) -> Option<Problems> {
    match error {
        AppError::Constraint(name, _) => forms::taken(name),
        _ => None,
    }
}

async fn find(app: &App, id: i64) -> AppResult<Listed> {
    let listed = app.db.read(queries::list_with_counts).await?;
    listed.into_iter().find(|row| row.environment.id == id).ok_or(AppError::NotFound)
}

async fn read(app: &App, id: i64) -> AppResult<(Environment, bool)> {
    app.db.read(move |conn| Ok((queries::find(conn, id)?, queries::has_keys(conn, id)?))).await
}

fn draw(
    layout: Layout,
    environment: Option<Environment>,
    fixed: bool,
    form: Form,
    problems: Problems,
) -> views::Edit {
    views::Edit { layout, environment, fixed, form, problems }
}
