//! The addresses under `/v1`. Here everything speaks JSON, errors too.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, header::ALLOW},
    web::{self, Data, Path, Payload},
};

use super::{ask::verify, authorize::authorize, problem::Problem, stand::stand};
use crate::{app::App, nodes::changes_of};

/// What `/v1/verify` takes.
const ALLOWED: &str = "OPTIONS, POST";

/// Adds `/v1` to an application that has `web::Data<Engine>`. Nothing is extracted but what always is there: whatever
/// can fail fails inside [`stand`].
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/v1/verify")
            .route(web::post().to(async |request: HttpRequest, payload: Payload| {
                stand(&request, verify(&request, payload)).await
            }))
            // No CORS: browsers do not ask, gateways do.
            .route(web::method(Method::OPTIONS).to(async |request: HttpRequest| {
                stand(&request, async {
                    Ok(HttpResponse::NoContent().insert_header((ALLOW, ALLOWED)).finish())
                })
                .await
            }))
            .default_service(web::to(async |request: HttpRequest| {
                stand(&request, async { Err(Problem::MethodNotAllowed(ALLOWED)) }).await
            })),
    )
    .service(web::resource("/v1/authorize").to(async |request: HttpRequest| {
        stand(&request, async { Ok(authorize(&request).await) }).await
    }))
    .service(
        web::resource("/v1/changes/{key}")
            .route(web::get().to(
                async |app: Data<App>, request: HttpRequest, key: Path<String>| {
                    stand(&request, changes_of(&app, &request, &key)).await
                },
            ))
            .default_service(web::to(async |request: HttpRequest| {
                stand(&request, async { Err(Problem::MethodNotAllowed("GET, HEAD")) }).await
            })),
    )
    .service(web::scope("/v1").default_service(web::to(async |request: HttpRequest| {
        stand(&request, async { Err(Problem::NotFound) }).await
    })));
}
