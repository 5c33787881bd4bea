//! Importing a file: first it is checked, and the page says what would happen; then it is sent again, and happens.

use actix_session::Session;
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};
use sha2::{Digest, Sha256};

use super::{
    Import, commands,
    importing::AT_ONCE,
    queries,
    sheet::{LARGEST, Mistake, Sheet},
    views,
};
use crate::{
    app::App,
    error::{AppError, AppResult},
    jobs::{self, NewJob, Work},
    web::{Flash, Layout, Upload, invalid, page, see_other},
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
    let sheet = match understood(&req, body).await? {
        Ok(sheet) => sheet,
        Err((text, mistakes)) => return invalid(&views::Import { layout, text, mistakes }),
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
    let sheet = match understood(&req, body).await? {
        Ok(sheet) => sheet,
        Err((text, mistakes)) => return invalid(&views::Import { layout, text, mistakes }),
    };
    let viewer = layout.viewer;
    if sheet.rows.len() > AT_ONCE {
        let import = Import::of(&sheet);
        // Who presses twice gets one job.
        let same = hex::encode(Sha256::digest(&import.rows));
        let new = NewJob::of(&viewer, Work::CustomersImport(import))
            .once(format!("customers_import {:?} {same}", viewer.id));
        let asked = app.db.write(move |conn| jobs::start(conn, &viewer, new)).await?;
        Flash::leave(&session, "This is a long list, so a job imports it: all of it or nothing.");
        return Ok(see_other(&format!("/jobs/{}", asked.id)));
    }
    let imported =
        app.db.write(move |conn| commands::import(conn, &viewer, &sheet, |_| AppResult::Ok(())));
    Flash::leave(&session, imported.await?.said());
    Ok(see_other("/customers"))
}

/// What is in the file, or in the lines when none was chosen; otherwise the text to put right, and what is wrong with it.
async fn understood(
    req: &HttpRequest,
    body: Payload,
) -> AppResult<Result<Sheet, (String, Vec<Mistake>)>> {
    let whole = |sentence: &str| {
        Ok(Err((String::new(), vec![Mistake { line: 0, sentence: sentence.into() }])))
    };
    let Upload { file, text } = match Upload::read(req, body, LARGEST).await {
        Ok(upload) => upload,
        Err(AppError::TooLarge(_)) => return whole("The file is larger than 1 MiB. Split it."),
        Err(error) => return Err(error),
    };
    let bytes = if file.is_empty() { text } else { file };
    if bytes.is_empty() {
        return whole("Choose a file, or paste its lines.");
    }
    Ok(Sheet::parse(&bytes)
        .map_err(|mistakes| (String::from_utf8(bytes).unwrap_or_default(), mistakes)))
}
