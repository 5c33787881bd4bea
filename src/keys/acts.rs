//! What happens to a key: asked first, then done. Each is one form that works without JavaScript; htmx redraws the row.

use actix_session::Session;
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use chrono::{TimeDelta, Utc};
use diesel::PgConnection;
use serde::Deserialize;

use super::{
    Key,
    commands::{self, May},
    queries,
    routes::parse_key,
    views::{self, Overlaps, Question, Row},
};
use crate::{
    app::App,
    changes::Change,
    error::{AppError, AppResult},
    usage,
    users::Viewer,
    web::{Button, Fields, Flash, Hx, Layout, invalid, invalid_dialog, page, see_other},
};

/// What can be done to a key besides editing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Disable,
    Enable,
    Regenerate,
    Revoke,
    Delete,
}

impl Act {
    const ALL: [Self; 5] =
        [Self::Disable, Self::Enable, Self::Regenerate, Self::Revoke, Self::Delete];

    /// The last word of its address.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::Regenerate => "regenerate",
            Self::Revoke => "revoke",
            Self::Delete => "delete",
        }
    }

    /// What its button says, and says while it is being done.
    pub fn button(self) -> (&'static str, &'static str) {
        match self {
            Self::Disable => ("Disable API Key", "Disabling…"),
            Self::Enable => ("Enable API Key", "Enabling…"),
            Self::Regenerate => ("Regenerate API Key", "Regenerating…"),
            Self::Revoke => ("Revoke API Key", "Revoking…"),
            Self::Delete => ("Delete API Key", "Deleting…"),
        }
    }

    /// Whether somebody may be hurt.
    pub fn is_destructive(self) -> bool {
        matches!(self, Self::Regenerate | Self::Revoke | Self::Delete)
    }

    pub fn is_revoke(self) -> bool {
        self == Self::Revoke
    }

    pub fn is_regenerate(self) -> bool {
        self == Self::Regenerate
    }

    /// The question, before the name of the key.
    pub fn question(self) -> &'static str {
        match self {
            Self::Disable => "Disable",
            Self::Enable => "Enable",
            Self::Regenerate => "Regenerate the secret of",
            Self::Revoke => "Revoke",
            Self::Delete => "Delete",
        }
    }

    fn done(self, name: &str) -> String {
        match self {
            Self::Disable => format!("{name} is disabled. Its requests are refused from now on."),
            Self::Enable => format!("{name} is enabled. It works again."),
            Self::Regenerate => format!("{name} has a new secret."),
            Self::Revoke => format!("{name} is revoked for good."),
            Self::Delete => format!("{name} is off the list. Its trail stays."),
        }
    }
}

/// `GET /keys/{public key}/confirm/{act}`: a dialog for htmx, a page without it.
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
    let (key, recent, overlaps) = app
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
            let recent = usage::totals_since(conn, key.id, Utc::now() - TimeDelta::days(1))?.valid;
            let overlaps =
                if act.is_regenerate() { Some(Overlaps::of(conn, &key, None)?) } else { None };
            Ok((key, recent, overlaps))
        })
        .await?;
    let question = Question {
        key,
        act,
        recent,
        from_list: hx.is_on("/keys"),
        error: None,
        reason: String::new(),
        overlaps,
    };
    if hx.wants_fragment() {
        page(&views::ConfirmDialog { question })
    } else {
        page(&views::ConfirmPage { layout, question })
    }
}

