//! Importing a file: first it is checked, and the page says what would happen; then it is sent again, and happens.

use actix_session::Session;
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};

use super::{
    commands, queries,
    sheet::{LARGEST, Mistake, Sheet},
    upload::Upload,
    views,
};
use crate::{
    app::App,
    error::AppResult,
    web::{Flash, Layout, invalid, page, see_other},
};

/// `GET /customers/import`
pub async fn new(layout: Layout) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    page(&views::Import { layout, text: String::new(), mistakes: Vec::new() })
}

/// `POST /customers/import/preview`: changes nothing.
pub async fn preview(
    app: Data<App>,
    layout: Layout,
    req: HttpRequest,
    body: Payload,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let upload = Upload::read(&req, body).await?;
    let sheet = match understood(&upload) {
        Ok(sheet) => sheet,
        Err(mistakes) => return again(layout, &upload, mistakes),
    };
    let viewer = layout.viewer.clone();
    let (sheet, plan) = app
        .db
        .read(move |conn| {
            let plan = queries::plan(conn, &viewer, &sheet)?;
            Ok((sheet, plan))
        })
        .await?;
    page(&views::Preview { layout, rows: sheet.to_csv(), plan })
}

/// `POST /customers/import`: the rows come back from the preview, or from anywhere, and are checked again.
pub async fn create(
    app: Data<App>,
    session: Session,
    layout: Layout,
    req: HttpRequest,
    body: Payload,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let upload = Upload::read(&req, body).await?;
    let sheet = match understood(&upload) {
        Ok(sheet) => sheet,
        Err(mistakes) => return again(layout, &upload, mistakes),
    };
    let viewer = layout.viewer;
    let done = app.db.write(move |conn| commands::import(conn, &viewer, &sheet)).await?;
    let message = format!(
        "Imported: {} new, {} renamed, {} unchanged.",
        done.new, done.renamed, done.unchanged
    );
    Flash::leave(&session, message);
    Ok(see_other("/customers"))
}

fn understood(upload: &Upload) -> Result<Sheet, Vec<Mistake>> {
    let whole = |sentence: &str| Err(vec![Mistake { line: 0, sentence: sentence.into() }]);
    if upload.bytes.is_empty() {
        return whole("Choose a file, or paste its lines.");
    }
    if upload.bytes.len() > LARGEST {
        return whole("The file is larger than 1 MiB. Split it.");
    }
    Sheet::parse(&upload.bytes)
}

/// The same page with what is wrong, and with the text to put it right in; nothing that large is worth sending back.
fn again(layout: Layout, upload: &Upload, mistakes: Vec<Mistake>) -> AppResult<HttpResponse> {
    let text = if upload.bytes.len() > LARGEST { "" } else { upload.text() };
    invalid(&views::Import { layout, text: text.to_owned(), mistakes })
}
