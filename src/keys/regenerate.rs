//! Regenerating a key, revealing what came of it, and the time in which the old secret still works.

use actix_session::Session;
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use chrono::Utc;
use serde::Deserialize;

use super::{
    Key, Overlap, asking, commands, overlap, queries, routes::parse_key, views,
    who_breaks::must_be_typed,
};
use crate::{
    app::App,
    changes::Change,
    credentials::Secret,
    error::{AppError, AppResult},
    web::{Fields, Flash, Hx, Layout, fragment_or_page, page_with_secret, see_other},
};

/// The fields of a regeneration, and of what can be done while both secrets work.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegenerateForm {
    version: String,
    /// When the old secret stops.
    overlap: Option<String>,
    /// The key's name, where the old one stops at once and was used a moment ago.
    #[serde(default)]
    typed: String,
}

impl RegenerateForm {
    fn version(&self) -> AppResult<i32> {
        self.version.parse().map_err(|_| {
            AppError::BadRequest("The form is incomplete. Open the key and try again.".into())
        })
    }
}

/// The fields of an act that only has to know what it was asked about.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionForm {
    version: String,
}

/// `POST /keys/{public key}/regenerate`: the new secret, once.
pub async fn regenerate(
    app: Data<App>,
    layout: Layout,
    path: Path<String>,
    form: Fields<RegenerateForm>,
) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let (viewer, public_key) = (layout.viewer.clone(), parse_key(&path)?);
    let form = form.into_inner();
    let version = form.version()?;
    let overlap = match Overlap::parse(form.overlap.as_deref().unwrap_or("now")) {
        Ok(overlap) => overlap,
        Err(error) => {
            let problem = AppError::Unprocessable(error);
            return asking::regeneration(&app, layout, public_key, &form.typed, problem).await;
        }
    };
    let vault = app.config.vault.clone();
    let (asked, typed) = (public_key.clone(), form.typed.clone());
    let done = app
        .db
        .write(move |conn| {
            let (key, secret) =
                commands::regenerate(conn, &viewer, &public_key, Some(version), overlap)?;
            if overlap == Overlap::Now {
                must_be_typed(conn, &[key.id], &key.name, &typed)?;
            }
            commands::keep(conn, vault.as_ref(), &key, &secret)?;
            let until = overlap::overlap_of(conn, key.id, Utc::now())?;
            Ok((key, secret, until))
        })
        .await;
    let (key, secret, until) = match done {
        Err(problem @ AppError::NotTyped) => {
            return asking::regeneration(&app, layout, asked, &form.typed, problem).await;
        }
        done => done?,
    };
    app.forget(Change::Key(key.id));
    let old = match until {
        Some(until) => format!("The old secret works until {} too.", overlap::spell(until)),
        None => "The old secret has stopped working.".into(),
    };
    reveal(layout, key, secret, Some(old))
}

/// The secret, in the one answer that has it. `old`: what has become of the one it replaces.
pub(super) fn reveal(
    layout: Layout,
    key: Key,
    secret: Secret,
    old: Option<String>,
) -> AppResult<HttpResponse> {
    let basic = secret.basic_token(&key.public_key);
    page_with_secret(&views::Reveal { layout, key, secret, basic, old })
}

/// `GET /keys/{public key}/confirm/finish`: who still calls with the old secret.
pub async fn confirm_finish(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    path: Path<String>,
) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let (viewer, public_key) = (layout.viewer.clone(), parse_key(&path)?);
    let (key, old) = app
        .db
        .read(move |conn| {
            let key = queries::find(conn, &viewer, &public_key)?;
            let old = overlap::old_secrets(conn, &key, Utc::now())?;
            Ok((key, old.into_iter().find(overlap::OldSecret::works)))
        })
        .await?;
    let page = views::Finish { layout, key, old };
    fragment_or_page(hx, &page.as_dialog(), &page)
}

/// `POST /keys/{public key}/finish`: the old secret stops now.
pub async fn finish(
    app: Data<App>,
    layout: Layout,
    session: Session,
    path: Path<String>,
    form: Fields<VersionForm>,
) -> AppResult<HttpResponse> {
    let viewer = layout.with_api_access()?.viewer;
    let public_key = parse_key(&path)?;
    let form =
        RegenerateForm { version: form.into_inner().version, overlap: None, typed: String::new() };
    let version = form.version()?;
    let key = app
        .db
        .write(move |conn| commands::finish_overlap(conn, &viewer, &public_key, version))
        .await?;
    app.forget(Change::Key(key.id));
    Flash::leave(&session, format!("The old secret of {} has stopped.", key.name));
    Ok(see_other(&format!("/keys/{}", key.public_key)))
}

/// `POST /keys/{public key}/extend`: the old secret works for another while.
pub async fn extend(
    app: Data<App>,
    layout: Layout,
    session: Session,
    path: Path<String>,
    form: Fields<RegenerateForm>,
) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let (viewer, public_key) = (layout.viewer.clone(), parse_key(&path)?);
    let form = form.into_inner();
    let version = form.version()?;
    let chosen = Overlap::parse(form.overlap.as_deref().unwrap_or_default());
    let overlap = match chosen.ok().filter(|overlap| *overlap != Overlap::Now) {
        Some(overlap) => overlap,
        None => return super::show::with_overlap_error(&app, layout, public_key).await,
    };
    let (key, until) = app
        .db
        .write(move |conn| {
            let key = commands::extend_overlap(conn, &viewer, &public_key, version, overlap)?;
            let until = overlap::overlap_of(conn, key.id, Utc::now())?;
            Ok((key, until))
        })
        .await?;
    app.forget(Change::Key(key.id));
    let until = until.map(overlap::spell).unwrap_or_default();
    Flash::leave(&session, format!("The old secret of {} works until {until}.", key.name));
    Ok(see_other(&format!("/keys/{}", key.public_key)))
}
