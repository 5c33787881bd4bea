//! The addresses under `/v1`. Here everything speaks JSON, errors too.

use actix_web::{
    Error, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{ALLOW, CACHE_CONTROL, HeaderValue},
    },
    middleware::{Next, from_fn},
    web,
};

use super::{ask::verify, authorize::authorize, problem::Problem};
use crate::error::AppError;

/// Adds `/v1` to an application that has `web::Data<Engine>`.
pub fn configure(cfg: &mut web::ServiceConfig) {
    const ALLOWED: &str = "OPTIONS, POST";
    cfg.service(
        web::scope("/v1")
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
            .default_service(web::to(async || Err::<HttpResponse, _>(Problem::NotFound))),
    );
}

/// Whatever a middleware or an extractor refuses with is told as a problem; nothing here is ever kept by a cache.
async fn speak_json(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let mut response = next.call(request).await?.map_into_boxed_body();
    let problem =
        response.response().error().and_then(Error::as_error::<AppError>).map(Problem::from);
    if let Some(problem) = problem {
        response = response.into_response(actix_web::ResponseError::error_response(&problem));
    }
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
