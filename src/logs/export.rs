//! What is listed, as a file.

use std::time::Duration;

use actix_web::{
    HttpResponse,
    web::{Data, Path, Query},
};
use chrono::Utc;

use super::{
    filter::{Filter, FilterForm},
    model::Request,
    queries,
    routes::signer,
};
use crate::{
    app::App,
    error::{AppError, AppResult},
    web::{
        Layout,
        download::{Cell, Format, Sheet, attachment},
    },
};

/// Rows that are read and sent at once.
const PIECE: usize = 1_000;
/// How long a piece goes on looking; then what it has found is sent.
const PATIENCE: Duration = Duration::from_millis(500);

const COLUMNS: &[&str] = &[
    "time",
    "request_id",
    "code",
    "stands_for",
    "key_id",
    "key_name",
    "application_id",
    "application",
    "environment",
    "gateway",
    "endpoint",
    "method",
    "path",
    "scopes",
    "customer",
    "ip",
    "user_agent",
    "took_microseconds",
    "detail",
];

/// `GET /logs/export/csv` and `/logs/export/jsonl`, with the filter of the list: from its place on, newest first.
pub async fn download(
    app: Data<App>,
    layout: Layout,
    format: Path<String>,
    form: Query<FilterForm>,
) -> AppResult<HttpResponse> {
    let viewer = layout.with_api_access()?.viewer;
    let format = Format::parse(&format).ok_or(AppError::NotFound)?;
    let filter = form.parse(&signer(&app, &viewer), Utc::now())?;
    // A file goes from the newest to the oldest, whichever page is open.
    let filter = Filter { before: None, ..filter };
    let db = app.db.clone();
    let name = format!("requests-{}", Utc::now().format("%Y-%m-%d"));
    attachment(&name, Sheet::new(format, COLUMNS), filter, move |sheet, filter: Filter| {
        let (db, viewer) = (db.clone(), viewer.clone());
        async move {
            db.read(move |conn| {
                let mut sheet = sheet;
                let page = queries::list(conn, &viewer, &filter, PIECE, PATIENCE)?;
                page.requests.iter().for_each(|request| add(&mut sheet, request));
                let next = page.next.map(|place| Filter { after: Some(place), ..filter });
                Ok((sheet, next))
            })
            .await
        }
    })
    .await
}

fn add(sheet: &mut Sheet, request: &Request) {
    let row = &request.row;
    let (id, scopes, ip) = (row.id.to_string(), row.scopes.join(" "), request.ip());
    let key = request.key.as_ref();
    let application = request.application.as_ref();
    sheet.row(&[
        Cell::At(row.at),
        Cell::Text(&id),
        Cell::Text(&row.code),
        Cell::Number(row.stands_for.into()),
        key.map(|key| key.public_key.as_str()).into(),
        key.map(|key| key.name.as_str()).into(),
        application.map(|(id, _)| id.as_str()).into(),
        application.map(|(_, name)| name.as_str()).into(),
        Cell::Text(&request.environment.slug),
        Cell::Text(&request.gateway),
        Cell::Text(&row.endpoint),
        Cell::Text(&row.method),
        Cell::Text(&row.path),
        Cell::Text(&scopes),
        row.customer.as_deref().into(),
        ip.as_deref().into(),
        Cell::Text(&row.agent),
        Cell::Number(row.took_micros.into()),
        Cell::Text(&row.detail),
    ]);
}
