//! Granting, limiting and withdrawing API access.

use actix_session::Session;
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use chrono::Utc;
use diesel::PgConnection;

use super::{
    access_forms::{GrantForm, WithdrawForm},
    queries, views,
};
use crate::{
    access::{self, Grant},
    app::App,
    changes::Change,
    environments,
    error::{AppError, AppResult},
    keys::{self, Handover, Key, spaced},
    scopes,
    users::{self, Member, Role, Viewer},
    web::{
        Fields, Flash, Hx, Layout, Problems, fragment_or_page, invalid, invalid_dialog, page,
        see_other,
    },
};

/// `GET /team/{id}/grant`: what the person may hand out, to look at and to change.
pub async fn edit(app: Data<App>, layout: Layout, id: Path<i64>) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    page(&draw(&app, layout, *id, None, Problems::default()).await?)
}

/// `POST /team/{id}/grant`: gives or changes API access. A form without fields means everything.
pub async fn grant(
    app: Data<App>,
    layout: Layout,
    session: Session,
    hx: Hx,
    id: Path<i64>,
    fields: Fields<GrantForm>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let (viewer, id, form) = (layout.viewer.clone(), *id, fields.into_inner());
    let (environments, catalogue) =
        app.db.read(|conn| Ok((environments::list(conn)?, scopes::catalogue(conn)?))).await?;
    let wanted = match form.parse(&environments, &catalogue) {
        Ok(wanted) => wanted,
        Err(problems) => return invalid(&draw(&app, layout, id, Some(form), problems).await?),
    };
    let (member, is_new, beyond) = app
        .db
        .write(move |conn| {
            let before = access::find(conn, id)?;
            access::set(conn, &viewer, id, &wanted)?;
            let beyond = keys_beyond(conn, &viewer, id)?.len();
            Ok((queries::find(conn, &viewer, id)?, before.is_none(), beyond))
        })
        .await?;
    let name = &member.user.name;
    let done = if is_new {
        format!("{name} has API access now.")
    } else {
        format!("The API access of {name} is changed. It counts with the next click.")
    };
    match beyond {
        0 => answer(hx, &session, &layout, member, done, "/team"),
        many => {
            let address = format!("/team/{id}/grant");
            let message = format!("{done} {}", views::hold_more(many));
            answer(hx, &session, &layout, member, message, &address)
        }
    }
}

/// The page as it is stored, or as it was typed.
async fn draw(
    app: &App,
    layout: Layout,
    id: i64,
    typed: Option<GrantForm>,
    problems: Problems,
) -> AppResult<views::EditGrant> {
    let viewer = layout.viewer.clone();
    let (member, grant, beyond, environments, catalogue) = app
        .db
        .read(move |conn| {
            let member = queries::find(conn, &viewer, id)?;
            if member.user.role == Role::Administrator {
                return Err(AppError::Conflict(
                    "Administrators have API access without a grant.".into(),
                ));
            }
            let grant = access::find(conn, id)?;
            let beyond = keys_beyond(conn, &viewer, id)?;
            Ok((member, grant, beyond, environments::list(conn)?, scopes::catalogue(conn)?))
        })
        .await?;
    let form = typed.unwrap_or_else(|| {
        GrantForm::of(&grant.unwrap_or_else(Grant::everything), &environments, &catalogue)
    });
    Ok(views::EditGrant { layout, member, form, problems, environments, catalogue, beyond })
}

/// The live keys of a person that hold more than their grant covers now.
fn keys_beyond(conn: &mut PgConnection, viewer: &Viewer, id: i64) -> AppResult<Vec<Key>> {
    let Some(grant) = access::find(conn, id)?.filter(|grant| !grant.is_everything()) else {
        return Ok(Vec::new());
    };
    let live = keys::queries::live_with_ids(conn, viewer, id, Utc::now())?.into_iter();
    Ok(live
        .filter(|(key, held)| !grant.covers(key.environment_id, held))
        .map(|(key, _)| key)
        .collect())
}

