//! Addresses and handlers of the page of jobs.

use actix_session::Session;
use actix_web::{
    HttpResponse,
    http::header::{ContentDisposition, DispositionParam, DispositionType},
    web::{self, Bytes, Data, Path, Query, ServiceConfig},
};
use futures_util::stream;
use serde::Deserialize;

use super::{
    commands,
    files::{self, Download},
    filter::FilterForm,
    queries, views,
};
use crate::{
    app::App,
    db::Db,
    error::{AppError, AppResult},
    users,
    web::{Button, Fields, Flash, Hx, Layout, Signer, fragment_or_page, see_other},
};

/// Attempts on a job's page at most.
const ATTEMPTS: i64 = 25;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/jobs").get(index))
        .service(web::resource("/jobs/{id}").get(show))
        .service(web::resource("/jobs/{id}/retry").post(retry))
        .service(web::resource("/jobs/{id}/cancel").post(cancel))
        .service(web::resource("/jobs/{id}/file").get(file));
}

async fn index(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    form: Query<FilterForm>,
) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let form = form.into_inner();
    let signer = Signer { key: app.session_key.signing(), viewer: &layout.viewer };
    let filter = form.parse(&signer)?;
    let viewer = layout.viewer.clone();
    let (list, has_any, people, now) = app
        .db
        .read(move |conn| {
            let list = queries::list(conn, &viewer, &filter)?;
            let has_any = !list.jobs.is_empty() || queries::has_any(conn, &viewer)?;
            let people = users::queries::names(conn, &viewer)?;
            Ok((list, has_any, people, queries::now(conn)?))
        })
        .await?;
    let first = form.first_page();
    let next = list.next.map(|cursor| {
        FilterForm { after: cursor.spell(&signer, &form), ..first.clone() }.address()
    });
    let previous = list.previous.map(|cursor| {
        FilterForm { before: cursor.spell(&signer, &form), ..first.clone() }.address()
    });
    let jobs = list.jobs.into_iter().map(|job| views::Shown { job, now }).collect();
    let drawn = views::Index { layout, filter: form, jobs, has_any, people, next, previous };
    fragment_or_page(hx, &drawn.as_table(), &drawn)
}

/// `?live=yes`: it was asked for again by the page itself.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Again {
    live: String,
}

async fn show(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    id: Path<i64>,
    again: Query<Again>,
) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let (id, viewer) = (id.into_inner(), layout.viewer.clone());
    let (job, work, attempts, now) = app
        .db
        .read(move |conn| {
            let job = queries::find(conn, &viewer, id)?;
            let work = queries::work_of(conn, &job)?;
            Ok((job, work, queries::attempts(conn, id, ATTEMPTS)?, queries::now(conn)?))
        })
        .await?;
    let came_from = work.and_then(|work| work.came_from());
    let is_again = !again.live.is_empty();
    let drawn =
        views::Show { layout, job: views::Shown { job, now }, attempts, came_from, is_again };
    fragment_or_page(hx, &drawn.as_standing(), &drawn)
}

async fn retry(
    app: Data<App>,
    layout: Layout,
    session: Session,
    id: Path<i64>,
    _: Fields<Button>,
) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let (id, viewer) = (id.into_inner(), layout.viewer);
    app.db.write(move |conn| commands::retry(conn, &viewer, id)).await?;
    Flash::leave(&session, "It is tried again.");
    Ok(see_other(&format!("/jobs/{id}")))
}

async fn cancel(
    app: Data<App>,
    layout: Layout,
    session: Session,
    id: Path<i64>,
    _: Fields<Button>,
) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let (id, viewer) = (id.into_inner(), layout.viewer);
    let job = app.db.write(move |conn| commands::cancel(conn, &viewer, id)).await?;
    let said = match job.ended_at {
        Some(_) => "It is cancelled.",
        None => "It is being cancelled: it ends after what it is doing at this moment.",
    };
    Flash::leave(&session, said);
    Ok(see_other(&format!("/jobs/{id}")))
}

/// `GET /jobs/{id}/file`: part by part, so that no file is in memory as a whole.
async fn file(app: Data<App>, layout: Layout, id: Path<i64>) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let (id, viewer) = (id.into_inner(), layout.viewer);
    let download = app
        .db
        .read(move |conn| {
            let job = queries::find(conn, &viewer, id)?;
            let now = queries::now(conn)?;
            job.download
                .filter(|file| file.is_for(&viewer) && !file.is_gone(now))
                .ok_or(AppError::NotFound)
        })
        .await?;
    Ok(send(app.db.clone(), download))
}

fn send(db: Db, file: Download) -> HttpResponse {
    let id = file.job_id;
    let parts = stream::unfold((db, 0), move |(db, part)| async move {
        match db.read(move |conn| files::part(conn, id, part)).await {
            Ok(Some(content)) => Some((Ok(Bytes::from(content)), (db, part + 1))),
            Ok(None) => None,
            Err(error) => {
                tracing::warn!(?error, job = id, "a file was broken off");
                // Asking for a part that never is ends it.
                Some((Err(error), (db, -1)))
            }
        }
    });
    HttpResponse::Ok()
        .content_type(file.media_type)
        .insert_header(ContentDisposition {
            disposition: DispositionType::Attachment,
            parameters: vec![DispositionParam::Filename(file.name)],
        })
        .streaming(Box::pin(parts))
}
