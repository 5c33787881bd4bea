//! Addresses and handlers: administrators only, nobody else has them.

use actix_session::Session;
use actix_web::{
    HttpResponse,
    web::{self, Data, Path, ServiceConfig},
};

use super::{
    address,
    commands::{self, NewWebhook},
    forms::WebhookForm,
    model::Webhook,
    queries, views,
};
use crate::{
    app::App,
    error::AppResult,
    web::{
        Button, Fields, Flash, Hx, Layout, Problems, fragment_or_page, invalid, page,
        page_with_secret, see_other,
    },
};

const LIST: &str = "/settings/webhooks";

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/settings/webhooks").get(index).post(create))
        .service(web::resource("/settings/webhooks/new").get(new))
        .service(web::resource("/settings/webhooks/{id}/edit").get(edit).post(update))
        .service(web::resource("/settings/webhooks/{id}/confirm/remove").get(confirm_remove))
        .service(web::resource("/settings/webhooks/{id}/remove").post(remove))
        .service(web::resource("/settings/webhooks/{id}/confirm/rotate").get(confirm_rotate))
        .service(web::resource("/settings/webhooks/{id}/rotate").post(rotate))
        .service(web::resource("/settings/webhooks/{id}/test").post(test));
}

async fn index(app: Data<App>, layout: Layout) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let viewer = layout.viewer.clone();
    let webhooks = app.db.read(move |conn| queries::list(conn, &viewer)).await?;
    let webhooks =
        webhooks.into_iter().map(|webhook| views::Shown::of(webhook, &app.outside)).collect();
    page(&views::Index { layout, webhooks })
}

async fn new(layout: Layout) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let form = WebhookForm::blank();
    page(&views::Form { layout, webhook: None, form, problems: Problems::default() })
}

async fn create(
    app: Data<App>,
    layout: Layout,
    fields: Fields<WebhookForm>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let form = fields.into_inner();
    let new = match understand(&app, &form, None).await? {
        Ok(new) => new,
        Err(problems) => return invalid(&views::Form { layout, webhook: None, form, problems }),
    };
    let (viewer, outside) = (layout.viewer.clone(), app.outside.clone());
    let (webhook, secret) =
        app.db.write(move |conn| commands::add(conn, &viewer, &new, &outside.secrets)).await?;
    page_with_secret(&views::Reveal { layout, webhook, secret: secret.spelled() })
}

async fn edit(app: Data<App>, layout: Layout, id: Path<i64>) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let webhook = find(&app, &layout, *id).await?;
    let form = WebhookForm::of(&webhook);
    page(&views::Form { layout, webhook: Some(webhook), form, problems: Problems::default() })
}

async fn update(
    app: Data<App>,
    layout: Layout,
    session: Session,
    id: Path<i64>,
    fields: Fields<WebhookForm>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let id = id.into_inner();
    let (form, webhook) = (fields.into_inner(), find(&app, &layout, id).await?);
    let new = match understand(&app, &form, Some(&webhook)).await? {
        Ok(new) => new,
        Err(problems) => {
            return invalid(&views::Form { layout, webhook: Some(webhook), form, problems });
        }
    };
    let viewer = layout.viewer;
    let webhook = app.db.write(move |conn| commands::update(conn, &viewer, id, &new)).await?;
    Flash::leave(&session, format!("The webhook {} is updated.", webhook.name()));
    Ok(see_other(&format!("{LIST}/{id}")))
}

/// What was typed, understood and looked up. What is as before was looked up before: a webhook can be switched off
/// while its name leads nowhere.
async fn understand(
    app: &App,
    form: &WebhookForm,
    before: Option<&Webhook>,
) -> AppResult<Result<NewWebhook, Problems>> {
    let may_call_private = app.outside.caller.may_call_private;
    let new = match form.parse(may_call_private) {
        Ok(new) => new,
        Err(problems) => return Ok(Err(problems)),
    };
    if may_call_private || before.is_some_and(|before| before.url == new.url.as_str()) {
        return Ok(Ok(new));
    }
    let url = new.url.clone();
    let checked = web::block(move || address::check(&url)).await?;
    Ok(checked.map(|()| new).map_err(|sentence| Problems::one("url", sentence)))
}

async fn confirm_remove(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    id: Path<i64>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let webhook = find(&app, &layout, *id).await?;
    let page = views::Remove { layout, webhook };
    fragment_or_page(hx, &page.as_dialog(), &page)
}

async fn remove(
    app: Data<App>,
    layout: Layout,
    session: Session,
    id: Path<i64>,
    _: Fields<Button>,
) -> AppResult<HttpResponse> {
    let viewer = layout.for_administrators()?.viewer;
    let webhook = app.db.write(move |conn| commands::remove(conn, &viewer, *id)).await?;
    Flash::leave(&session, format!("The webhook {} is removed.", webhook.name()));
    Ok(see_other(LIST))
}

async fn confirm_rotate(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    id: Path<i64>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let webhook = find(&app, &layout, *id).await?;
    let webhook = views::Shown::of(webhook, &app.outside);
    let page = views::Rotate { layout, webhook };
    fragment_or_page(hx, &page.as_dialog(), &page)
}

/// The answer is the one that shows the new secret.
async fn rotate(
    app: Data<App>,
    layout: Layout,
    id: Path<i64>,
    _: Fields<Button>,
) -> AppResult<HttpResponse> {
    let layout = layout.for_administrators()?;
    let (viewer, outside) = (layout.viewer.clone(), app.outside.clone());
    let (webhook, secret) =
        app.db.write(move |conn| commands::rotate(conn, &viewer, *id, &outside.secrets)).await?;
    page_with_secret(&views::Reveal { layout, webhook, secret: secret.spelled() })
}

async fn test(
    app: Data<App>,
    layout: Layout,
    id: Path<i64>,
    _: Fields<Button>,
) -> AppResult<HttpResponse> {
    let viewer = layout.for_administrators()?.viewer;
    let outside = app.outside.clone();
    let delivery =
        app.db.write(move |conn| commands::test(conn, &viewer, *id, &outside.base_url)).await?;
    Ok(see_other(&format!("{LIST}/deliveries/{delivery}")))
}

pub(super) async fn find(app: &App, layout: &Layout, id: i64) -> AppResult<Webhook> {
    let viewer = layout.viewer.clone();
    app.db.read(move |conn| queries::find(conn, &viewer, id)).await
}
