//! The addresses under `/v1`. Here everything speaks JSON, errors too.

use actix_web::{
    Error, HttpResponse, ResponseError,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{ALLOW, CACHE_CONTROL, HeaderValue},
    },
    middleware::{Next, from_fn},
    web,
};
use actix_web_lab::middleware::CatchPanic;

use super::{ask::verify, authorize::authorize, problem::Problem};
use crate::nodes::changes_of;

/// Adds `/v1` to an application that has `web::Data<Engine>`.
pub fn configure(cfg: &mut web::ServiceConfig) {
    const ALLOWED: &str = "OPTIONS, POST";
    cfg.service(
        web::scope("/v1")
            .wrap(CatchPanic::default())
            .wrap(from_fn(speak_json))
            .service(
                web::resource("/verify")
                    .route(web::post().to(verify))
                    // No CORS: browsers do not ask, gateways do.
                    .route(web::method(Method::OPTIONS).to(async || {
                        HttpResponse::NoContent().insert_header((ALLOW, ALLOWED)).finish()
                    }))
                    .default_service(web::to(async || {
                        Err::<HttpResponse, _>(Problem::MethodNotAllowed(ALLOWED))
                    })),
            )
            .service(web::resource("/authorize").to(authorize))
            .service(
                web::resource("/changes/{key}").route(web::get().to(changes_of)).default_service(
                    web::to(async || {
                        Err::<HttpResponse, _>(Problem::MethodNotAllowed("GET, HEAD"))
                    }),
                ),
            )
            .default_service(web::to(async || Err::<HttpResponse, _>(Problem::NotFound))),
    );
}

/// Whatever fails here is told as a problem, a panic too; and nothing of it is ever kept by a cache.
async fn speak_json(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let in_json = |error: &Error| match error.as_error::<Problem>() {
        Some(problem) => *problem,
        None => Problem::Other(error.as_response_error().status_code()),
    };
    let mut response = match next.call(request).await {
        Ok(response) => response.map_into_boxed_body(),
        Err(error) => return Err(in_json(&error).into()),
    };
    if let Some(problem) = response.response().error().map(in_json) {
        response = response.into_response(problem.error_response());
    }
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
