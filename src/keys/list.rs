//! The list of keys, and searching it.

use actix_web::{
    HttpResponse,
    http::header,
    web::{Data, Query},
};
use chrono::Utc;

use super::{
    commands,
    filter::{FilterForm, not_on_offer},
    queries,
    views::{self, Row},
    wizard,
};
use crate::{
    app::App,
    credentials::{Presented, in_base64},
    db,
    error::AppResult,
    usage, users,
    web::{Fields, Hx, Layout, Signer, fragment_or_page, page, see_other},
};

/// `GET /keys`
pub async fn index(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    filter: Query<FilterForm>,
) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let drawn = draw_list(&app, layout, filter.into_inner()).await?;
    fragment_or_page(hx, &drawn.as_table(), &drawn)
}

/// `POST /keys/search`: by POST because what is pasted may be a secret. Anything else ends up in the address.
pub async fn search(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    form: Fields<FilterForm>,
) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let mut filter = form.into_inner();
    if Presented::looks_secret(&filter.q) {
        return find_secret(&app, layout, hx, filter).await;
    }
    (filter.after, filter.before) = (String::new(), String::new());
    let address = filter.address();
    if !hx.wants_fragment() {
        return Ok(see_other(&address));
    }
    let drawn = draw_list(&app, layout, filter).await?;
    let mut response = page(&drawn.as_table())?;
    response.headers_mut().insert(
        header::HeaderName::from_static("hx-push-url"),
        header::HeaderValue::from_str(&address).map_err(anyhow::Error::from)?,
    );
    Ok(response)
}

/// A secret leads to its key, also one that was replaced. It is hashed and dropped; no answer repeats it.
async fn find_secret(
    app: &App,
    layout: Layout,
    hx: Hx,
    mut filter: FilterForm,
) -> AppResult<HttpResponse> {
    let pasted = std::mem::take(&mut filter.q);
    let basic = in_base64(&pasted).find_map(|pair| Some(pair.split_once(':')?.1.to_owned()));
    let hash = match Presented::parse(basic.as_deref().unwrap_or(pasted.trim())) {
        Some(presented @ Presented::KeySecret(_)) => Some(presented.hash()),
        _ => None,
    };
    let viewer = layout.viewer.clone();
    let found = match hash {
        Some(hash) => app.db.read(move |conn| queries::find_by_secret(conn, &viewer, hash)).await?,
        None => None,
    };
    let Some(key) = found else {
        let mut drawn = draw_list(app, layout, FilterForm::default()).await?;
        drawn.rows.clear();
        (drawn.next, drawn.previous, drawn.unknown_secret) = (None, None, true);
        return fragment_or_page(hx, &drawn.as_table(), &drawn);
    };
    let address = format!("/keys/{}", key.public_key);
    if hx.wants_fragment() {
        Ok(HttpResponse::Ok().insert_header(("HX-Redirect", address)).finish())
    } else {
        Ok(see_other(&address))
    }
}

async fn draw_list(app: &App, layout: Layout, form: FilterForm) -> AppResult<views::Index> {
    let signer = Signer { key: app.session_key.signing(), viewer: &layout.viewer };
    let filter = form.parse(&signer)?;
    let (viewer, order, now) = (layout.viewer.clone(), filter.order, Utc::now());
    let (list, hours, elsewhere, has_any, expiring, may, choices, owners) = app
        .db
        .read(move |conn| {
            queries::in_time(conn, |conn| {
                let found = queries::find_page(conn, &viewer, &filter, now)?;
                let elsewhere = match found.is_empty() {
                    true => queries::count_elsewhere(conn, &viewer, &filter, now)?,
                    false => None,
                };
                let has_any = !found.is_empty() || queries::has_any(conn, &viewer)?;
                let expiring = queries::count_expiring(conn, &viewer, now)?;
                // The rest is looked up by ids, or small.
                db::plan_once(conn)?;
                Ok((
                    queries::read_page(conn, &viewer, &found)?,
                    usage::hours_of(conn, found.ids(), now)?,
                    elsewhere,
                    has_any,
                    expiring,
                    commands::may(conn, &viewer)?,
                    wizard::choices(conn, &viewer)?,
                    users::queries::names(conn, &viewer)?,
                ))
            })
        })
        .await?;
    let environments = &choices.environments;
    if !form.environment.is_empty()
        && !environments.iter().any(|known| known.slug == form.environment)
    {
        return Err(not_on_offer());
    }
    let first_page = FilterForm { after: String::new(), before: String::new(), ..form.clone() };
    let next = list.next.map(|cursor| {
        FilterForm { after: cursor.spell(&signer, &form), ..first_page.clone() }.address()
    });
    let previous = list.previous.map(|cursor| {
        FilterForm { before: cursor.spell(&signer, &form), ..first_page.clone() }.address()
    });
    let rows = list
        .keys
        .into_iter()
        .map(|(key, held)| Row::new(key, held, &layout.viewer, may, now).with_hours(&hours))
        .collect();
    Ok(views::Index {
        layout,
        filter: form,
        order,
        rows,
        may_revoke: may.revoke,
        has_any,
        expiring: queries::say_expiring(expiring),
        next,
        previous,
        choices,
        owners,
        elsewhere: elsewhere.map(|(mode, count)| views::Elsewhere { mode, count }),
        unknown_secret: false,
    })
}
