//! Giving a key to somebody else: asked first, then done. Administrators only.

use actix_session::Session;
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use diesel::PgConnection;
use serde::Deserialize;

use super::{
    Key, commands, queries,
    routes::parse_key,
    views::{self, Candidate},
};
use crate::{
    access,
    app::App,
    changes::Change,
    error::{AppError, AppResult},
    users::Viewer,
    web::{Fields, Flash, Hx, Layout, fragment_or_page, invalid, see_other},
};

/// Who gets the key: somebody's id, or nothing for the operator.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransferForm {
    owner: String,
}

impl TransferForm {
    fn parse(&self) -> Result<Option<i64>, String> {
        match self.owner.as_str() {
            "" => Ok(None),
            id => id.parse().map(Some).map_err(|_| "Choose somebody from the list.".into()),
        }
    }
}

/// `GET /keys/{public key}/confirm/transfer`: a dialog for htmx, a page without it.
pub async fn confirm(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    path: Path<String>,
) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let public_key = parse_key(&path)?;
    let drawn = draw(&app, layout, public_key, None, None).await?;
    fragment_or_page(hx, &drawn.as_dialog(), &drawn)
}

/// `POST /keys/{public key}/transfer`
pub async fn transfer(
    app: Data<App>,
    layout: Layout,
    session: Session,
    path: Path<String>,
    form: Fields<TransferForm>,
) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let (viewer, public_key, form) = (layout.viewer.clone(), parse_key(&path)?, form.into_inner());
    let wanted = public_key.clone();
    let done = match form.parse() {
        Ok(owner_id) => {
            app.db.write(move |conn| commands::transfer(conn, &viewer, &wanted, owner_id)).await
        }
        Err(sentence) => Err(AppError::Unprocessable(sentence)),
    };
    let sentence = match done {
        Ok(key) => {
            app.forget(Change::Key(key.id));
            let message = format!("{} belongs to {} now.", key.name, key.owner_name());
            Flash::leave(&session, message);
            return Ok(see_other(&format!("/keys/{}", key.public_key)));
        }
        Err(AppError::Unprocessable(sentence)) => sentence,
        Err(error) if error.violates("keys_name") => "They have a key already that looks like this one in the same application and environment. Rename one of the two first.".into(),
        Err(error) => return Err(error),
    };
    invalid(&draw(&app, layout, public_key, Some(form.owner), Some(sentence)).await?)
}

async fn draw(
    app: &App,
    layout: Layout,
    public_key: String,
    owner: Option<String>,
    error: Option<String>,
) -> AppResult<views::Transfer> {
    let viewer = layout.viewer.clone();
    let (key, candidates) = app.db.read(move |conn| read(conn, &viewer, &public_key)).await?;
    let present = key.owner_id.map(|id| id.to_string()).unwrap_or_default();
    Ok(views::Transfer { layout, key, candidates, owner: owner.unwrap_or(present), error })
}

fn read(
    conn: &mut PgConnection,
    viewer: &Viewer,
    public_key: &str,
) -> AppResult<(Key, Vec<Candidate>)> {
    let key = queries::find(conn, viewer, public_key)?;
    if !viewer.is_administrator() {
        return Err(AppError::Forbidden);
    }
    commands::refuse_revoked(&key)?;
    let held = queries::holdings_of(conn, &key)?.ids;
    let candidates = access::holders(conn)?
        .into_iter()
        .map(|holder| Candidate {
            fits: holder.covers(key.environment_id, &held),
            id: holder.user_id.to_string(),
            name: holder.name,
        })
        .collect();
    Ok((key, candidates))
}
