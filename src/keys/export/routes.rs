//! Asking for the file: what it would hold, then the job that writes it.

use actix_session::Session;
use actix_web::{
    HttpResponse,
    web::{Data, Query},
};
use chrono::Utc;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::Export;
use crate::{
    app::App,
    error::{AppError, AppResult},
    jobs::{self, NewJob, Work},
    keys::{filter::FilterForm, queries, views},
    web::{Fields, Flash, Hx, Layout, Signer, download::Format, fragment_or_page, see_other},
};

/// The filter of the list, and how the file is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExportForm {
    pub format: String,
    pub q: String,
    pub status: String,
    pub environment: String,
    pub application: String,
    pub permission: String,
    pub owner: String,
    pub last_used: String,
    pub expiring: String,
}

impl ExportForm {
    fn filter(&self) -> FilterForm {
        FilterForm {
            q: self.q.clone(),
            status: self.status.clone(),
            environment: self.environment.clone(),
            application: self.application.clone(),
            permission: self.permission.clone(),
            owner: self.owner.clone(),
            last_used: self.last_used.clone(),
            expiring: self.expiring.clone(),
            ..FilterForm::default()
        }
    }
}

/// `GET /keys/export`: a dialog for htmx, a page without it.
pub async fn ask(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    filter: Query<FilterForm>,
) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let form = FilterForm {
        sort: String::new(),
        after: String::new(),
        before: String::new(),
        ..filter.into_inner()
    };
    let signer = Signer { key: app.session_key.signing(), viewer: &layout.viewer };
    let filter = form.parse(&signer)?;
    let viewer = layout.viewer.clone();
    let count =
        app.db.read(move |conn| queries::count_roughly(conn, &viewer, &filter, Utc::now())).await?;
    let page = views::Export { layout, filter: form, count };
    fragment_or_page(hx, &page.as_dialog(), &page)
}

/// `POST /keys/export`
pub async fn start(
    app: Data<App>,
    layout: Layout,
    session: Session,
    form: Fields<ExportForm>,
) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let form = form.into_inner();
    if Format::parse(&form.format).is_none() {
        return Err(AppError::BadRequest(
            "The form is incomplete. Reload the list and try again.".into(),
        ));
    }
    let filter = form.filter();
    let signer = Signer { key: app.session_key.signing(), viewer: &layout.viewer };
    filter.parse(&signer)?;
    let export = Export { filter, mode: layout.viewer.mode, format: form.format };
    let viewer = layout.viewer;
    let asked = app
        .db
        .write(move |conn| {
            // Who presses twice gets one file.
            let same = hex::encode(Sha256::digest(export.title()));
            let key = format!("keys_export {:?} {same}", viewer.id);
            jobs::start(conn, &viewer, NewJob::of(&viewer, Work::KeysExport(export)).once(key))
        })
        .await?;
    Flash::leave(&session, "The file is being written. It can be downloaded here when it is done.");
    Ok(see_other(&format!("/jobs/{}", asked.id)))
}
