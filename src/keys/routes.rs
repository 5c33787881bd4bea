//! Addresses and handlers.

use actix_session::Session;
use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
    web::{self, Data, Path, Query, ServiceConfig},
};
use chrono::Utc;
use diesel::PgConnection;

use super::{
    Choices, Key, KeyErrors, KeyForm, Status, acts,
    commands::{self, Edited},
    filter::{FilterForm, Signer, not_on_offer},
    history, queries,
    views::{self, Granted, Row},
    wizard,
};
use crate::{
    app::App,
    audit,
    changes::Change,
    credentials::{Presented, Secret, in_base64},
    error::{AppError, AppResult},
    usage, users,
    users::Viewer,
    web::{
        Fields, Flash, Hx, Layout, fragment_or_page, invalid, page, page_with_secret, see_other,
        with_status,
    },
};

/// How many days of traffic a key's page shows.
const DAYS: u64 = 14;
/// How many events of its history.
const EVENTS: i64 = 50;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/keys").get(index).post(wizard::create))
        .service(web::resource("/keys/search").post(search))
        .service(web::resource("/keys/new").get(wizard::new).post(wizard::keep))
        .service(web::resource("/keys/new/sketch").post(wizard::sketch))
        .service(web::resource("/keys/{key}").get(show))
        .service(web::resource("/keys/{key}/edit").get(edit).post(update))
        .service(web::resource("/keys/{key}/confirm/{act}").get(acts::confirm))
        .service(web::resource("/keys/{key}/disable").post(acts::disable))
        .service(web::resource("/keys/{key}/enable").post(acts::enable))
        .service(web::resource("/keys/{key}/regenerate").post(acts::regenerate))
        .service(web::resource("/keys/{key}/revoke").post(acts::revoke))
        .service(web::resource("/keys/{key}/delete").post(acts::delete));
    // Where the platforms' own manuals say API Keys are.
    for alias in [
        "/business-settings/api-keys",
        "/settings/service-settings/api-keys",
        "/developer/api-keys",
        "/account/api-keys",
    ] {
        cfg.service(web::resource(alias).get(async || see_other("/keys")));
    }
}

/// `GET /keys`
async fn index(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    filter: Query<FilterForm>,
) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let drawn = draw_list(&app, layout, filter.into_inner()).await?;
    fragment_or_page(hx, &drawn.as_table(), &drawn)
}

/// `POST /keys/search`: by POST because what is pasted may be a secret. Anything else ends up in the address.
async fn search(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    form: Fields<FilterForm>,
) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let mut filter = form.into_inner();
    if Presented::looks_secret(&filter.q) {
        return find_secret(&app, layout, hx, filter).await;
    }
    (filter.after, filter.before) = (String::new(), String::new());
    let address = filter.address();
    if !hx.wants_fragment() {
        return Ok(see_other(&address));
    }
    let drawn = draw_list(&app, layout, filter).await?;
    let mut response = page(&drawn.as_table())?;
    response.headers_mut().insert(
        header::HeaderName::from_static("hx-push-url"),
        header::HeaderValue::from_str(&address).map_err(anyhow::Error::from)?,
    );
    Ok(response)
}

/// A secret leads to its key, also one that was replaced. It is hashed and dropped; no answer repeats it.
async fn find_secret(
    app: &App,
    layout: Layout,
    hx: Hx,
    mut filter: FilterForm,
) -> AppResult<HttpResponse> {
    let pasted = std::mem::take(&mut filter.q);
    let basic = in_base64(&pasted).find_map(|pair| Some(pair.split_once(':')?.1.to_owned()));
    let hash = match Presented::parse(basic.as_deref().unwrap_or(pasted.trim())) {
        Some(presented @ Presented::KeySecret(_)) => Some(presented.hash()),
        _ => None,
    };
    let viewer = layout.viewer.clone();
    let found = match hash {
        Some(hash) => app.db.read(move |conn| queries::find_by_secret(conn, &viewer, hash)).await?,
        None => None,
    };
    let Some(key) = found else {
        let mut drawn = draw_list(app, layout, FilterForm::default()).await?;
        drawn.rows.clear();
        (drawn.next, drawn.previous, drawn.unknown_secret) = (None, None, true);
        return fragment_or_page(hx, &drawn.as_table(), &drawn);
    };
    let address = format!("/keys/{}", key.public_key);
    if hx.wants_fragment() {
        Ok(HttpResponse::Ok().insert_header(("HX-Redirect", address)).finish())
    } else {
        Ok(see_other(&address))
    }
}

