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

#[cfg(test)]
mod tests {
    use actix_web::{App, HttpServer, rt};
    use serde_json::Value;

    use super::*;
    use crate::web::observe::observe;

    #[actix_web::test]
    async fn a_panic_is_a_problem_with_the_requests_id_and_not_a_dropped_connection() {
        let server = HttpServer::new(|| {
            App::new()
                .service(
                    web::scope("/v1")
                        .wrap(CatchPanic::default())
                        .wrap(from_fn(speak_json))
                        .route("/panic", web::to(async || -> HttpResponse { panic!("a bug") })),
                )
                .wrap(CatchPanic::default())
                .wrap(from_fn(observe))
        })
        .workers(1)
        .bind(("127.0.0.1", 0))
        .unwrap();
        let address = server.addrs()[0];
        rt::spawn(server.run());

        let client = reqwest::Client::new();
        for _ in 0..3 {
            let answer = client.post(format!("http://{address}/v1/panic")).send().await.unwrap();
            assert_eq!(answer.status(), 500);
            assert!(answer.headers().contains_key("x-request-id"));
            assert_eq!(answer.headers()["content-type"], "application/problem+json");
            assert_eq!(answer.headers()["cache-control"], "no-store");
            let body = answer.text().await.unwrap();
            assert!(!body.contains("a bug"), "{body}");
            let problem: Value = serde_json::from_str(&body).unwrap();
            assert_eq!(
                (&problem["status"], &problem["code"]),
                (&500.into(), &"UNAVAILABLE".into())
            );
        }
    }
}
