//! Are you sure? A dialog for htmx, a page without it; and once more, with what was typed, when that will not do.

use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use chrono::Utc;
use diesel::PgConnection;

use super::{
    Key,
    acts::{Act, ActForm},
    commands::{self, May},
    queries,
    routes::parse_key,
    views::{self, Overlaps, Question},
    who_breaks::{Typed, WhoBreaks},
};
use crate::{
    app::App,
    error::{AppError, AppResult},
    users::Viewer,
    web::{Hx, Layout, invalid, invalid_dialog, page},
};

/// What a question calls that which has to be typed.
const NAME: &str = "the key’s name";

/// `GET /keys/{public key}/confirm/{act}`
pub async fn confirm(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    path: Path<(String, String)>,
) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let (public_key, act) = path.into_inner();
    let public_key = parse_key(&public_key)?;
    let act = Act::ALL.into_iter().find(|known| known.slug() == act).ok_or(AppError::NotFound)?;
    let viewer = layout.viewer.clone();
    let mut question = app
        .db
        .read(move |conn| {
            let key = queries::find(conn, &viewer, &public_key)?;
            let held = queries::holdings_of(conn, &key)?;
            let may = commands::may(conn, &viewer)?;
            let acts = views::Acts::on(&key, &held, key.status(Utc::now()), &viewer, may);
            if acts.is_beyond_grant && matches!(act, Act::Enable | Act::Regenerate) {
                commands::refuse_beyond_grant(conn, &viewer, key.environment_id, &held.ids)?;
            }
            refuse_impossible(act, &acts, may, &key, &viewer)?;
            draw(conn, key, act)
        })
        .await?;
    question.from_list = hx.is_on("/keys");
    if hx.wants_fragment() {
        page(&views::ConfirmDialog { question })
    } else {
        page(&views::ConfirmPage { layout, question })
    }
}

/// The question once more, with what was typed and why it will not do.
pub(super) async fn again(
    app: &App,
    layout: Layout,
    hx: Hx,
    public_key: String,
    act: Act,
    form: ActForm,
    problem: AppError,
) -> AppResult<HttpResponse> {
    let viewer = layout.viewer.clone();
    let mut question = app
        .db
        .read(move |conn| {
            let key = queries::find(conn, &viewer, &public_key)?;
            draw(conn, key, act)
        })
        .await?;
    question.from_list = hx.is_on("/keys");
    match problem {
        AppError::NotTyped => question.ask_to_type(&form.typed),
        problem => question.error = Some(problem.to_string()),
    }
    question.reason = form.reason;
    if hx.wants_fragment() {
        return invalid_dialog(&views::ConfirmDialog { question });
    }
    let layout = Layout { here: question.key.address(), ..layout };
    invalid(&views::ConfirmPage { layout, question })
}

/// The question of a regeneration once more.
pub(super) async fn regeneration(
    app: &App,
    layout: Layout,
    public_key: String,
    typed: &str,
    problem: AppError,
) -> AppResult<HttpResponse> {
    let viewer = layout.viewer.clone();
    let mut question = app
        .db
        .read(move |conn| {
            let key = queries::find(conn, &viewer, &public_key)?;
            commands::refuse_revoked(&key)?;
            draw(conn, key, Act::Regenerate)
        })
        .await?;
    match (problem, &mut question.overlaps) {
        (AppError::NotTyped, _) => question.ask_to_type(typed),
        (problem, Some(overlaps)) => overlaps.error = Some(problem.to_string()),
        (problem, None) => return Err(problem),
    }
    invalid(&views::ConfirmPage { layout, question })
}

fn draw(conn: &mut PgConnection, key: Key, act: Act) -> AppResult<Question> {
    let overlaps = if act.is_regenerate() { Some(Overlaps::of(conn, &key)?) } else { None };
    let who = WhoBreaks::of(conn, std::slice::from_ref(&key), Utc::now())?;
    let typed = if act == Act::Enable { None } else { Typed::name_of(NAME, &key.name, &who) };
    let (from_list, error, reason) = (false, None, String::new());
    Ok(Question { key, act, who, typed, from_list, error, reason, overlaps })
}

impl Question {
    /// It was used since it was asked, or something else was typed.
    fn ask_to_type(&mut self, typed: &str) {
        let (what, wanted) = (NAME, self.key.name.clone());
        let asked = self.typed.take().unwrap_or(Typed { wanted, what, error: None });
        self.typed = Some(asked.wrong(typed));
    }
}

/// A page that asks for what would be refused helps nobody.
fn refuse_impossible(
    act: Act,
    acts: &views::Acts,
    may: May,
    key: &Key,
    viewer: &Viewer,
) -> AppResult<()> {
    let is_revoked = key.revoked_at.is_some();
    match act {
        Act::Regenerate if !may.regenerate => Err(AppError::Forbidden),
        Act::Disable | Act::Enable | Act::Regenerate if is_revoked => commands::refuse_revoked(key),
        Act::Regenerate if !acts.regenerate => Err(AppError::Conflict(
            "This key has expired. Extend it first, or create a new one.".into(),
        )),
        Act::Revoke if !is_revoked && !acts.revoke => Err(AppError::Forbidden),
        Act::Delete if !viewer.is_administrator() => Err(AppError::Forbidden),
        Act::Delete if !acts.delete => Err(AppError::Conflict(
            "This key is active: somebody may be using it. Revoke or disable it first.".into(),
        )),
        _ => Ok(()),
    }
}
