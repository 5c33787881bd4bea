//! Leak triage: its addresses and handlers.

use actix_session::Session;
use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::{self, Data, Path, Payload, ServiceConfig},
};
use zeroize::Zeroizing;

use super::{
    gitleaks, partners, reports, scan,
    triage::{self, Triage},
    views,
};
use crate::{
    app::App,
    credentials::Presented,
    environments,
    error::{AppError, AppResult},
    web::{Button, Fields, Flash, Layout, Upload, page, see_other, with_status},
};

/// The most that is looked at.
const LARGEST: usize = 1024 * 1024;
/// So many keys that something is open about are listed.
const OPEN: usize = 50;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/leaks").get(index).post(look))
        .service(web::resource("/leaks/gitleaks.toml").get(rules))
        .service(web::resource("/leaks/{id}/dismiss").post(dismiss_other))
        .service(web::resource("/keys/{key}/leaks/dismiss").post(dismiss));
    partners::routes(cfg);
}

async fn index(app: Data<App>, layout: Layout) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    page(&draw(&app, layout, None, None).await?)
}

/// Looks at a text. What is held of it is wiped afterwards, and nothing of it is kept, logged or answered.
async fn look(
    app: Data<App>,
    layout: Layout,
    req: HttpRequest,
    body: Payload,
) -> AppResult<HttpResponse> {
    const NOTHING: &str = "Paste a text, or choose a file.";
    const TOO_LARGE: &str = "That is more than 1 MiB. Nothing of it was looked at. Send it in pieces, or send the lines that matter: see below.";
    let layout = layout.with_api_access()?;
    let text = match Upload::read(&req, body, LARGEST).await {
        Ok(Upload { file, text }) => {
            let (file, text) = (Zeroizing::new(file), Zeroizing::new(text));
            if file.is_empty() { text } else { file }
        }
        Err(AppError::TooLarge(_)) => {
            let drawn = draw(&app, layout, None, Some(TOO_LARGE)).await?;
            return with_status(StatusCode::PAYLOAD_TOO_LARGE, &drawn);
        }
        Err(error) => return Err(error),
    };
    if text.trim_ascii().is_empty() {
        let drawn = draw(&app, layout, None, Some(NOTHING)).await?;
        return with_status(StatusCode::UNPROCESSABLE_ENTITY, &drawn);
    }
    let prefixes = app.db.read(prefixes).await?;
    let found = web::block(move || scan::scan(&text, &prefixes)).await?;
    let viewer = layout.viewer.clone();
    let triage = app.db.write(move |conn| triage::triage(conn, &viewer, found)).await?;
    page(&draw(&app, layout, Some(triage), None).await?)
}

async fn draw(
    app: &App,
    layout: Layout,
    triage: Option<Triage>,
    problem: Option<&'static str>,
) -> AppResult<views::Index> {
    let viewer = layout.viewer.clone();
    let (open, open_others, prefixes, may_revoke) = app
        .db
        .read(move |conn| {
            Ok((
                reports::open_keys(conn, &viewer, OPEN)?,
                reports::open_others(conn, &viewer)?,
                prefixes(conn)?,
                crate::keys::commands::may_revoke(conn, &viewer)?,
            ))
        })
        .await?;
    let (mut open, mut open_others) = (open, open_others);
    if let Some(triage) = &triage {
        // What was found stands above already.
        open.retain(|(key, _)| triage.keys.iter().all(|found| found.row.key.id != key.id));
        open_others.retain(|other| !triage.has(&other.subject));
    }
    let rules = match layout.viewer.is_administrator() {
        true => Some(gitleaks::rules(&prefixes, app.config.base_url().as_str())?),
        false => None,
    };
    Ok(views::Index { layout, triage, open, open_others, problem, prefixes, rules, may_revoke })
}

/// `GET /leaks/gitleaks.toml`
async fn rules(app: Data<App>, layout: Layout) -> AppResult<HttpResponse> {
    layout.for_administrators()?;
    let prefixes = app.db.read(prefixes).await?;
    let rules = gitleaks::rules(&prefixes, app.config.base_url().as_str())?;
    Ok(HttpResponse::Ok()
        .content_type("application/toml; charset=utf-8")
        .insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"gitleaks.toml\""))
        .body(rules))
}

/// `POST /keys/{public key}/leaks/dismiss`: nothing is left to do about what was reported.
async fn dismiss(
    app: Data<App>,
    layout: Layout,
    session: Session,
    path: Path<String>,
    _: Fields<Button>,
) -> AppResult<HttpResponse> {
    let viewer = layout.with_api_access()?.viewer;
    let public_key = match Presented::parse(&path) {
        Some(Presented::PublicKey(public_key)) => public_key.to_owned(),
        _ => return Err(AppError::NotFound),
    };
    let key = app.db.write(move |conn| reports::dismiss(conn, &viewer, &public_key)).await?;
    Flash::leave(&session, format!("What was reported about {} is dismissed.", key.name));
    Ok(see_other(&key.address()))
}

/// `POST /leaks/{id}/dismiss`: the same about an App Secret or a gateway's token.
async fn dismiss_other(
    app: Data<App>,
    layout: Layout,
    session: Session,
    id: Path<i64>,
    _: Fields<Button>,
) -> AppResult<HttpResponse> {
    let viewer = layout.for_administrators()?.viewer;
    let open = app.db.write(move |conn| reports::dismiss_other(conn, &viewer, *id)).await?;
    Flash::leave(&session, format!("What was reported about {} is dismissed.", open.name));
    Ok(see_other("/leaks"))
}

/// Those of all environments, retired ones too: their keys may still work.
fn prefixes(conn: &mut diesel::PgConnection) -> AppResult<Vec<String>> {
    let mut prefixes: Vec<String> =
        environments::list(conn)?.into_iter().map(|environment| environment.prefix).collect();
    prefixes.sort_unstable();
    prefixes.dedup();
    Ok(prefixes)
}
