//! The addresses under `/v1`. Here everything speaks JSON, errors too.

use actix_web::{
    HttpRequest,
    web::{self, Data, Path, Payload},
};

use super::{problem::Problem, stand::stand};
use crate::{app::App, leaks, nodes::changes_of, self_service};

/// Adds what is under `/v1` beside verification, which stands in front. Nothing is extracted but what always is there:
/// whatever can fail fails inside [`stand`].
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/v1/changes/{key}")
            .route(web::get().to(
                async |app: Data<App>, request: HttpRequest, key: Path<String>| {
                    stand(&request, changes_of(&app, &request, &key)).await
                },
            ))
            .default_service(web::to(async |request: HttpRequest| {
                stand(&request, async { Err(Problem::MethodNotAllowed("GET")) }).await
            })),
    )
    .service(
        web::resource("/v1/leaks")
            .route(web::post().to(
                async |app: Data<App>, request: HttpRequest, payload: Payload| {
                    stand(&request, leaks::report(&app, &request, payload)).await
                },
            ))
            .default_service(web::to(async |request: HttpRequest| {
                stand(&request, async { Err(Problem::MethodNotAllowed("POST")) }).await
            })),
    )
    .configure(self_service::configure)
    .service(web::scope("/v1").default_service(web::to(async |request: HttpRequest| {
        stand(&request, async { Err(Problem::NotFound) }).await
    })));
}

#[cfg(test)]
mod tests {
    use actix_web::{HttpServer, rt};
    use serde_json::Value;

    use super::*;

    #[actix_web::test]
    async fn a_panic_is_a_problem_with_the_requests_id_and_not_a_dropped_connection() {
        let server =
            HttpServer::new(|| {
                actix_web::App::new().service(web::resource("/v1/panic").to(
                    async |request: HttpRequest| stand(&request, async { panic!("a bug") }).await,
                ))
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
