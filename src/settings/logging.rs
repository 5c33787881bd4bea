//! What the request log keeps: the form, and changing it.

use actix_session::Session;
use actix_web::{HttpResponse, web::Data};
use diesel::{PgConnection, prelude::*};
use serde::Deserialize;
use serde_json::{Map, json};

use super::{
    forms::WordingForm,
    model::{self, Settings},
    routes::draw,
};
use crate::{
    app::App,
    audit::{self, Action, Subject},
    error::AppResult,
    schema::settings,
    users::Viewer,
    web::{Fields, Flash, Layout, Problems, Ticked, invalid, see_other},
};

/// More a second of every key is no sample any more.
const MOST_PER_SECOND: i32 = 1_000;
/// A year and a month.
const MOST_DAYS: i32 = 400;

/// What is logged, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Logging {
    /// Accepted requests too, and not only refusals.
    pub accepted: bool,
    /// So many accepted requests of a key each second; of more, one in a hundred.
    pub per_second: i32,
    /// Days after which requests are forgotten.
    pub kept_days: i32,
}

/// As typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoggingForm {
    pub logs_accepted: Option<Ticked>,
    pub logs_per_second: String,
    pub logs_kept_days: String,
}

impl LoggingForm {
    pub fn of(settings: &Settings) -> Self {
        Self {
            logs_accepted: settings.logs_accepted.then_some(Ticked::Yes),
            logs_per_second: settings.logs_per_second.to_string(),
            logs_kept_days: settings.logs_kept_days.to_string(),
        }
    }

    fn parse(&self) -> Result<Logging, Problems> {
        let mut problems = Problems::default();
        let per_second = problems.sort(
            "logs_per_second",
            parse_number(&self.logs_per_second, MOST_PER_SECOND, "requests"),
        );
        let kept_days =
            problems.sort("logs_kept_days", parse_number(&self.logs_kept_days, MOST_DAYS, "days"));
        let (per_second, kept_days) = per_second.zip(kept_days).ok_or(problems)?;
        Ok(Logging { accepted: self.logs_accepted.is_some(), per_second, kept_days })
    }
}

fn parse_number(typed: &str, most: i32, what: &str) -> Result<i32, String> {
    let typed = typed.trim();
    let is_number = typed.len() <= 4 && typed.bytes().all(|byte| byte.is_ascii_digit());
    match typed.parse() {
        Ok(number) if is_number && (1..=most).contains(&number) => Ok(number),
        _ => Err(format!("Give a whole number of {what} from 1 to {most}.")),
    }
}

/// Decides what is logged, and for how long. Nothing is written when nothing changes.
///
/// # Errors
/// [`crate::error::AppError::Forbidden`] unless an administrator asks.
pub fn update_logging(conn: &mut PgConnection, viewer: &Viewer, logging: Logging) -> AppResult<()> {
    let viewer = viewer.confirm_administrator(conn)?;
    let before = model::hold(conn)?;
    let details: Map<_, _> = [
        ("logs_accepted", json!([before.logs_accepted, logging.accepted])),
        ("logs_per_second", json!([before.logs_per_second, logging.per_second])),
        ("logs_kept_days", json!([before.logs_kept_days, logging.kept_days])),
    ]
    .into_iter()
    .filter(|(_, change)| change[0] != change[1])
    .map(|(field, change)| (field.to_owned(), change))
    .collect();
    if details.is_empty() {
        return Ok(());
    }
    diesel::update(settings::table)
        .set((
            settings::logs_accepted.eq(logging.accepted),
            settings::logs_per_second.eq(logging.per_second),
            settings::logs_kept_days.eq(logging.kept_days),
        ))
        .execute(conn)?;
    let subject = Subject { id: "settings", name: "Settings" };
    audit::record(conn, &viewer, Action::SettingsUpdated, subject, details.into())
}

/// `POST /settings/logs`
pub async fn update(
    app: Data<App>,
    layout: Layout,
    session: Session,
    fields: Fields<LoggingForm>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let form = fields.into_inner();
    let logging = match form.parse() {
        Ok(logging) => logging,
        Err(problems) => {
            let wording = WordingForm::of(&layout.settings);
            return invalid(&draw(layout, wording, form, problems));
        }
    };
    let viewer = layout.viewer;
    app.db.write(move |conn| update_logging(conn, &viewer, logging)).await?;
    app.engine.log().obey(logging.accepted, logging.per_second);
    Flash::leave(&session, "What is logged is saved. Other nodes follow within seconds.");
    Ok(see_other("/settings"))
}
