//! A catalogue from a file: looked at first, then applied, in one transaction or not at all.

use actix_session::Session;
use actix_web::{HttpResponse, web::Data};

use super::{routes::changed, upload::Upload, views};
use crate::{
    app::App,
    error::{AppError, AppResult},
    presets::{self, Fault},
    web::{Layout, invalid, page},
};

pub async fn new(layout: Layout) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    page(&views::Import { layout, text: String::new(), faults: Vec::new() })
}

/// What the file would change, or every line that is wrong with it.
pub async fn preview(app: Data<App>, layout: Layout, upload: Upload) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let text = match upload.into_text() {
        Ok(text) => text,
        Err((text, fault)) => return refuse(layout, text, vec![fault]),
    };
    let read = match presets::read(&text) {
        Ok(read) => read,
        Err(faults) => return refuse(layout, text, faults),
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
    upload: Upload,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let text = match upload.into_text() {
        Ok(text) => text,
        Err((text, fault)) => return refuse(layout, text, vec![fault]),
    };
    let read = match presets::read(&text) {
        Ok(read) => read,
        Err(faults) => return refuse(layout, text, faults),
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

fn refuse(layout: Layout, text: String, faults: Vec<Fault>) -> AppResult<HttpResponse> {
    invalid(&views::Import { layout, text, faults })
}
