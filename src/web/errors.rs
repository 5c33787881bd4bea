//! `AppError` → page, toast or redirect: the only place that knows both the error and who asked, and the only one
//! that logs failures.

use actix_web::{
    Error, HttpMessage, HttpResponse, ResponseError,
    body::{BodySize, BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    error::{PathError, QueryPayloadError},
    http::{Method, StatusCode, header},
    middleware::Next,
    web::{PathConfig, QueryConfig, ServiceConfig},
};
use askama::Template;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Hx, Layout, see_other};
use crate::{credentials::Presented, error::AppError, users::Origin};

#[derive(Template)]
#[template(path = "errors/page.html")]
struct ErrorPage<'a> {
    status: StatusCode,
    title: &'a str,
    message: &'a str,
    request_id: &'a str,
}

/// The same for somebody who is signed in, with the navigation around it.
#[derive(Template)]
#[template(path = "errors/inside.html")]
struct InnerErrorPage<'a> {
    layout: &'a Layout,
    status: StatusCode,
    title: &'a str,
    message: &'a str,
    request_id: &'a str,
}

#[derive(Template)]
#[template(path = "errors/_toast.html")]
struct ErrorToast<'a> {
    message: &'a str,
    request_id: &'a str,
}

/// What a request tells about how its errors should look.
#[derive(Clone)]
struct Asker {
    hx: Hx,
    request_id: String,
    /// Where to return after signing in; only pages that were asked for, not acts, and never with a secret in it.
    next: Option<String>,
}

/// Turns errors of everything inside it into something a person can read.
///
/// # Errors
/// Failures of inner middleware stay errors, but draw the same page.
pub async fn present_errors(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let asker = Asker {
        hx: Hx::from(req.headers()),
        request_id: request_id(&req),
        next: (req.method() == Method::GET)
            .then(|| req.uri().path_and_query().map(ToString::to_string))
            .flatten()
            .filter(|next| !Presented::looks_secret(next)),
    };
    match next.call(req).await {
        Ok(response) => {
            let response = response.map_into_boxed_body();
            // The address may be what is wrong, or hold what nobody should read: the mode switch doesn't lead back to it.
            let layout = response.request().extensions().get::<Layout>().cloned();
            let layout = layout.map(|layout| Layout { here: "/".into(), ..layout });
            let presented = match response.response().error().and_then(Error::as_error::<AppError>)
            {
                Some(error) => present(error, &asker, layout.as_ref()),
                None => match blank(&response) {
                    Some(error) => present(&error, &asker, layout.as_ref()),
                    None => return Ok(response),
                },
            };
            let allow = response.headers().get(header::ALLOW).cloned();
            let mut presented = response.into_response(presented);
            if let Some(allow) = allow {
                presented.headers_mut().insert(header::ALLOW, allow);
            }
            Ok(presented)
        }
        Err(mut error) => {
            let stand_in = if error.as_error::<AppError>().is_some() {
                None
            } else {
                Some(failure_of_middleware(&error))
            };
            error.add_response_mapper(move |plain| match &stand_in {
                Some(error) => present(error, &asker, None),
                None => plain,
            });
            Err(error)
        }
    }
}

/// Sessions live in Postgres: a failure to load one is an outage, not a bug. A panic is a bug.
fn failure_of_middleware(error: &Error) -> AppError {
    let text = error.to_string();
    if text.is_empty() {
        AppError::Internal(anyhow::anyhow!("a handler panicked"))
    } else {
        AppError::Unavailable(anyhow::anyhow!("{text}"))
    }
}

/// An answer with an error status and nothing in it comes from the framework.
fn blank(response: &ServiceResponse) -> Option<AppError> {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error())
        || response.response().body().size() != BodySize::Sized(0)
    {
        return None;
    }
    Some(match status {
        StatusCode::NOT_FOUND => AppError::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => AppError::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => AppError::TooLarge(16),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => AppError::UnsupportedMediaType,
        status if status.is_client_error() => AppError::BadRequest(
            "That’s not a request we understand. Go back and try again.".into(),
        ),
        status => AppError::Internal(anyhow::anyhow!("an empty answer with status {status}")),
    })
}

