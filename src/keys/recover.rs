//! The eye: whether a secret can be seen again, asking for the password, and showing it for a moment.

use actix_session::Session;
use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Data, Path},
};
use diesel::{PgConnection, prelude::*};
use serde::Deserialize;

use super::{Key, commands, queries, routes::parse_key, views};
use crate::{
    app::App,
    credentials::SecretHash,
    error::{AppError, AppResult},
    schema::{applications, key_secrets},
    sign_in::{self, Confirmed},
    users::Viewer,
    vault::Vault,
    web::{Fields, Hx, Layout, fragment_or_page, page_with_secret, with_status},
};

/// Whether the present secret of a key can be seen again.
pub enum Recovery {
    /// Only administrators see secrets again.
    NotYours,
    /// The application has not asked for it.
    NotWanted,
    /// There is nothing to open it with.
    NoVault,
    /// It was made before the application asked for it.
    NotKept,
    Possible {
        sealed: Vec<u8>,
        hash: SecretHash,
    },
}

impl Recovery {
    /// Why, and what to do.
    pub fn explain(&self) -> &'static str {
        match self {
            Self::NotYours => {
                "The secret was shown once, when it was made. Keep using your copy; if it is lost, regenerate the key. Where an application allows it, an administrator can show a secret again."
            }
            Self::NotWanted => {
                "Only a hash of the secret is stored, so nobody can show it again. If it is lost, regenerate the key. The application’s page can be told to keep the secrets of future keys recoverable."
            }
            Self::NoVault => {
                "This application keeps its secrets recoverable, but LATCHKEY_VAULT_KEY is not set, so there is nothing to decrypt them with. Whoever runs Latchkey can set it; or regenerate the key."
            }
            Self::NotKept => {
                "This secret was made before the application began to keep its secrets recoverable, so only its hash is stored. After the next regeneration it can be shown again."
            }
            Self::Possible { .. } => {
                "It is shown for 30 seconds, and the audit trail says that you saw it."
            }
        }
    }

    pub fn is_possible(&self) -> bool {
        matches!(self, Self::Possible { .. })
    }
}

/// Whether this person can see that key's secret again.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn of(
    conn: &mut PgConnection,
    vault: Option<&Vault>,
    viewer: &Viewer,
    key: &Key,
) -> AppResult<Recovery> {
    if !viewer.is_administrator() {
        return Ok(Recovery::NotYours);
    }
    let wanted = applications::table.find(key.application_id);
    if wanted
        .select(applications::recoverable_since)
        .first::<Option<chrono::DateTime<chrono::Utc>>>(conn)?
        .is_none()
    {
        return Ok(Recovery::NotWanted);
    }
    let (sealed, hash): (Option<Vec<u8>>, Vec<u8>) = key_secrets::table
        .filter(key_secrets::key_id.eq(key.id).and(key_secrets::ends_at.is_null()))
        .select((key_secrets::sealed, key_secrets::hash))
        .first(conn)?;
    let hash = SecretHash::stored(&hash)
        .ok_or_else(|| anyhow::anyhow!("a stored hash has another length"))?;
    Ok(match sealed {
        None => Recovery::NotKept,
        Some(_) if vault.is_none() => Recovery::NoVault,
        Some(sealed) => Recovery::Possible { sealed, hash },
    })
}

/// `GET /keys/{public key}/confirm/reveal`: asks for the password, or explains. There is never a secret in it.
pub async fn confirm(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    session: Session,
    path: Path<String>,
) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let page = ask(&app, layout, &session, parse_key(&path)?).await?;
    fragment_or_page(hx, &page.as_dialog(), &page)
}

/// The fields of a second look.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevealForm {
    /// Not needed again for a few minutes.
    #[serde(default)]
    password: String,
}

/// `POST /keys/{public key}/reveal`: the secret, for a moment.
pub async fn reveal(
    app: Data<App>,
    layout: Layout,
    session: Session,
    path: Path<String>,
    form: Fields<RevealForm>,
) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let public_key = parse_key(&path)?;
    let mut page = ask(&app, layout, &session, public_key.clone()).await?;
    match &page.recovery {
        Recovery::NotYours => return Err(AppError::Forbidden),
        Recovery::Possible { .. } => {}
        other => return Err(AppError::Conflict(other.explain().into())),
    }
    let password = form.into_inner().password;
    if !(password.is_empty() && page.is_confirmed) {
        match sign_in::confirm(&app, &page.layout.viewer, &session, password).await? {
            Confirmed::Yes => {}
            Confirmed::No(sentence) => {
                (page.error, page.is_confirmed) = (Some(sentence), false);
                return with_status(StatusCode::UNPROCESSABLE_ENTITY, &page);
            }
        }
    }
    let (viewer, vault) = (page.layout.viewer.clone(), app.config.vault.clone());
    let (key, secret) = app
        .db
        .write(move |conn| commands::reveal(conn, vault.as_ref(), &viewer, &public_key))
        .await?;
    page_with_secret(&views::RevealAgain { layout: page.layout, key, secret })
}

async fn ask(
    app: &App,
    layout: Layout,
    session: &Session,
    public_key: String,
) -> AppResult<views::Eye> {
    let (viewer, vault) = (layout.viewer.clone(), app.config.vault.clone());
    let (key, recovery) = app
        .db
        .read(move |conn| {
            let key = queries::find(conn, &viewer, &public_key)?;
            let recovery = of(conn, vault.as_ref(), &viewer, &key)?;
            Ok((key, recovery))
        })
        .await?;
    let is_confirmed = sign_in::is_confirmed(session);
    Ok(views::Eye { layout, key, recovery, is_confirmed, error: None })
}
