//! Addresses and handlers.

use std::time::Instant;

use actix_session::Session;
use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
    web::{self, Data, Query, ServiceConfig},
};
use serde::Deserialize;

use super::{
    begin, commands,
    forms::{Attempt, Form},
    throttle::Guess,
    views,
};
use crate::{
    app::App,
    error::AppResult,
    users::{Origin, User, Viewer, passwords::Verified, queries},
    web::{
        Fields, Problems, invalid, layout::origin_of, next::safe_next, page, see_other, with_status,
    },
};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/sign-in").get(new).post(create))
        .service(web::resource("/sign-out").post(delete));
}

#[derive(Deserialize)]
struct Next {
    next: Option<String>,
}

async fn new(
    app: Data<App>,
    viewer: Option<Viewer>,
    asked: Query<Next>,
) -> AppResult<HttpResponse> {
    let next = safe_next(asked.next.as_deref());
    if viewer.is_some() {
        return Ok(see_other(&next));
    }
    let is_set_up = app.db.read(queries::is_anybody_here).await?;
    let form = Form::leading_to(next);
    page(&views::New { form, problems: Problems::default(), refusal: None, is_set_up })
}

async fn create(
    app: Data<App>,
    session: Session,
    req: HttpRequest,
    fields: Fields<Form>,
) -> AppResult<HttpResponse> {
    let (mut form, origin) = (fields.into_inner(), origin_of(&req));
    form.next = Some(safe_next(form.next.as_deref()));
    let attempt = match form.parse() {
        Ok(attempt) => attempt,
        Err(problems) => return invalid(&views::New::again(form, problems, None)),
    };
    let guess = match app.throttle.begin(&attempt.email, origin.ip, Instant::now()) {
        Ok(guess) => guess,
        Err(error) => {
            let refusal = Some(views::Refusal::paused(error.to_string()));
            let mut answer = with_status(
                StatusCode::TOO_MANY_REQUESTS,
                &views::New::again(form, Problems::default(), refusal),
            )?;
            let seconds = HeaderValue::from(error.retry_after().unwrap_or(60));
            answer.headers_mut().insert(header::RETRY_AFTER, seconds);
            return Ok(answer);
        }
    };
    match admit(&app, attempt, guess, origin).await? {
        Some(user) => {
            begin(&session, &req, &user)?;
            Ok(see_other(&safe_next(form.next.as_deref())))
        }
        None => {
            let refusal = Some(views::Refusal::wrong());
            let page = views::New::again(form, Problems::default(), refusal);
            with_status(StatusCode::UNAUTHORIZED, &page)
        }
    }
}

/// Whose password it is. Somebody who isn't known costs the same time as a wrong password.
async fn admit(
    app: &App,
    attempt: Attempt,
    guess: Guess<'_>,
    origin: Origin,
) -> AppResult<Option<User>> {
    let Attempt { email, password } = attempt;
    let found = app
        .db
        .read({
            let email = email.clone();
            move |conn| queries::sign_in(conn, &email)
        })
        .await?;
    let (user, stored) =
        found.map_or((None, None), |found| (Some(found.user), found.password_hash));
    let verified = app.passwords.verify(password, stored.clone()).await?;
    // Only now, so that it takes as long as a wrong password.
    let user = user.filter(|user| user.disabled_at.is_none());
    let (Some(user), Verified::Right | Verified::RightButOld(_)) = (user, &verified) else {
        guess.failed();
        app.db.write(move |conn| commands::record_refusal(conn, origin, &email)).await?;
        return Ok(None);
    };
    guess.succeeded();
    let rehashed = match verified {
        Verified::RightButOld(new) => stored.map(|old| (old, new)),
        _ => None,
    };
    let user_id = user.id;
    app.db.write(move |conn| commands::sign_in(conn, origin, user_id, rehashed)).await?;
    Ok(Some(user))
}

/// Fine also for somebody who isn't signed in any more: a second tab, a slow double click.
async fn delete(session: Session) -> HttpResponse {
    session.purge();
    let mut answer = see_other("/sign-in");
    answer.headers_mut().insert(
        header::HeaderName::from_static("clear-site-data"),
        HeaderValue::from_static(r#""cache", "storage""#),
    );
    answer
}