fn present(error: &AppError, asker: &Asker, layout: Option<&Layout>) -> HttpResponse {
    let status = error.status_code();
    if status.is_server_error() {
        let cause = std::error::Error::source(error)
            .map(|source| format!("{source:#}"))
            .unwrap_or_default();
        tracing::error!(request_id = asker.request_id, status = status.as_u16(), cause, "{error}");
    }
    let message = error.to_string();
    let mut response = HttpResponse::build(status);
    response.content_type("text/html; charset=utf-8");
    if let Some(seconds) = error.retry_after() {
        response.insert_header((header::RETRY_AFTER, seconds.to_string()));
    }
    let drawn = match (error, asker.hx.wants_fragment()) {
        (AppError::SignInRequired, true) => {
            // htmx follows redirects silently and would swap the sign-in page into a corner of this one.
            return HttpResponse::Unauthorized()
                .insert_header(("HX-Redirect", sign_in_address(None)))
                .finish();
        }
        (AppError::SignInRequired, false) => {
            return see_other(&sign_in_address(asker.next.as_deref()));
        }
        (_, true) => {
            response
                .insert_header(("HX-Retarget", "#toasts"))
                .insert_header(("HX-Reswap", "beforeend"));
            ErrorToast { message: &message, request_id: &asker.request_id }.render()
        }
        (_, false) => {
            let (title, message, request_id) =
                (title(error, status), message.as_str(), asker.request_id.as_str());
            match layout {
                Some(layout) => {
                    InnerErrorPage { layout, status, title, message, request_id }.render()
                }
                None => ErrorPage { status, title, message, request_id }.render(),
            }
        }
    };
    match drawn {
        Ok(markup) => response.body(markup),
        Err(error) => {
            tracing::error!(%error, "the error page cannot be drawn");
            response.body("Something went wrong on our side.")
        }
    }
}

fn sign_in_address(next: Option<&str>) -> String {
    match next.filter(|next| *next != "/") {
        Some(next) => format!("/sign-in?next={}", utf8_percent_encode(next, NON_ALPHANUMERIC)),
        None => "/sign-in".into(),
    }
}

fn title(error: &AppError, status: StatusCode) -> &'static str {
    if matches!(error, AppError::NoApiAccess) {
        return "No API access";
    }
    match status {
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::FORBIDDEN => "Not allowed",
        StatusCode::CONFLICT => "Already changed",
        StatusCode::METHOD_NOT_ALLOWED => "Not possible here",
        StatusCode::MISDIRECTED_REQUEST => "Wrong address",
        StatusCode::TOO_MANY_REQUESTS => "Wait a little",
        StatusCode::SERVICE_UNAVAILABLE => "Back in a moment",
        StatusCode::INTERNAL_SERVER_ERROR => "Something went wrong",
        _ => "Not understood",
    }
}

fn request_id(req: &ServiceRequest) -> String {
    let origin = req.extensions().get::<Origin>().copied().unwrap_or_default();
    origin.request_id.map(|id| id.to_string()).unwrap_or_default()
}

/// Makes actix's own extractors speak in our words, so that no framework text reaches a person.
pub fn text_config(cfg: &mut ServiceConfig) {
    cfg.app_data(PathConfig::default().error_handler(|_: PathError, _| AppError::NotFound.into()))
        .app_data(QueryConfig::default().error_handler(|_: QueryPayloadError, _| {
            AppError::BadRequest(
            "The address has a part that isn’t understood. Go back to the page and choose again."
                .into(),
        )
        .into()
        }));
}

#[cfg(test)]
mod tests {
    use actix_web::{App, HttpServer, middleware::from_fn, rt, web};
    use actix_web_lab::middleware::CatchPanic;

    use super::*;
    use crate::web::observe::observe;

    #[actix_web::test]
    async fn a_panic_is_a_page_with_the_requests_id_and_not_a_dropped_connection() {
        let server = HttpServer::new(|| {
            App::new()
                .service(web::resource("/panic").get(async || -> HttpResponse { panic!("a bug") }))
                .wrap(CatchPanic::default())
                .wrap(from_fn(present_errors))
                .wrap(from_fn(observe))
        })
        .workers(1)
        .bind(("127.0.0.1", 0))
        .unwrap();
        let address = server.addrs()[0];
        rt::spawn(server.run());

        let client = reqwest::Client::new();
        for is_htmx in [false, true, false] {
            let mut request = client.get(format!("http://{address}/panic"));
            if is_htmx {
                request = request.header("HX-Request", "true");
            }
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 500);
            let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
            assert_eq!(answer.headers()["cache-control"], "no-store");
            assert!(answer.headers().contains_key("content-security-policy"));
            let body = answer.text().await.unwrap();
            assert!(body.contains(&id), "{body}");
            assert!(!body.contains("a bug"), "{body}");
            assert_eq!(body.contains("<html"), !is_htmx, "{body}");
        }
    }
}
