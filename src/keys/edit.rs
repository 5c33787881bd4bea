//! Editing a key.

use actix_session::Session;
use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Data, Path},
};
use chrono::Utc;
use diesel::PgConnection;

use super::{
    Choices, Key, KeyErrors, KeyForm, Status,
    commands::{self, Edited},
    queries,
    routes::parse_key,
    views, wizard,
};
use crate::{
    app::App,
    audit,
    changes::Change,
    error::{AppError, AppResult},
    users::Viewer,
    web::{Fields, Flash, Layout, invalid, page, see_other, with_status},
};

/// `GET /keys/{public key}/edit`
pub async fn edit(app: Data<App>, layout: Layout, path: Path<String>) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let (viewer, public_key) = (layout.viewer.clone(), parse_key(&path)?);
    let (key, held, choices) =
        app.db.read(move |conn| read_for_edit(conn, &viewer, &public_key)).await?;
    commands::refuse_revoked(&key)?;
    let form = KeyForm::of(&key, &held);
    page(&draw_edit(layout, key, held.limits.len(), form, KeyErrors::default(), choices))
}

/// `POST /keys/{public key}/edit`
pub async fn update(
    app: Data<App>,
    layout: Layout,
    session: Session,
    path: Path<String>,
    form: Fields<KeyForm>,
) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let (viewer, public_key, form) = (layout.viewer.clone(), parse_key(&path)?, form.into_inner());
    let version: i32 = form.version.parse().map_err(|_| {
        AppError::BadRequest("The form is incomplete. Open the key and try again.".into())
    })?;
    let (asker, wanted) = (viewer.clone(), public_key.clone());
    let (key, held, choices) =
        app.db.read(move |conn| read_for_edit(conn, &asker, &wanted)).await?;
    let limits = held.limits.len();
    // Application and environment are fixed for life; a form that names others is not understood.
    if !(form.environment.is_empty() || form.environment == key.environment.slug) {
        let errors = KeyErrors::one(
            "environment",
            "The environment of a key is fixed. Create a new key in the other one.",
        );
        return invalid(&draw_edit(layout, key, limits, form, errors, choices));
    }
    let changes = match form.parse_changes(&choices, &key, &held) {
        Ok(changes) => changes,
        Err(errors) => return invalid(&draw_edit(layout, key, limits, form, errors, choices)),
    };
    let revive = form.revive == "yes";
    let outcome = app
        .db
        .write(move |conn| commands::update(conn, &viewer, &public_key, version, &changes, revive))
        .await;
    match outcome {
        Ok(Edited::Saved(saved)) => {
            app.forget(Change::Key(saved.id));
            Flash::leave(
                &session,
                format!("{} is updated. It counts from the next request on.", saved.name),
            );
            Ok(see_other(&format!("/keys/{}", saved.public_key)))
        }
        Ok(Edited::Stale(saved)) => conflict(&app, layout, *saved, form, choices).await,
        Err(error) if error.violates("keys_name") => {
            invalid(&draw_edit(layout, key, limits, form, KeyErrors::name_taken(), choices))
        }
        Err(AppError::Conflict(sentence)) if key.status(Utc::now()) == Status::Expired => {
            let errors = KeyErrors::one("expires_on", sentence);
            with_status(
                StatusCode::CONFLICT,
                &draw_edit(layout, key, limits, form, errors, choices),
            )
        }
        Err(error) => Err(error),
    }
}

async fn conflict(
    app: &App,
    layout: Layout,
    saved: Key,
    mut form: KeyForm,
    choices: Choices,
) -> AppResult<HttpResponse> {
    let public_key = saved.public_key.clone();
    let (held, last) = {
        let saved = saved.clone();
        app.db
            .read(move |conn| {
                Ok((queries::holdings_of(conn, &saved)?, audit::recent_for(conn, &public_key, 1)?))
            })
            .await?
    };
    let lines = views::compare(&form, &KeyForm::of(&saved, &held), &choices);
    form.version = saved.version.to_string();
    let saved_by = last.into_iter().next().map(|event| (event.actor, event.at));
    with_status(
        StatusCode::CONFLICT,
        &views::Conflict { layout, key: saved, form, saved_by, lines },
    )
}

fn read_for_edit(
    conn: &mut PgConnection,
    viewer: &Viewer,
    public_key: &str,
) -> AppResult<(Key, queries::Holdings, Choices)> {
    let key = queries::find(conn, viewer, public_key)?;
    let held = queries::holdings_of(conn, &key)?;
    let choices = wizard::choices(conn, viewer)?.for_edit(&key, &held);
    Ok((key, held, choices))
}

fn draw_edit(
    layout: Layout,
    key: Key,
    more_limits: usize,
    form: KeyForm,
    errors: KeyErrors,
    choices: Choices,
) -> views::Edit {
    let expired = key.status(Utc::now()) == Status::Expired;
    views::Edit { layout, key, form, errors, choices, expired, more_limits }
}
