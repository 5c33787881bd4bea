//! Addresses and handlers: administrators only, nobody else has them.

use actix_web::{
    HttpResponse,
    web::{self, Data, ServiceConfig},
};
use serde_json::json;
use uuid::Uuid;

use super::{compose, queries, views};
use crate::{
    app::App,
    audit::{self, Action, Subject},
    error::{AppError, AppResult},
    web::{Button, Fields, Layout, page},
};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/settings/mail").get(show))
        .service(web::resource("/settings/mail/test").post(test));
}

async fn show(app: Data<App>, layout: Layout) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    page(&draw(&app, layout, None).await?)
}

async fn draw(app: &App, layout: Layout, tested: Option<views::Tested>) -> AppResult<views::Show> {
    let viewer = layout.viewer.clone();
    let refused = app.db.read(move |conn| queries::refused(conn, &viewer)).await?;
    let from = app.outside.mailer.as_ref().map(super::Mailer::from);
    Ok(views::Show { layout, from, refused, tested })
}

/// Writes to whoever presses the button, and says what the server said. It is in the trail before it is sent, so that
/// no mail leaves unnoticed.
async fn test(app: Data<App>, layout: Layout, _: Fields<Button>) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    if app.outside.mailer.is_none() {
        return Err(AppError::Conflict(
            "No mail server is configured. Set SMTP_URL and start again.".into(),
        ));
    }
    let viewer = layout.viewer.clone();
    app.db
        .write(move |conn| {
            let viewer = viewer.confirm_administrator(conn)?;
            let subject = Subject { id: "mail", name: "E-mail" };
            audit::record(conn, &viewer, Action::MailTested, subject, json!({}))
        })
        .await?;
    let mail = compose::test(&layout.settings.product_name)?;
    let outside = app.outside.clone();
    let (name, email) = (layout.viewer.name.clone(), layout.viewer.email.clone());
    let tested = web::block(move || {
        let mailer = outside.mailer.as_ref()?;
        let id = format!("test-{}", Uuid::new_v4().simple());
        Some(mailer.send(&id, (&name, &email), &mail))
    })
    .await?;
    page(&draw(&app, layout, tested.map(views::Tested)).await?)
}