/// `GET /team/{id}/confirm/withdraw`: says which keys there are and asks what becomes of them.
pub async fn confirm_withdraw(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    id: Path<i64>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let drawn = ask(&app, layout, &hx, *id, WithdrawForm::blank(), Problems::default()).await?;
    fragment_or_page(hx, &drawn.as_dialog(), &drawn)
}

/// `POST /team/{id}/withdraw`: takes API access back and settles the keys, in one transaction.
pub async fn withdraw(
    app: Data<App>,
    layout: Layout,
    session: Session,
    hx: Hx,
    id: Path<i64>,
    fields: Fields<WithdrawForm>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let (viewer, id, form) = (layout.viewer.clone(), *id, fields.into_inner());
    let handover = match form.parse(Utc::now()) {
        Ok(handover) => handover,
        Err(problems) => return ask_again(&app, layout, hx, id, form, problems).await,
    };
    let done = app
        .db
        .write(move |conn| {
            let user = access::withdraw(conn, &viewer, id)?;
            let settled = match user.role {
                Role::Manager => keys::commands::hand_over(conn, &viewer, id, handover)?,
                Role::Administrator => Vec::new(),
            };
            let to = match handover {
                Handover::Transfer(Some(to)) => users::queries::find(conn, &viewer, to)?.name,
                _ => "the operator".into(),
            };
            Ok((queries::find(conn, &viewer, id)?, settled, to))
        })
        .await;
    let (member, settled, to) = match done {
        Ok(done) => done,
        Err(AppError::Unprocessable(sentence)) => {
            let problems = Problems::one("owner", sentence);
            return ask_again(&app, layout, hx, id, form, problems).await;
        }
        Err(error) => return Err(error),
    };
    for key in &settled {
        app.forget(Change::Key(key.id));
    }
    let mut message = format!("{} has no API access any more.", member.user.name);
    if !settled.is_empty() {
        let count = match settled.len() {
            1 => "One key".to_owned(),
            many => format!("{} keys", spaced(many as i64)),
        };
        message.push_str(&match handover {
            Handover::Transfer(_) => format!(" {count} moved to {to}."),
            Handover::Expire(at) => {
                let day = crate::web::time::spell_day(at.date_naive());
                format!(" {count} will stop at the end of {day}.")
            }
            Handover::Disable => format!(" {count} stopped until somebody enables them."),
            Handover::Leave => String::new(),
        });
    }
    answer(hx, &session, &layout, member, message, "/team")
}

async fn ask_again(
    app: &App,
    layout: Layout,
    hx: Hx,
    id: i64,
    form: WithdrawForm,
    problems: Problems,
) -> AppResult<HttpResponse> {
    let drawn = ask(app, layout, &hx, id, form, problems).await?;
    if hx.wants_fragment() { invalid_dialog(&drawn.as_dialog()) } else { invalid(&drawn) }
}

async fn ask(
    app: &App,
    layout: Layout,
    hx: &Hx,
    id: i64,
    form: WithdrawForm,
    problems: Problems,
) -> AppResult<views::Withdraw> {
    let viewer = layout.viewer.clone();
    let (member, keys, holders) = app
        .db
        .read(move |conn| {
            let member = queries::find(conn, &viewer, id)?;
            let held = keys::queries::live_with_ids(conn, &viewer, id, Utc::now())?;
            let others = access::holders(conn)?.into_iter().filter(|holder| holder.user_id != id);
            let holders = others
                .map(|holder| {
                    let fits = held.iter().all(|(key, ids)| holder.covers(key.environment_id, ids));
                    (holder, fits)
                })
                .collect();
            let keys = held.into_iter().map(|(key, _)| key).collect();
            Ok((member, keys, holders))
        })
        .await?;
    let from_list = hx.is_on("/team");
    Ok(views::Withdraw { layout, from_list, member, keys, holders, form, problems })
}

/// htmx redraws the row; a browser without it goes where there is something to see.
pub(super) fn answer(
    hx: Hx,
    session: &Session,
    layout: &Layout,
    member: Member,
    message: String,
    address: &str,
) -> AppResult<HttpResponse> {
    if hx.wants_fragment() {
        return page(&views::Changed { viewer_id: layout.viewer.id, member, message });
    }
    Flash::leave(session, message);
    Ok(see_other(address))
}
