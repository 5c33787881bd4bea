//! The page of a webhook with its log, and that of one delivery.

use actix_session::Session;
use actix_web::{
    HttpResponse,
    web::{self, Data, Path, Query, ServiceConfig},
};
use serde::Deserialize;

use super::{
    commands,
    queries::{self, Cursor},
    routes::find,
    views,
};
use crate::{
    app::App,
    error::{AppError, AppResult},
    web::{Button, Fields, Flash, Hx, Layout, Signer, fragment_or_page, see_other},
};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/settings/webhooks/deliveries/{id}").get(delivery))
        .service(web::resource("/settings/webhooks/deliveries/{id}/repeat").post(repeat))
        .service(web::resource("/settings/webhooks/{id}").get(show));
}

/// Where in the log, as addresses spell it; `live`: the page asked for itself again.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Place {
    after: String,
    before: String,
    live: String,
}

impl Place {
    fn parse(&self, signer: &Signer<'_>, list: &str) -> AppResult<Option<Cursor>> {
        let (typed, backwards) = match (self.after.as_str(), self.before.as_str()) {
            ("", "") => return Ok(None),
            (after, "") => (after, false),
            ("", before) => (before, true),
            _ => return Err(bad_page()),
        };
        let id = signer.parse(list, typed).and_then(|id| id.parse().ok()).ok_or_else(bad_page)?;
        Ok(Some(Cursor { id, backwards }))
    }
}

fn bad_page() -> AppError {
    AppError::BadRequest(
        "This is a bad page address: it belongs to another list. Go back to the first page.".into(),
    )
}

async fn show(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    id: Path<i64>,
    place: Query<Place>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let webhook = find(&app, &layout, *id).await?;
    let list = format!("/settings/webhooks/{id}");
    let signer = Signer { key: app.session_key.signing(), viewer: &layout.viewer };
    let cursor = place.parse(&signer, &list)?;
    let spell = |name: &str, cursor: Option<Cursor>| {
        let place = signer.spell(&list, &cursor?.id.to_string());
        Some(format!("{list}?{name}={place}"))
    };
    let (viewer, asked) = (layout.viewer.clone(), webhook.clone());
    let log = app.db.read(move |conn| queries::log(conn, &viewer, &asked, cursor)).await?;
    let (next, previous) = (spell("after", log.next), spell("before", log.previous));
    let drawn = views::Show {
        webhook: views::Shown::of(webhook, &app.outside),
        deliveries: log.deliveries,
        next,
        previous,
        is_first: cursor.is_none(),
        layout,
    };
    fragment_or_page(hx, &drawn.as_table(), &drawn)
}

async fn delivery(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    id: Path<i64>,
    place: Query<Place>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let viewer = layout.viewer.clone();
    let (webhook, delivery, attempts) =
        app.db.read(move |conn| queries::delivery(conn, &viewer, *id)).await?;
    let is_again = !place.live.is_empty();
    let webhook = views::Shown::of(webhook, &app.outside);
    let drawn = views::OneDelivery { layout, webhook, delivery, attempts, is_again };
    fragment_or_page(hx, &drawn.as_standing(), &drawn)
}

async fn repeat(
    app: Data<App>,
    layout: Layout,
    session: Session,
    id: Path<i64>,
    _: Fields<Button>,
) -> AppResult<HttpResponse> {
    let viewer = layout.for_administrators()?.viewer;
    let delivery = app.db.write(move |conn| commands::repeat(conn, &viewer, *id)).await?;
    Flash::leave(&session, "It is sent again, under the same id.");
    Ok(see_other(&format!("/settings/webhooks/deliveries/{}", delivery.id)))
}
