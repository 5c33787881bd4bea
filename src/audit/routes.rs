//! Addresses and handlers: administrators only, nobody else has them.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{HeaderName, HeaderValue},
    web::{self, Data, Path, ServiceConfig},
};
use serde::Deserialize;

use super::{COLUMNS, chain, export, filter::FilterForm, queries, subjects, views};
use crate::{
    app::App,
    error::{AppError, AppResult},
    web::{
        Fields, Hx, Layout, Signer,
        download::{Format, Sheet, attachment},
        fragment_or_page, page, see_other,
    },
};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/audit").get(index))
        .service(web::resource("/audit/search").post(search))
        .service(web::resource("/audit/export").post(download))
        .service(web::resource("/audit/{id}").get(show));
}

async fn index(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    req: HttpRequest,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    // Not before: to everybody else the address is not there, whatever stands behind it.
    let filter: FilterForm = serde_html_form::from_str(req.query_string()).map_err(|_| {
        AppError::BadRequest(
            "The address has a part that isn’t understood. Go back to the page and choose again."
                .into(),
        )
    })?;
    let drawn = draw(&app, layout, filter).await?;
    fragment_or_page(hx, &drawn.as_table(), &drawn)
}

/// By POST, because what is pasted may be a secret; anything else ends up in the address.
async fn search(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    form: Fields<FilterForm>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let form = form.into_inner().first_page();
    form.parse(layout.viewer.zone)?;
    let address = form.address();
    if !hx.wants_fragment() {
        return Ok(see_other(&address));
    }
    let drawn = draw(&app, layout, form).await?;
    let mut response = page(&drawn.as_table())?;
    response.headers_mut().insert(
        HeaderName::from_static("hx-push-url"),
        HeaderValue::from_str(&address).map_err(anyhow::Error::from)?,
    );
    Ok(response)
}

async fn draw(app: &App, layout: Layout, form: FilterForm) -> AppResult<views::Index> {
    let signer = Signer { key: app.session_key.signing(), viewer: &layout.viewer };
    let filter = form.parse_page(&signer)?;
    let viewer = layout.viewer.clone();
    let (page, addresses, actions, people, head) = app
        .db
        .read(move |conn| {
            let page = queries::list(conn, &viewer, &filter)?;
            let addresses = subjects::addresses(conn, &page.entries)?;
            let (actions, people) = (queries::actions(conn)?, queries::people(conn)?);
            Ok((page, addresses, actions, people, chain::head(conn)?))
        })
        .await?;
    let first_page = form.first_page();
    let next = page.next.map(|cursor| {
        FilterForm { after: cursor.spell(&signer, &form), ..first_page.clone() }.address()
    });
    let previous = page.previous.map(|cursor| {
        FilterForm { before: cursor.spell(&signer, &form), ..first_page.clone() }.address()
    });
    let rows = views::Row::all(page.entries, &addresses);
    let choices = views::Choices::new(&actions, people);
    Ok(views::Index { layout, filter: form, rows, choices, head, next, previous })
}

/// One event, by its number: what `latchkey audit verify` names.
async fn show(app: Data<App>, layout: Layout, number: Path<i64>) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let (viewer, number) = (layout.viewer.clone(), *number);
    let (entry, addresses) = app
        .db
        .read(move |conn| {
            let entry = queries::find(conn, &viewer, number)?;
            let addresses = subjects::addresses(conn, std::slice::from_ref(&entry))?;
            Ok((entry, addresses))
        })
        .await?;
    page(&views::Show { layout, row: views::Row::new(entry, &addresses) })
}

/// What is exported: the filter of the page, and how it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct ExportForm {
    format: String,
    q: String,
    who: String,
    action: String,
    subject: String,
    ip: String,
    request: String,
    from: String,
    to: String,
}

impl ExportForm {
    fn split(self) -> (String, FilterForm) {
        let Self { format, q, who, action, subject, ip, request, from, to } = self;
        let (after, before) = (String::new(), String::new());
        (format, FilterForm { q, who, action, subject, ip, request, from, to, after, before })
    }
}

/// What matches, all of it. By POST, because it is written down.
async fn download(
    app: Data<App>,
    layout: Layout,
    form: Fields<ExportForm>,
) -> AppResult<HttpResponse> {
    let viewer = layout.for_administrators()?.viewer;
    let (format, form) = form.into_inner().split();
    let format = Format::parse(&format)
        .ok_or_else(|| AppError::BadRequest("Export as CSV or as JSON lines.".into()))?;
    let filter = form.parse(viewer.zone)?;
    let exporter = viewer.clone();
    app.db.write(move |conn| export::begin(conn, &exporter, format, &form)).await?;
    attachment("audit", Sheet::new(format, COLUMNS), None, move |mut sheet, from| {
        let (app, viewer, filter) = (app.clone(), viewer.clone(), filter.clone());
        async move {
            app.db
                .read(move |conn| {
                    let next = export::write_some(conn, &viewer, &filter, &mut sheet, from)?;
                    Ok((sheet, next.map(Some)))
                })
                .await
        }
    })
    .await
}
