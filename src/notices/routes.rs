//! Addresses and handlers of the inbox.

use actix_session::Session;
use actix_web::{
    HttpResponse,
    web::{self, Data, Query, ServiceConfig},
};
use serde::Deserialize;

use super::{commands, count_unread, filter::FilterForm, kinds, queries, views};
use crate::{
    app::App,
    error::AppResult,
    users::Viewer,
    web::{Fields, Flash, Hx, Layout, Signer, fragment_or_page, page, see_other},
};

/// Where pages ask by themselves how many are unread.
pub const UNREAD: &str = "/notices/unread";

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/notices").get(index))
        .service(web::resource("/notices/read").post(mark_read))
        .service(web::resource("/notices/unread").get(unread))
        .service(web::resource("/settings/notices").get(kinds::show).post(kinds::update));
}

/// For everybody who is signed in; without API access there is nothing in it.
async fn index(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    form: Query<FilterForm>,
) -> AppResult<HttpResponse> {
    let form = form.into_inner();
    let signer = Signer { key: app.session_key.signing(), viewer: &layout.viewer };
    let filter = form.parse(&signer)?;
    let viewer = layout.viewer.clone();
    let list = app.db.read(move |conn| queries::list(conn, &viewer, &filter)).await?;
    let next = list.next.map(|cursor| form.page_at(cursor, &signer));
    let previous = list.previous.map(|cursor| form.page_at(cursor, &signer));
    let queries::Page { notices, settled, .. } = list;
    let drawn = views::Index { layout, filter: form, notices, next, previous, settled };
    fragment_or_page(hx, &drawn.as_table(), &drawn)
}

/// `GET /notices/unread`: the bell at the top of a page, which looks again by itself.
async fn unread(app: Data<App>, viewer: Viewer, hx: Hx) -> AppResult<HttpResponse> {
    if !hx.wants_fragment() {
        return Ok(see_other("/notices"));
    }
    let unread = app.db.read(move |conn| count_unread(conn, &viewer)).await?;
    page(&views::Bell { unread, is_here: hx.is_on("/notices") })
}

/// Up to where one has read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    to: i64,
}

async fn mark_read(
    app: Data<App>,
    viewer: Viewer,
    session: Session,
    fields: Fields<Read>,
) -> AppResult<HttpResponse> {
    let to = fields.into_inner().to;
    app.db.write(move |conn| commands::mark_read(conn, &viewer, to)).await?;
    Flash::leave(&session, "What was listed is marked as read.");
    Ok(see_other("/notices"))
}
