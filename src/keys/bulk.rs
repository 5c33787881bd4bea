//! Many keys at once: first what would happen, then doing it.

use actix_session::Session;
use actix_web::{HttpResponse, http::StatusCode, web::Data};
use chrono::Utc;

use super::{
    commands::{self, Outcome},
    queries,
    selection::{BulkAct, BulkForm, Plan, fingerprint},
    views::{self, Recent},
    who_breaks::{Typed, WhoBreaks, must_be_typed},
};
use crate::{
    app::App,
    changes::Change,
    error::{AppError, AppResult},
    web::{
        Fields, Flash, Hx, Layout, Signer, fragment_or_page, next::safe_next, see_other,
        with_status,
    },
};

/// Large enough for ten thousand public keys.
type Ticked = Fields<BulkForm, 512>;

/// `POST /keys/bulk/preview`: a dialog for htmx, a page without it. By POST because it may be long; nothing changes.
pub async fn preview(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    form: Ticked,
) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let form = form.into_inner();
    let act = BulkAct::parse(&form.act).ok_or_else(|| {
        AppError::BadRequest("The form is incomplete. Reload the list and try again.".into())
    })?;
    let page = draw(&app, layout, act, form).await?;
    fragment_or_page(hx, &page.as_dialog(), &page)
}

/// `POST /keys/bulk/disable`
pub async fn disable(
    app: Data<App>,
    layout: Layout,
    session: Session,
    form: Ticked,
) -> AppResult<HttpResponse> {
    stop(&app, layout, &session, BulkAct::Disable, form.into_inner()).await
}

/// `POST /keys/bulk/revoke`
pub async fn revoke(
    app: Data<App>,
    layout: Layout,
    session: Session,
    form: Ticked,
) -> AppResult<HttpResponse> {
    stop(&app, layout, &session, BulkAct::Revoke, form.into_inner()).await
}

async fn stop(
    app: &App,
    layout: Layout,
    session: &Session,
    act: BulkAct,
    form: BulkForm,
) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let signer = Signer { key: app.session_key.signing(), viewer: &layout.viewer };
    let selection = form.parse(&signer)?;
    let viewer = layout.viewer.clone();
    let (seen, reason, typed) = (form.seen.clone(), form.reason.clone(), form.typed.clone());
    let outcome = app
        .db
        .write(move |conn| {
            let outcome = commands::stop_all(conn, &viewer, act, &selection, &seen, &reason)?;
            // Last, so that whoever may not do it hears that first; it is undone with everything else.
            let asked = match &outcome {
                Outcome::Done(plan) => plan.changing.clone(),
                Outcome::Later(_) => {
                    let ids = queries::select(conn, &viewer, &selection, Utc::now())?;
                    Plan::of(act, queries::by_ids(conn, &viewer, &ids)?).changing
                }
                Outcome::Stale => Vec::new(),
            };
            let changing: Vec<i64> = asked.iter().map(|key| key.id).collect();
            must_be_typed(conn, &changing, &changing.len().to_string(), &typed)?;
            Ok(outcome)
        })
        .await;
    match outcome {
        Ok(Outcome::Done(plan)) => {
            app.forget(Change::Keys(plan.changing.iter().map(|key| key.id).collect()));
            Flash::leave(session, plan.done(act));
            Ok(see_other(&back(&form)))
        }
        Ok(Outcome::Later(job)) => {
            Flash::leave(
                session,
                "These are many keys, so a job does it. Nothing has changed before it says so.",
            );
            Ok(see_other(&format!("/jobs/{job}")))
        }
        Ok(Outcome::Stale) => {
            let mut page = draw(app, layout, act, form).await?;
            page.is_new = true;
            with_status(StatusCode::CONFLICT, &page)
        }
        Err(AppError::Unprocessable(sentence)) if !form.reason.is_empty() => {
            let mut page = draw(app, layout, act, form).await?;
            page.error = Some(sentence);
            with_status(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(AppError::NotTyped) => {
            let typed = form.typed.clone();
            let mut page = draw(app, layout, act, form).await?;
            page.typed = page.typed.map(|asked| asked.wrong(&typed));
            with_status(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(error) => Err(error),
    }
}

async fn draw(app: &App, layout: Layout, act: BulkAct, form: BulkForm) -> AppResult<views::Bulk> {
    let signer = Signer { key: app.session_key.signing(), viewer: &layout.viewer };
    let selection = form.parse(&signer)?;
    let (viewer, now) = (layout.viewer.clone(), Utc::now());
    let (seen, plan, who) = app
        .db
        .read(move |conn| {
            if act.is_revoke() && !commands::may_revoke(conn, &viewer)? {
                return Err(AppError::Forbidden);
            }
            let ids = queries::select(conn, &viewer, &selection, now)?;
            let keys = queries::by_ids(conn, &viewer, &ids)?;
            let plan = Plan::of(act, keys);
            let who = WhoBreaks::of(conn, &plan.changing, now)?;
            Ok((fingerprint(&ids), plan, who))
        })
        .await?;
    let recent = Recent::of(&plan, now);
    let back = back(&form);
    let typed = Typed::name_of("their number", &plan.changing.len().to_string(), &who);
    Ok(views::Bulk {
        layout,
        act,
        form,
        seen,
        plan,
        recent,
        who,
        typed,
        back,
        is_new: false,
        error: None,
    })
}

/// The list one came from.
fn back(form: &BulkForm) -> String {
    let back = safe_next(Some(&form.back));
    let is_list = back == "/keys" || back.starts_with("/keys?") || back.starts_with("/review?");
    if is_list { back } else { form.filter().address() }
}
