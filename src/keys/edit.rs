//! Editing a key.

use actix_session::Session;
use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Data, Path, Query},
};
use chrono::Utc;
use diesel::PgConnection;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::{
    Choices, Key, KeyForm, Status,
    commands::{self, Edited},
    narrowing::Narrowed,
    queries,
    routes::{LongForm, parse_key},
    views, wizard,
};
use crate::{
    app::App,
    audit,
    changes::Change,
    environments::{self, Environment},
    error::{AppError, AppResult},
    users::Viewer,
    web::{Flash, Layout, Problems, invalid, page, see_other, with_status},
};

/// `?add=orders:read,orders:write`: as far as they are on offer, they are chosen already, and nothing is saved yet.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Wish {
    add: String,
}

/// The edit form of a key with these permissions chosen besides.
pub fn address_adding(page: &str, slugs: &str) -> String {
    format!("{page}/edit?add={}#permissions", utf8_percent_encode(slugs, NON_ALPHANUMERIC))
}

/// `GET /keys/{public key}/edit`
pub async fn edit(
    app: Data<App>,
    layout: Layout,
    path: Path<String>,
    wish: Query<Wish>,
) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let (viewer, public_key) = (layout.viewer.clone(), parse_key(&path)?);
    let (opened, form) = app
        .db
        .read(move |conn| {
            let key = queries::find(conn, &viewer, &public_key)?;
            commands::refuse_revoked(&key)?;
            let held = queries::holdings_of(conn, &key)?;
            commands::refuse_beyond_grant(conn, &viewer, key.environment_id, &held.ids)?;
            let form = KeyForm::of(&key, &held, &queries::restrictions_of(conn, &key)?);
            Ok((open(conn, &viewer, key, held, &form)?, form))
        })
        .await?;
    let mut form = form;
    let added = form.choose_also(&wish.add, &opened.choices);
    page(&views::Edit { added, ..opened.draw(layout, form, Problems::default()) })
}

/// `POST /keys/{public key}/edit`
pub async fn update(
    app: Data<App>,
    layout: Layout,
    session: Session,
    path: Path<String>,
    form: LongForm,
) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let (viewer, public_key, form) = (layout.viewer.clone(), parse_key(&path)?, form.into_inner());
    let version: i32 = form.version.parse().map_err(|_| {
        AppError::BadRequest("The form is incomplete. Open the key and try again.".into())
    })?;
    let (asker, wanted) = (viewer.clone(), public_key.clone());
    let (opened, form) = app
        .db
        .read(move |conn| {
            let key = queries::find(conn, &asker, &wanted)?;
            let held = queries::holdings_of(conn, &key)?;
            Ok((open(conn, &asker, key, held, &form)?, form))
        })
        .await?;
    let key = &opened.key;
    // Application and environment are fixed for life; a form that names others is not understood.
    if !(form.environment.is_empty() || form.environment == key.environment.slug) {
        let errors = Problems::one(
            "environment",
            "The environment of a key is fixed. Create a new key in the other one.",
        );
        return invalid(&opened.draw(layout, form, errors));
    }
    let changes = match form.parse_changes(&opened.choices, &opened.environment, key, &opened.held)
    {
        Ok(changes) => changes,
        Err(errors) => return invalid(&opened.draw(layout, form, errors)),
    };
    if form.narrows == "back" {
        return page(&opened.draw(layout, form, Problems::default()));
    }
    // What will be refused or has to be compared anyway is not asked about first.
    if form.narrows != "yes" && key.version == version && key.revoked_at.is_none() {
        let (key, held, wanted) = (key.clone(), opened.held.ids.clone(), changes.clone());
        let narrowed =
            app.db.read(move |conn| Narrowed::of(conn, &key, &held, &wanted, Utc::now())).await?;
        if !narrowed.is_harmless() {
            return page(&views::Narrow { layout, key: opened.key, form, narrowed });
        }
    }
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
        Ok(Edited::Stale(saved)) => conflict(&app, layout, *saved, form, opened.choices).await,
        Err(error) if error.violates("keys_name") => {
            invalid(&opened.draw(layout, form, KeyForm::name_taken()))
        }
        Err(AppError::Conflict(sentence)) if key.status(Utc::now()) == Status::Expired => {
            let errors = Problems::one("expires_on", sentence);
            with_status(StatusCode::CONFLICT, &opened.draw(layout, form, errors))
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
    let (theirs, last) = {
        let saved = saved.clone();
        app.db
            .read(move |conn| {
                let held = queries::holdings_of(conn, &saved)?;
                let restrictions = queries::restrictions_of(conn, &saved)?;
                Ok((
                    KeyForm::of(&saved, &held, &restrictions),
                    audit::recent_for(conn, &public_key, 1)?,
                ))
            })
            .await?
    };
    let lines = views::compare(&form, &theirs, &choices);
    form.version = saved.version.to_string();
    let saved_by = last.into_iter().next().map(|event| (event.actor, event.at));
    with_status(
        StatusCode::CONFLICT,
        &views::Conflict { layout, key: saved, form, saved_by, lines },
    )
}

/// A key, with all that its form needs to be drawn and understood.
struct Opened {
    key: Key,
    held: queries::Holdings,
    environment: Environment,
    choices: Choices,
}

fn open(
    conn: &mut PgConnection,
    viewer: &Viewer,
    key: Key,
    held: queries::Holdings,
    form: &KeyForm,
) -> AppResult<Opened> {
    let environment = environments::find(conn, key.environment_id)?;
    let choices = wizard::choices_for(conn, viewer, form)?.for_edit(&key, &held);
    Ok(Opened { key, held, environment, choices })
}

impl Opened {
    fn draw(self, layout: Layout, form: KeyForm, errors: Problems) -> views::Edit {
        let expired = self.key.status(Utc::now()) == Status::Expired;
        let Self { key, environment, choices, .. } = self;
        let added = Vec::new();
        views::Edit { layout, key, environment, form, errors, choices, expired, added }
    }
}
