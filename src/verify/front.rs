//! `/v1/verify` and `/v1/authorize` stand in front of the application: they are asked thousands of times a second, and
//! what an application does around a handler (a request of its own, routes, guards, boxes) takes as long as a verdict.

use std::{rc::Rc, time::Instant};

use actix_http::{Request, Response};
use actix_service::{Service, ServiceFactory, apply_fn_factory};
use actix_web::{
    HttpResponse,
    body::BoxBody,
    dev::ServiceResponse,
    http::{Method, header::ALLOW},
    web::Data,
};
use futures_util::{TryFutureExt, future::Either};

use super::{
    ask::verify,
    authorize::authorize,
    problem::Problem,
    stand::{any_id, around},
};
use crate::app::App;

/// What `/v1/verify` takes.
const ALLOWED: &str = "OPTIONS, POST";

#[derive(Clone, Copy)]
enum Address {
    Verify,
    Authorize,
}

impl Address {
    fn of(path: &str) -> Option<Self> {
        match path {
            "/v1/verify" => Some(Self::Verify),
            "/v1/authorize" => Some(Self::Authorize),
            _ => None,
        }
    }
}

/// Answers what gateways ask, and leaves the rest to `others`. For one worker: threads that counted together who still
/// needs `app` would wait for each other on every request.
pub fn in_front<F>(
    app: Data<App>,
    others: F,
) -> impl ServiceFactory<
    Request,
    Config = F::Config,
    Response = Response<BoxBody>,
    Error = F::Error,
    InitError = F::InitError,
>
where
    F: ServiceFactory<Request, Response = ServiceResponse>,
{
    let app = Rc::new(app);
    apply_fn_factory(others, move |request: Request, others| match Address::of(request.path()) {
        Some(address) => Either::Left(Box::pin(answer(Rc::clone(&app), address, request))),
        None => Either::Right(others.call(request).map_ok(Response::from)),
    })
}

async fn answer<E>(
    app: Rc<Data<App>>,
    address: Address,
    mut request: Request,
) -> Result<Response<BoxBody>, E> {
    let (began, payload) = (Instant::now(), request.take_payload());
    let (engine, head) = (&app.engine, request.head());
    let answer = async {
        match (address, &head.method) {
            (Address::Authorize, _) => Ok(authorize(engine, head, began).await),
            (Address::Verify, &Method::POST) => verify(engine, head, payload, began).await,
            // No CORS: browsers do not ask, gateways do.
            (Address::Verify, &Method::OPTIONS) => {
                Ok(HttpResponse::NoContent().insert_header((ALLOW, ALLOWED)).finish())
            }
            (Address::Verify, _) => Err(Problem::MethodNotAllowed(ALLOWED)),
        }
    };
    Ok(around(Some(&app), head, (began, any_id()), answer).await.into())
}