async fn draw_list(app: &App, layout: Layout, form: FilterForm) -> AppResult<views::Index> {
    let signer = Signer { key: app.session_key.signing(), viewer: &layout.viewer };
    let filter = form.parse(&signer)?;
    let (viewer, order, now) = (layout.viewer.clone(), filter.order, Utc::now());
    let (list, has_any, may_revoke, choices, owners) = app
        .db
        .read(move |conn| {
            let list = queries::list(conn, &viewer, &filter, now)?;
            let has_any = !list.keys.is_empty() || queries::has_any(conn, &viewer)?;
            Ok((
                list,
                has_any,
                commands::may_revoke(conn, &viewer)?,
                wizard::choices(conn, &viewer)?,
                users::queries::names(conn, &viewer)?,
            ))
        })
        .await?;
    let environments = &choices.environments;
    if !form.environment.is_empty()
        && !environments.iter().any(|known| known.slug == form.environment)
    {
        return Err(not_on_offer());
    }
    let first_page = FilterForm { after: String::new(), before: String::new(), ..form.clone() };
    let next = list.next.map(|cursor| {
        FilterForm { after: cursor.spell(&signer, &form), ..first_page.clone() }.address()
    });
    let previous = list.previous.map(|cursor| {
        FilterForm { before: cursor.spell(&signer, &form), ..first_page.clone() }.address()
    });
    let rows = list
        .keys
        .into_iter()
        .map(|(key, held)| Row::new(key, held, &layout.viewer, may_revoke, now))
        .collect();
    Ok(views::Index {
        layout,
        filter: form,
        order,
        rows,
        has_any,
        next,
        previous,
        choices,
        owners,
        unknown_secret: false,
    })
}

/// `GET /keys/{public key}`
async fn show(app: Data<App>, layout: Layout, path: Path<String>) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let (viewer, public_key, now) = (layout.viewer.clone(), parse_key(&path)?, Utc::now());
    let (row, restrictions, days, events, choices) = app
        .db
        .read(move |conn| {
            let key = queries::find(conn, &viewer, &public_key)?;
            let held = queries::holdings_of(conn, &key)?;
            let restrictions = queries::restrictions_of(conn, &key)?;
            let days = usage::by_day(conn, key.id, DAYS, now.date_naive())?;
            let events = audit::recent_for(conn, &public_key, EVENTS)?;
            let may_revoke = commands::may_revoke(conn, &viewer)?;
            Ok((
                Row::new(key, held, &viewer, may_revoke, now),
                restrictions,
                days,
                events,
                wizard::choices(conn, &viewer)?,
            ))
        })
        .await?;
    let granted = granted(&row, &choices);
    page(&views::Show {
        layout,
        row,
        restrictions,
        days,
        history: events.into_iter().map(history::tell).collect(),
        granted,
    })
}

fn granted(row: &Row, choices: &Choices) -> Vec<Granted> {
    if row.key.all_permissions {
        return vec![Granted::Everything];
    }
    let whole = row.held.sections.iter().map(|(slug, name)| Granted::Section {
        name: name.clone(),
        count: choices
            .catalogue
            .iter()
            .find(|section| section.slug == *slug)
            .map_or(0, |section| section.permissions.len()),
    });
    let catalogue = choices.catalogue.iter().flat_map(|section| &section.permissions);
    let single = catalogue
        .filter(|permission| row.held.permissions.iter().any(|(slug, _)| *slug == permission.slug))
        .map(|permission| Granted::Single {
            label: permission.label.clone(),
            slug: permission.slug.clone(),
            access: permission.access.slug(),
            publishable: permission.publishable,
        });
    whole.chain(single).collect()
}

/// `GET /keys/{public key}/edit`
async fn edit(app: Data<App>, layout: Layout, path: Path<String>) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let (viewer, public_key) = (layout.viewer.clone(), parse_key(&path)?);
    let (key, held, choices) =
        app.db.read(move |conn| read_for_edit(conn, &viewer, &public_key)).await?;
    commands::refuse_revoked(&key)?;
    let form = KeyForm::of(&key, &held);
    page(&draw_edit(layout, key, held.limits.len(), form, KeyErrors::default(), choices))
}

/// `POST /keys/{public key}/edit`
async fn update(
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
    Ok((key, held, wizard::choices(conn, viewer)?))
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

/// The secret, in the one answer that has it.
pub(super) fn reveal(
    layout: Layout,
    key: Key,
    secret: Secret,
    again: bool,
) -> AppResult<HttpResponse> {
    let basic = secret.basic_token(&key.public_key);
    page_with_secret(&views::Reveal { layout, key, secret, basic, again })
}

/// What can't be a public key is not found; Postgres is not asked.
pub(super) fn parse_key(typed: &str) -> AppResult<String> {
    match Presented::parse(typed) {
        Some(Presented::PublicKey(public_key)) => Ok(public_key.to_owned()),
        _ => Err(AppError::NotFound),
    }
}
