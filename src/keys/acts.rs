//! What happens to a key, after [`asking`](super::asking). Each is one form that works without JavaScript; htmx redraws the row.

use actix_session::Session;
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use chrono::Utc;
use diesel::PgConnection;
use serde::Deserialize;

use super::{
    Key, asking, commands, queries,
    routes::parse_key,
    views::{self, Row},
    who_breaks::must_be_typed,
};
use crate::{
    app::App,
    changes::Change,
    error::{AppError, AppResult},
    usage,
    users::Viewer,
    web::{Button, Fields, Flash, Hx, Layout, page, see_other},
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
    pub const ALL: [Self; 5] =
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

    /// Whether it changes anything for whatever uses the key as it is.
    fn stops(self, before: &Key) -> bool {
        match self {
            Self::Disable => before.disabled_at.is_none(),
            Self::Revoke => before.revoked_at.is_none(),
            Self::Delete => true,
            // Asked about by those that end a secret, as only some of them do.
            Self::Enable | Self::Regenerate => false,
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

/// The fields of an act.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ActForm {
    /// Of a revocation.
    pub reason: String,
    /// The key's name, where the key was used a moment ago.
    pub typed: String,
}

/// `POST /keys/{public key}/disable`
pub async fn disable(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    session: Session,
    path: Path<String>,
    form: Fields<ActForm>,
) -> AppResult<HttpResponse> {
    let form = form.into_inner();
    act(&app, layout, hx, &session, &path, Act::Disable, form, commands::disable).await
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
    let form = ActForm::default();
    act(&app, layout, hx, &session, &path, Act::Enable, form, commands::enable).await
}

/// `POST /keys/{public key}/delete`
pub async fn delete(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    session: Session,
    path: Path<String>,
    form: Fields<ActForm>,
) -> AppResult<HttpResponse> {
    let form = form.into_inner();
    act(&app, layout, hx, &session, &path, Act::Delete, form, commands::delete).await
}

/// `POST /keys/{public key}/revoke`
pub async fn revoke(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    session: Session,
    path: Path<String>,
    form: Fields<ActForm>,
) -> AppResult<HttpResponse> {
    let form = form.into_inner();
    let reason = form.reason.clone();
    let change = move |conn: &mut PgConnection, viewer: &Viewer, key: &str| {
        commands::revoke(conn, viewer, key, Some(&reason))
    };
    act(&app, layout, hx, &session, &path, Act::Revoke, form, change).await
}

/// Does it, and shows the row or leads to the key. What was typed for it and will not do is asked for again.
#[expect(clippy::too_many_arguments, reason = "a request in its parts")]
async fn act<F>(
    app: &App,
    layout: Layout,
    hx: Hx,
    session: &Session,
    public_key: &str,
    act: Act,
    form: ActForm,
    change: F,
) -> AppResult<HttpResponse>
where
    F: FnOnce(&mut PgConnection, &Viewer, &str) -> AppResult<Key> + Send + 'static,
{
    let layout = layout.with_api_access()?;
    let (viewer, public_key) = (layout.viewer.clone(), parse_key(public_key)?);
    let (asked, typed) = (public_key.clone(), form.typed.clone());
    let done = app
        .db
        .write(move |conn| {
            let before = queries::find(conn, &viewer, &asked)?;
            let key = change(conn, &viewer, &asked)?;
            // Last, so that whoever may not do it hears that first; it is undone with everything else.
            if act.stops(&before) {
                must_be_typed(conn, &[key.id], &before.name, &typed)?;
            }
            let held = queries::holdings_of(conn, &key)?;
            let hours = usage::hours_of(conn, &[key.id], Utc::now())?;
            Ok((key, held, hours, commands::may(conn, &viewer)?))
        })
        .await;
    let (key, held, hours, may) = match done {
        Ok(done) => done,
        Err(problem @ (AppError::NotTyped | AppError::Unprocessable(_))) => {
            return asking::again(app, layout, hx, public_key, act, form, problem).await;
        }
        Err(error) => return Err(error),
    };
    app.forget(Change::Key(key.id));
    let (message, public_key) = (act.done(&key.name), key.public_key.clone());
    if hx.wants_fragment() {
        let row = || Row::new(key, held, &layout.viewer, may, Utc::now()).with_hours(&hours);
        let row = (act != Act::Delete).then(row);
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
