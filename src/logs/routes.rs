//! Addresses and handlers.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderName, HeaderValue},
    web::{self, Data, Path, Query, ServiceConfig},
};
use chrono::Utc;
use serde::Deserialize;
use uuid::Uuid;

use super::{
    export,
    filter::{FilterForm, in_address, parse_time},
    queries::{self, PAGE, PATIENCE},
    views,
};
use crate::{
    app::App,
    applications,
    credentials::{Presented, in_base64},
    environments,
    error::{AppError, AppResult},
    keys,
    users::Viewer,
    web::{Fields, Hx, Layout, Signer, fragment_or_page, page, see_other},
};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/logs").get(index))
        .service(web::resource("/logs/search").post(search))
        .service(web::resource("/logs/tail").get(tail))
        .service(web::resource("/logs/export/{format}").get(export::download))
        .service(web::resource("/logs/{id}").get(show));
}

async fn index(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    filter: Query<FilterForm>,
) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let filter = filter.into_inner();
    let was_before = !filter.before.is_empty();
    let drawn = draw_list(&app, layout, filter).await?;
    let is_newest = was_before && drawn.previous.is_none();
    if !is_newest {
        return fragment_or_page(hx, &drawn.as_list(), &drawn);
    }
    // Whoever goes on to what is newer gets to the newest, at its own address.
    let address = drawn.filter.address();
    if hx.wants_fragment() { at_address(&drawn, &address) } else { Ok(see_other(&address)) }
}

/// The list alone, for a page whose address becomes that.
fn at_address(drawn: &views::Index, address: &str) -> AppResult<HttpResponse> {
    let mut response = page(&drawn.as_list())?;
    response.headers_mut().insert(
        HeaderName::from_static("hx-push-url"),
        HeaderValue::from_str(address).map_err(anyhow::Error::from)?,
    );
    Ok(response)
}

/// By POST, because what is pasted as a key may be a secret: then its key is what is looked for, and nothing repeats it.
/// Anything else ends up in the address.
async fn search(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    form: Fields<FilterForm>,
) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let mut filter = form.into_inner().first_page();
    if Presented::looks_secret(&filter.key) {
        filter.key = public_key_of(&app, &layout.viewer, std::mem::take(&mut filter.key)).await?;
    }
    // Forms spell times in the zone of whoever reads them; addresses are for everybody.
    for typed in [&mut filter.from, &mut filter.to] {
        if let Some(at) = parse_time(typed, layout.viewer.zone) {
            *typed = in_address(at);
        }
    }
    filter.parse(&signer(&app, &layout.viewer), Utc::now())?;
    let address = filter.address();
    if !hx.wants_fragment() {
        return Ok(see_other(&address));
    }
    let drawn = draw_list(&app, layout, filter).await?;
    at_address(&drawn, &address)
}

/// The newest page again, for one that is open: its rows, or 304 when they are those it has.
async fn tail(
    app: Data<App>,
    request: HttpRequest,
    layout: Layout,
    hx: Hx,
    filter: Query<FilterForm>,
) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let filter = filter.into_inner().first_page();
    if !hx.wants_fragment() {
        return Ok(see_other(&filter.address()));
    }
    let drawn = draw_list(&app, layout, filter).await?;
    let tag = HeaderValue::from_str(&drawn.tag()).map_err(anyhow::Error::from)?;
    let mut response = if request.headers().get(header::IF_NONE_MATCH) == Some(&tag) {
        HttpResponse::NotModified().finish()
    } else {
        page(&drawn.as_list())?
    };
    response.headers_mut().insert(header::ETAG, tag);
    Ok(response)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

async fn show(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    id: Path<String>,
    _: Query<Nothing>,
) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let id: Uuid = id.parse().map_err(|_| AppError::NotFound)?;
    let viewer = layout.viewer.clone();
    let request = app.db.read(move |conn| queries::find(conn, &viewer, id)).await?;
    let drawn = views::Show { layout, request };
    fragment_or_page(hx, &drawn.as_dialog(), &drawn)
}

async fn draw_list(app: &App, layout: Layout, form: FilterForm) -> AppResult<views::Index> {
    let now = Utc::now();
    let signer = signer(app, &layout.viewer);
    let filter = form.parse(&signer, now)?;
    let viewer = layout.viewer.clone();
    let (is_before, after) = (filter.before.is_some(), filter.after);
    let (found, gaps, applications, environments) = app
        .db
        .read(move |conn| {
            let found = queries::list(conn, &viewer, &filter, PAGE, PATIENCE)?;
            let gaps = match (found.requests.first(), found.requests.last()) {
                (Some(first), Some(last)) => {
                    let until = match (after, found.previous) {
                        (Some(place), _) => place.at,
                        (None, Some(_)) => first.row.at,
                        (None, None) => now,
                    };
                    queries::gaps(conn, last.row.at, until)?
                }
                _ => Vec::new(),
            };
            Ok((found, gaps, applications::list(conn, &viewer)?, environments::list(conn)?))
        })
        .await?;
    let form = if is_before && found.previous.is_none() { form.first_page() } else { form };
    let first_page = form.first_page();
    let next = found.next.map(|place| {
        FilterForm { after: place.spell(&signer, &form), ..first_page.clone() }.address()
    });
    let previous = found.previous.map(|place| {
        FilterForm { before: place.spell(&signer, &form), ..first_page.clone() }.address()
    });
    // Who looks for nothing in particular and finds nothing has a log that is not begun.
    let has_any = !found.requests.is_empty()
        || found.next.is_some()
        || layout.viewer.mode.is_some()
        || form != FilterForm::default();
    Ok(views::Index {
        layout,
        filter: form,
        requests: found.requests,
        looked_until: found.looked_until,
        next,
        previous,
        has_any,
        gaps,
        applications,
        environments,
    })
}

pub(super) fn signer<'a>(app: &'a App, viewer: &'a Viewer) -> Signer<'a> {
    Signer { key: app.session_key.signing(), viewer }
}

/// The public key of the key a secret belongs or belonged to. It is hashed and dropped.
async fn public_key_of(app: &App, viewer: &Viewer, pasted: String) -> AppResult<String> {
    let basic = in_base64(&pasted).find_map(|pair| Some(pair.split_once(':')?.1.to_owned()));
    let hash = match Presented::parse(basic.as_deref().unwrap_or(pasted.trim())) {
        Some(presented @ Presented::KeySecret(_)) => presented.hash(),
        _ => return Err(no_such_secret()),
    };
    let viewer = viewer.clone();
    let found = app.db.read(move |conn| keys::queries::find_by_secret(conn, &viewer, hash)).await?;
    found.map(|key| key.public_key).ok_or_else(no_such_secret)
}

fn no_such_secret() -> AppError {
    AppError::BadRequest(
        "No key that you can see has this secret, now or before. The search kept nothing of it."
            .into(),
    )
}
