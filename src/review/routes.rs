//! Addresses and handlers. Each click is a form that works without JavaScript; htmx puts what it did in the place of the
//! row, with the way back beside it.

use actix_session::Session;
use actix_web::{
    HttpResponse,
    http::header::HeaderName,
    web::{self, Data, Path, Query, ServiceConfig},
};
use chrono::Utc;
use diesel::PgConnection;
use serde::Deserialize;

use super::{
    Group,
    commands::{self, Clicked},
    listed,
    place::{PlaceForm, parse_group},
    undo::{self, Undo},
    views, walk,
};
use crate::{
    app::App,
    changes::Change,
    credentials::Presented,
    error::{AppError, AppResult},
    usage::Memory,
    users::Viewer,
    web::{Fields, Flash, FlashUndo, Hx, Layout, Signer, fragment_or_page, page, see_other},
};

/// Where a click is taken back.
const UNDO: &str = "/review/undo";

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/review").get(index))
        .service(web::resource("/review/undo").post(take_back))
        .service(web::resource("/review/{key}/trim").post(trim))
        .service(web::resource("/review/{key}/disable").post(disable))
        .service(web::resource("/review/{key}/expire").post(expire));
}

async fn index(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    form: Query<PlaceForm>,
) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let signer = Signer { key: app.session_key.signing(), viewer: &layout.viewer };
    let (group, from) = form.parse(&signer)?;
    let (viewer, now, is_fragment) = (layout.viewer.clone(), Utc::now(), hx.wants_fragment());
    let (listed, counts, memory) = app
        .db
        .read(move |conn| {
            let listed = listed::page(conn, &viewer, group, from, now)?;
            let mut counts = Vec::new();
            // They stand outside of what htmx asks for.
            for group in Group::ALL.into_iter().filter(|_| !is_fragment) {
                counts.push((group, walk::count(conn, &viewer, group, now)?));
            }
            Ok((listed, counts, Memory::of(conn, now)?))
        })
        .await?;
    let next = listed.next.map(|place| place.address(group, &signer));
    let is_first = form.after.is_empty();
    let row = |listed| views::Row { listed, group, now, said: None };
    let rows = listed.rows.into_iter().map(row).collect();
    let drawn = views::Index { layout, group, counts, rows, next, is_first, memory, now };
    fragment_or_page(hx, &drawn.as_table(), &drawn)
}

/// What the form of a row says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ClickForm {
    /// Of the key when the page was drawn.
    version: String,
    /// The group it was in.
    group: String,
    /// Slugs of the permissions that were shown to go.
    take: Vec<String>,
}

async fn trim(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    session: Session,
    path: Path<String>,
    form: Fields<ClickForm>,
) -> AppResult<HttpResponse> {
    let form = form.into_inner();
    let take = form.take.clone();
    click(&app, layout, hx, &session, &path, form, move |conn, viewer, key, version| {
        commands::trim(conn, viewer, key, version, &take)
    })
    .await
}

async fn disable(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    session: Session,
    path: Path<String>,
    form: Fields<ClickForm>,
) -> AppResult<HttpResponse> {
    click(&app, layout, hx, &session, &path, form.into_inner(), commands::disable).await
}

async fn expire(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    session: Session,
    path: Path<String>,
    form: Fields<ClickForm>,
) -> AppResult<HttpResponse> {
    click(&app, layout, hx, &session, &path, form.into_inner(), commands::expire).await
}

async fn click<F>(
    app: &App,
    layout: Layout,
    hx: Hx,
    session: &Session,
    public_key: &str,
    form: ClickForm,
    act: F,
) -> AppResult<HttpResponse>
where
    F: FnOnce(&mut PgConnection, &Viewer, &str, i32) -> AppResult<Clicked> + Send + 'static,
{
    let layout = layout.with_api_access()?;
    let group = parse_group(&form.group)?;
    let version: i32 = form.version.parse().map_err(|_| {
        AppError::BadRequest("The form is incomplete. Reload the page and try again.".into())
    })?;
    let Some(Presented::PublicKey(public_key)) = Presented::parse(public_key) else {
        return Err(AppError::NotFound);
    };
    let (viewer, asked) = (layout.viewer.clone(), public_key.to_owned());
    let clicked = app.db.write(move |conn| act(conn, &viewer, &asked, version)).await?;
    let (key, undo, said) = match clicked {
        Clicked::Done { key, undo, said } => (key, undo, Some(said)),
        Clicked::Already(key) => (key, None, None),
        Clicked::InUse(key) => {
            return Ok(ask_first(hx, &format!("{}/confirm/disable", key.address())));
        }
    };
    app.forget(Change::Key(key.id));
    let signer = Signer { key: app.session_key.signing(), viewer: &layout.viewer };
    let undo = undo.map(|undo| undo.spell(&signer));
    if hx.wants_fragment() {
        let said = said.unwrap_or_else(|| format!("{} was changed already.", key.name));
        return page(&views::Clicked { key: *key, group, undo, said });
    }
    // A second click finds the sentence of the first one, and leaves it for the page that both lead to.
    if let Some(message) = said {
        let fields = |undo| vec![("group".into(), form.group.clone()), ("undo".into(), undo)];
        let undo = undo.map(|undo| FlashUndo { address: UNDO.into(), fields: fields(undo) });
        Flash { message, undo }.keep(session);
    } else if let Some(flash) = layout.flash {
        flash.keep(session);
    }
    Ok(see_other(&group.address()))
}

/// The question that is asked wherever somebody stops what is in use.
fn ask_first(hx: Hx, address: &str) -> HttpResponse {
    if hx.wants_fragment() {
        let name = HeaderName::from_static("hx-redirect");
        return HttpResponse::Ok().insert_header((name, address)).finish();
    }
    see_other(address)
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct UndoForm {
    undo: String,
    group: String,
}

async fn take_back(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    session: Session,
    form: Fields<UndoForm>,
) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let form = form.into_inner();
    let (group, now) = (parse_group(&form.group)?, Utc::now());
    let signer = Signer { key: app.session_key.signing(), viewer: &layout.viewer };
    let taken_back = Undo::parse(&form.undo, &signer, now)?;
    let (viewer, asked) = (layout.viewer.clone(), taken_back.clone());
    let (key, listed) = app
        .db
        .write(move |conn| {
            let key = undo::undo(conn, &viewer, &asked)?;
            let listed = listed::row(conn, &viewer, group, key.clone(), now)?;
            Ok((key, listed))
        })
        .await?;
    app.forget(Change::Key(key.id));
    let said = taken_back.done(&key.name);
    if hx.wants_fragment() {
        let row = views::Row { listed, group, now, said: Some(said) };
        return page(&views::TakenBack { row });
    }
    Flash::leave(&session, said);
    Ok(see_other(&group.address()))
}
