//! A catalogue from a file: looked at first, then applied, in one transaction or not at all.

use actix_session::Session;
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};

use super::{routes::changed, views};
use crate::{
    app::App,
    error::{AppError, AppResult},
    presets::{self, Fault, Read},
    web::{Layout, Upload, invalid, page},
};

/// No catalogue is larger, in bytes.
const LARGEST: usize = 256 * 1024;

pub async fn new(layout: Layout) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    page(&views::Import { layout, text: String::new(), faults: Vec::new() })
}

/// What the file would change, or every line that is wrong with it.
pub async fn preview(
    app: Data<App>,
    layout: Layout,
    req: HttpRequest,
    body: Payload,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let (text, read) = match understood(&req, body).await? {
        Ok(understood) => understood,
        Err((text, faults)) => return refuse(layout, text, faults),
    };
    let viewer = layout.viewer.clone();
    match app.db.read(move |conn| presets::preview_file(conn, &viewer, &read)).await? {
        Ok(applied) => page(&views::Preview { layout, text, applied }),
        Err(faults) => refuse(layout, text, faults),
    }
}

/// The same again, for good: what was looked at may have become wrong meanwhile.
pub async fn apply(
    app: Data<App>,
    layout: Layout,
    session: Session,
    req: HttpRequest,
    body: Payload,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let (text, read) = match understood(&req, body).await? {
        Ok(understood) => understood,
        Err((text, faults)) => return refuse(layout, text, faults),
    };
    let viewer = layout.viewer.clone();
    let outcome = app.db.write(move |conn| presets::apply_file(conn, &viewer, &read)).await;
    match outcome {
        Ok(Ok(_)) => Ok(changed(&app, &session, "The file is applied.".into())),
        Ok(Err(faults)) => refuse(layout, text, faults),
        Err(AppError::Constraint(..)) => {
            let sentence =
                "Somebody changed keys or the catalogue at the same moment. Send the file again.";
            refuse(layout, text, vec![Fault { line: 1, sentence: sentence.into() }])
        }
        Err(error) => Err(error),
    }
}

/// The text and what it says; otherwise what can be shown of it, and everything that is wrong with it.
async fn understood(
    req: &HttpRequest,
    body: Payload,
) -> AppResult<Result<(String, Read), (String, Vec<Fault>)>> {
    let upload = Upload::read(req, body, LARGEST).await?;
    Ok(match text_of(upload) {
        Ok(text) => match presets::read(&text) {
            Ok(read) => Ok((text, read)),
            Err(faults) => Err((text, faults)),
        },
        Err((text, fault)) => Err((text, vec![fault])),
    })
}

/// The file, or what was pasted; otherwise what can be shown of it, and what is wrong.
fn text_of(upload: Upload) -> Result<String, (String, Fault)> {
    let wrong = |text: String, sentence: &str| {
        Err((text, Fault { line: 1, sentence: sentence.to_owned() }))
    };
    let Upload { file, text } = upload;
    let is_blank = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_whitespace);
    let bytes = match (is_blank(&file), is_blank(&text)) {
        (true, true) => return wrong(String::new(), "Choose a file, or paste its text."),
        (false, false) => {
            let text = String::from_utf8(text).unwrap_or_default();
            return wrong(text, "Both a file and text were sent. Choose one of the two.");
        }
        (false, true) => file,
        (true, false) => text,
    };
    match String::from_utf8(bytes) {
        // A byte order mark says what is known anyway.
        Ok(text) => Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)),
        Err(_) => {
            wrong(String::new(), "The file is no text in UTF-8. Save it as UTF-8 and try again.")
        }
    }
}

fn refuse(layout: Layout, text: String, faults: Vec<Fault>) -> AppResult<HttpResponse> {
    invalid(&views::Import { layout, text, faults })
}
