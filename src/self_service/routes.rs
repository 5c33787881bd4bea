//! Addresses: `/v1/application` for programs, the switch for administrators.

use actix_session::Session;
use actix_web::{
    HttpRequest, HttpResponse,
    web::{self, Data, Path, Payload, ServiceConfig},
};
use uuid::Uuid;

use super::{listing, rotation, switch};
use crate::{
    app::App,
    error::AppResult,
    users::Origin,
    verify::{Problem, stand_as},
    web::{Button, Fields, Flash, Layout, client_ip::client_ip, see_other},
};

/// Adds what applications ask. Here everything speaks JSON.
pub fn configure(cfg: &mut ServiceConfig) {
    cfg.service(
        web::resource("/v1/application/keys")
            .route(web::get().to(async |app: Data<App>, request: HttpRequest| {
                let origin = origin_of(&app, &request);
                answer(&request, origin, listing::list(&app, &request, origin)).await
            }))
            .default_service(web::to(only_get)),
    )
    .service(
        web::resource("/v1/application/keys/{key}/usage")
            .route(web::get().to(
                async |app: Data<App>, request: HttpRequest, key: Path<String>| {
                    let origin = origin_of(&app, &request);
                    answer(&request, origin, listing::usage(&app, &request, &key, origin)).await
                },
            ))
            .default_service(web::to(only_get)),
    )
    .service(
        web::resource("/v1/application/keys/{key}/regenerate")
            .route(web::post().to(
                async |app: Data<App>,
                       request: HttpRequest,
                       payload: Payload,
                       key: Path<String>| {
                    let origin = origin_of(&app, &request);
                    let made = rotation::regenerate(&app, &request, payload, &key, origin);
                    answer(&request, origin, made).await
                },
            ))
            .default_service(web::to(async |app: Data<App>, request: HttpRequest| {
                let refused = async { Err(Problem::MethodNotAllowed("POST")) };
                answer(&request, origin_of(&app, &request), refused).await
            })),
    );
}

async fn only_get(app: Data<App>, request: HttpRequest) -> HttpResponse {
    let refused = async { Err(Problem::MethodNotAllowed("GET")) };
    answer(&request, origin_of(&app, &request), refused).await
}

/// The id that the answer carries is the one in the trail.
async fn answer(
    request: &HttpRequest,
    origin: Origin,
    answer: impl Future<Output = Result<HttpResponse, Problem>>,
) -> HttpResponse {
    stand_as(request, origin.request_id.unwrap_or_default(), answer).await
}

fn origin_of(app: &App, request: &HttpRequest) -> Origin {
    let peer = request.peer_addr().map(|peer| peer.ip());
    let ip = client_ip(peer, request.headers(), &app.config.trusted_proxies);
    Origin { ip, request_id: Some(Uuid::new_v4()) }
}

/// Adds the switch on an application's page.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/applications/{app_id}/permit-keys").post(permit))
        .service(web::resource("/applications/{app_id}/forbid-keys").post(forbid));
}

async fn permit(
    app: Data<App>,
    layout: Layout,
    session: Session,
    app_id: Path<String>,
    _: Fields<Button>,
) -> AppResult<HttpResponse> {
    let viewer = crate::applications::for_changing(layout)?.viewer;
    let application = app.db.write(move |conn| switch::permit(conn, &viewer, &app_id)).await?;
    Flash::leave(&session, format!("{} may manage its own keys.", application.name));
    Ok(see_other(&application.address()))
}

async fn forbid(
    app: Data<App>,
    layout: Layout,
    session: Session,
    app_id: Path<String>,
    _: Fields<Button>,
) -> AppResult<HttpResponse> {
    let viewer = crate::applications::for_changing(layout)?.viewer;
    let application = app.db.write(move |conn| switch::forbid(conn, &viewer, &app_id)).await?;
    Flash::leave(&session, format!("{} may not manage its keys any more.", application.name));
    Ok(see_other(&application.address()))
}