/// The question of a regeneration once more, with what was wrong.
pub(super) async fn regeneration(
    app: &App,
    viewer: Viewer,
    public_key: String,
    error: Option<String>,
) -> AppResult<Question> {
    app.db
        .read(move |conn| {
            let key = queries::find(conn, &viewer, &public_key)?;
            commands::refuse_revoked(&key)?;
            let recent = usage::totals_since(conn, key.id, Utc::now() - TimeDelta::days(1))?.valid;
            let overlaps = Some(Overlaps::of(conn, &key, error)?);
            let (act, reason) = (Act::Regenerate, String::new());
            Ok(Question { key, act, recent, from_list: false, error: None, reason, overlaps })
        })
        .await
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

/// `POST /keys/{public key}/disable`
pub async fn disable(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    session: Session,
    path: Path<String>,
    _: Fields<Button>,
) -> AppResult<HttpResponse> {
    act(&app, layout, hx, &session, &path, Act::Disable, commands::disable).await
}

/// `POST /keys/{public key}/enable`
pub async fn enable(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    session: Session,
    path: Path<String>,
    _: Fields<Button>,
) -> AppResult<HttpResponse> {
    act(&app, layout, hx, &session, &path, Act::Enable, commands::enable).await
}

/// `POST /keys/{public key}/delete`
pub async fn delete(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    session: Session,
    path: Path<String>,
    _: Fields<Button>,
) -> AppResult<HttpResponse> {
    act(&app, layout, hx, &session, &path, Act::Delete, commands::delete).await
}

/// The fields of a revocation.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokeForm {
    #[serde(default)]
    reason: String,
}

/// `POST /keys/{public key}/revoke`
pub async fn revoke(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    session: Session,
    path: Path<String>,
    form: Fields<RevokeForm>,
) -> AppResult<HttpResponse> {
    let reason = form.into_inner().reason;
    let asked = reason.clone();
    let change = move |conn: &mut PgConnection, viewer: &Viewer, key: &str| {
        commands::revoke(conn, viewer, key, Some(&reason))
    };
    match act(&app, layout.clone(), hx.clone(), &session, &path, Act::Revoke, change).await {
        Err(AppError::Unprocessable(error)) => {
            ask_again(&app, layout, hx, &path, asked, error).await
        }
        outcome => outcome,
    }
}

async fn act<F>(
    app: &App,
    layout: Layout,
    hx: Hx,
    session: &Session,
    public_key: &str,
    act: Act,
    change: F,
) -> AppResult<HttpResponse>
where
    F: FnOnce(&mut PgConnection, &Viewer, &str) -> AppResult<Key> + Send + 'static,
{
    let layout = layout.with_api_access()?;
    let (viewer, public_key) = (layout.viewer.clone(), parse_key(public_key)?);
    let (key, held, may) = app
        .db
        .write(move |conn| {
            let key = change(conn, &viewer, &public_key)?;
            let held = queries::holdings_of(conn, &key)?;
            Ok((key, held, commands::may(conn, &viewer)?))
        })
        .await?;
    app.forget(Change::Key(key.id));
    let (message, public_key) = (act.done(&key.name), key.public_key.clone());
    if hx.wants_fragment() {
        let row =
            (act != Act::Delete).then(|| Row::new(key, held, &layout.viewer, may, Utc::now()));
        let replacement = (act == Act::Revoke).then(|| format!("/keys/new?like={public_key}"));
        return page(&views::Changed { row, message, replacement });
    }
    Flash::leave(session, message);
    Ok(see_other(&if act == Act::Delete {
        "/keys".to_owned()
    } else {
        format!("/keys/{public_key}")
    }))
}

/// The reason cannot be kept: the question once more, with what was typed.
async fn ask_again(
    app: &App,
    layout: Layout,
    hx: Hx,
    public_key: &str,
    reason: String,
    error: String,
) -> AppResult<HttpResponse> {
    let (viewer, public_key) = (layout.viewer.clone(), parse_key(public_key)?);
    let (key, recent) = app
        .db
        .read(move |conn| {
            let key = queries::find(conn, &viewer, &public_key)?;
            let recent = usage::totals_since(conn, key.id, Utc::now() - TimeDelta::days(1))?.valid;
            Ok((key, recent))
        })
        .await?;
    let question = Question {
        key,
        act: Act::Revoke,
        recent,
        from_list: hx.is_on("/keys"),
        error: Some(error),
        reason,
        overlaps: None,
    };
    if hx.wants_fragment() {
        return invalid_dialog(&views::ConfirmDialog { question });
    }
    invalid(&views::ConfirmPage {
        layout: Layout { here: question.key.address(), ..layout },
        question,
    })
}
