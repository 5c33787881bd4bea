//! Which kinds of notices are made at all: the page in the settings, and deciding it.

use actix_session::Session;
use actix_web::{HttpResponse, web::Data};
use diesel::{PgConnection, prelude::*};
use serde::Deserialize;
use serde_json::json;

use super::{Kind, views};
use crate::{
    app::App,
    audit::{self, Action, Subject},
    error::{AppError, AppResult},
    schema::settings as table,
    settings,
    users::Viewer,
    web::{Fields, Flash, Layout, page, see_other},
};

/// Where it is.
pub const PAGE: &str = "/settings/notices";

/// The kinds that are ticked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KindsForm {
    #[serde(default)]
    kind: Vec<String>,
}

impl KindsForm {
    fn parse(&self) -> AppResult<Vec<Kind>> {
        let known = |slug: &String| {
            Kind::parse(slug).ok_or_else(|| {
                AppError::BadRequest(
                    "There is no such kind of notice. Reload the page and choose again.".into(),
                )
            })
        };
        self.kind.iter().map(known).collect()
    }
}

/// `GET /settings/notices`
pub async fn show(layout: Layout) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    page(&views::Kinds { layout })
}

/// `POST /settings/notices`
pub async fn update(
    app: Data<App>,
    layout: Layout,
    session: Session,
    fields: Fields<KindsForm>,
) -> AppResult<HttpResponse> {
    let viewer = layout.for_administrators()?.viewer;
    let made = fields.into_inner().parse()?;
    app.db.write(move |conn| make_only(conn, &viewer, &made)).await?;
    Flash::leave(&session, "What is noticed is saved.");
    Ok(see_other(PAGE))
}

/// Decides which kinds are made from now on; what was made stays. Nothing is written when nothing changes.
fn make_only(conn: &mut PgConnection, viewer: &Viewer, made: &[Kind]) -> AppResult<()> {
    let viewer = viewer.confirm_administrator(conn)?;
    let before = settings::hold(conn)?.notices_off;
    // What a newer version knows stays as it decided.
    let unknown = before.iter().filter(|slug| Kind::parse(slug).is_none()).cloned();
    let off = Kind::ALL.iter().filter(|(kind, ..)| !made.contains(kind));
    let off: Vec<String> = off.map(|(_, slug, ..)| (*slug).to_owned()).chain(unknown).collect();
    if off == before {
        return Ok(());
    }
    diesel::update(table::table).set(table::notices_off.eq(&off)).execute(conn)?;
    let subject = Subject { id: "settings", name: "Settings" };
    let details = json!({ "notices_off": [before, off] });
    audit::record(conn, &viewer, Action::SettingsUpdated, subject, details)
}
