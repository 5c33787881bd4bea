//! What every answer carries, and how odd requests are taken.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use diesel::connection::SimpleConnection;
use reqwest::Method;
use serde_json::json;

use crate::support::{Page, TestApp};

const EVERYWHERE: [(&str, &str); 6] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=()"),
    ("strict-transport-security", ""),
];

#[track_caller]
fn assert_guarded(what: &str, page: &Page) {
    for (name, value) in EVERYWHERE {
        assert_eq!(page.header(name), value, "{what}: {name}");
    }
    let policy = page.header("content-security-policy");
    for part in [
        "default-src 'none'",
        "script-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    ] {
        assert!(policy.contains(part), "{what}: {policy}");
    }
    assert!(!policy.contains("unsafe"), "{what}: {policy}");
    assert_eq!(page.header("x-request-id").len(), 36, "{what}");
    assert!(
        page.header("vary").contains("HX-Request") || page.header("vary").contains("ccept"),
        "{what}"
    );
    if !what.starts_with("static") {
        assert!(
            page.header("cache-control").contains("no-store"),
            "{what}: {}",
            page.header("cache-control")
        );
    }
}

#[actix_web::test]
async fn every_answer_is_guarded() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let gateway = app.gateway("production");
    let mut visitor = app.visitor();
    let mut ada = app.sign_in(&ada).await;
    let disable = format!("{}/disable", key.page());

    let etag = visitor.get("/static/css/app.css").await.header("etag").to_owned();
    let json = |body: serde_json::Value, token: &str| {
        let token = token.to_owned();
        move |request: reqwest::RequestBuilder| request.bearer_auth(token).json(&body)
    };
    let question = json!({ "key": key.secret });
    let mut answers = vec![
        ("200", ada.get("/keys").await, 200),
        ("200 of a visitor", visitor.get("/sign-in").await, 200),
        ("200 fragment", ada.with_htmx("/keys").get("/keys").await, 200),
        ("303", ada.get("/keys/new").await, 303),
        ("303 of a visitor", visitor.get("/keys").await, 303),
        ("400", ada.get("/keys?sort=hash").await, 400),
        ("401 htmx", visitor.with_htmx("/keys").get("/keys").await, 401),
        ("403", ada.with_header("Origin", "https://evil.example").post(&disable, &[]).await, 403),
        ("404", ada.get("/nothing").await, 404),
        ("404 key", ada.get("/keys/prod_pk_0123456789abcdef").await, 404),
        ("405", ada.get("/keys/search").await, 405),
        ("409", ada.post(&format!("{}/delete", key.page()), &[]).await, 409),
        ("413", ada.post("/keys/search", &[("q", &"x".repeat(17_000))]).await, 413),
        ("415", ada.request(Method::POST, &disable, |request| request.body("x")).await, 415),
        ("421", ada.with_header("Host", "evil.example").get("/keys").await, 421),
        ("422", ada.post(&format!("{}/revoke", key.page()), &[("reason", "\u{7}")]).await, 422),
        ("HEAD", ada.request(Method::HEAD, "/keys", |request| request).await, 200),
        ("health", visitor.get("/healthz").await, 200),
        ("readiness", visitor.get("/readyz").await, 200),
        (
            "verdict",
            visitor.request(Method::POST, "/v1/verify", json(question.clone(), &gateway)).await,
            200,
        ),
        (
            "no gateway",
            visitor.request(Method::POST, "/v1/verify", json(question, "gw_x")).await,
            401,
        ),
        ("no JSON", visitor.post("/v1/verify", &[]).await, 401),
        ("v1 404", visitor.get("/v1/nothing").await, 404),
        ("v1 405", visitor.get("/v1/verify").await, 405),
        ("authorize", visitor.get("/v1/authorize").await, 401),
        ("static 200", visitor.get("/static/css/app.css").await, 200),
        ("static 404", visitor.get("/static/nothing").await, 404),
        ("static 405", visitor.post("/static/css/app.css", &[]).await, 405),
        (
            "static 304",
            visitor.with_header("If-None-Match", &etag).get("/static/css/app.css").await,
            304,
        ),
        (
            "200 reveal",
            ada.post(
                &format!("{}/regenerate", key.page()),
                &[("version", "1"), ("typed", "deploy bot")],
            )
            .await,
            200,
        ),
    ];
    app.db(|conn| conn.batch_execute("alter table settings rename to away")).unwrap();
    answers.push(("500", ada.get("/keys").await, 500));
    answers.push(("500 fragment", ada.with_htmx("/keys").get("/keys").await, 500));
    for (what, page, status) in &answers {
        assert_eq!(page.status(), *status, "{what}: {}", page.body());
        assert_guarded(what, page);
        if page.header("content-type").starts_with("text/html") {
            assert!(page.header("vary").contains("HX-Request"), "{what}");
        }
        if *status >= 400 && *status != 422 && page.body().contains("<html") {
            page.assert_shows(page.header("x-request-id"));
        }
    }
}

#[actix_web::test]
async fn behind_https_browsers_are_told_to_stay_there() {
    let app = TestApp::start_with(&[("LATCHKEY_BASE_URL", "https://keys.example.com")]);
    let page = app.visitor().with_header("Host", "keys.example.com").get("/sign-in").await;
    assert_eq!(page.header("strict-transport-security"), "max-age=63072000; includeSubDomains");
    let user = app.administrator("Ada");
    let mut ada = app.visitor().with_header("Host", "keys.example.com");
    let fields = [("email", user.email.as_str()), ("password", crate::support::PASSWORD)];
    let cookie = ada.post("/sign-in", &fields).await.header("set-cookie").to_owned();
    assert!(cookie.starts_with("__Host-latchkey="), "{cookie}");
    for attribute in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
}

#[actix_web::test]
async fn what_is_in_the_address_bar_of_a_file_is_kept_for_as_long_as_the_file() {
    let app = TestApp::start_blank();
    let mut visitor = app.visitor();
    let page = visitor.get("/sign-in").await;
    let address = page.attribute("link[rel=stylesheet]", "href");
    let file = visitor.get(&address).await;
    assert!(file.header("cache-control").contains("immutable"), "{}", file.header("cache-control"));
    let other = visitor.get("/static/css/app.css?v=0").await;
    assert_eq!(other.header("cache-control"), "no-cache");
}

/// Sends bytes as they are and reads what comes back until the other side has nothing more to say.
fn raw(app: &TestApp, request: &str) -> String {
    let mut line = TcpStream::connect(app.address).unwrap();
    line.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    line.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = line.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[track_caller]
fn assert_answers(app: &TestApp, request: &str, statuses: &[&str]) -> String {
    let answer = raw(app, request);
    let status = answer.split(' ').nth(1).unwrap_or("nothing").to_owned();
    assert!(statuses.contains(&status.as_str()), "{request:?} was answered {answer}");
    answer
}

#[actix_web::test]
async fn other_names_are_refused_however_they_are_given() {
    let app = TestApp::start_blank();
    let own = app.address;
    let close = "Connection: close\r\n\r\n";
    let page = assert_answers(
        &app,
        &format!("GET /sign-in HTTP/1.1\r\nHost: evil.example\r\n{close}"),
        &["421"],
    );
    assert!(page.contains("Latchkey doesn’t answer to this name."), "{page}");
    assert_answers(
        &app,
        &format!("GET http://evil.example/sign-in HTTP/1.1\r\nHost: {own}\r\n{close}"),
        &["400", "421"],
    );
    assert_answers(&app, &format!("GET /sign-in HTTP/1.0\r\n{close}"), &["400", "421"]);
    assert_answers(
        &app,
        &format!("GET /sign-in HTTP/1.1\r\nHost: {own}.evil.example\r\n{close}"),
        &["400", "421"],
    );
    assert_answers(&app, &format!("GET /sign-in HTTP/1.1\r\nHost: {own}\r\n{close}"), &["200"]);
    // Nobody in front of us is trusted here, so nobody can say what we are called.
    let forwarded = format!(
        "GET /keys HTTP/1.1\r\nHost: {own}\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\nForwarded: host=evil.example\r\n{close}"
    );
    let answer = assert_answers(&app, &forwarded, &["303"]);
    assert!(!answer.contains("evil.example"), "{answer}");
}

#[actix_web::test]
async fn requests_that_mean_two_things_are_refused() {
    let app = TestApp::start_blank();
    let own = app.address;
    let post = format!("POST /sign-in HTTP/1.1\r\nHost: {own}\r\n");
    let get = format!("GET /sign-in HTTP/1.1\r\nHost: {own}\r\n");
    for (request, statuses) in [
        (
            format!("{post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            &["400"][..],
        ),
        (format!("{post}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"), &["400"]),
        (format!("{post}Content-Length: -1\r\n\r\n"), &["400"]),
        (format!("{post}Content-Length: 1x\r\n\r\n"), &["400"]),
        (format!("{get}X-Folded: a\r\n b\r\n\r\n"), &["400"]),
        (format!("{get}X-Nul: a\0b\r\n\r\n"), &["400"]),
        (format!("{get}Host: evil.example\r\n\r\n"), &["400"]),
        (format!("{get}{}Connection: close\r\n\r\n", "X-Many: x\r\n".repeat(120)), &["400", "431"]),
        (
            format!(
                "GET /{} HTTP/1.1\r\nHost: {own}\r\nConnection: close\r\n\r\n",
                "x".repeat(70_000)
            ),
            &["400", "404", "414"],
        ),
        (
            format!("{get}Cookie: latchkey={}\r\nConnection: close\r\n\r\n", "x".repeat(90_000)),
            &["200", "431"],
        ),
        ("NONSENSE\r\n\r\n".to_owned(), &["400"]),
    ] {
        assert_answers(&app, &request, statuses);
    }
    let two = raw(&app, &format!("{get}\r\nBAD\0 /\r\n\r\n"));
    assert!(two.starts_with("HTTP/1.1 200") && two.contains("HTTP/1.1 400"), "{two}");
}

#[actix_web::test]
async fn files_are_served_from_the_program_and_from_nowhere_else() {
    let app = TestApp::start_blank();
    let own = app.address;
    for path in [
        "/static/..%2f..%2fetc/passwd",
        "/static/%2e%2e/%2e%2e/etc/passwd",
        "/static/../../etc/passwd",
        "/static/..\\..\\etc\\passwd",
        "/static/%00",
        "/static/css/app.css%00.png",
        "/static//etc/passwd",
        "/static/css/app.css/x.php",
        "/static/",
        "/keys/1/a.css",
        "/sign-in/a.css",
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {own}\r\nConnection: close\r\n\r\n");
        let answer = assert_answers(&app, &request, &["404", "400"]);
        assert!(!answer.contains("root:"), "{answer}");
    }
}

#[actix_web::test]
async fn ranges_dates_and_types_nobody_offers_do_no_harm() {
    let app = TestApp::start();
    let mut visitor = app.visitor();
    for (name, value) in [
        ("Range", "bytes=0-,0-,0-,0-"),
        ("Range", "bytes=9999999999999999999-"),
        ("Range", "x"),
        ("If-Modified-Since", "yesterday"),
        ("If-None-Match", "\"\"\"\"\""),
        ("If-Range", "x"),
        ("Accept", "application/xml"),
        ("Accept-Encoding", "nonsense;q=9"),
        ("Accept-Language", "\u{7f}"),
        ("HX-Current-URL", "::::"),
        ("Sec-Fetch-Site", "x"),
        ("Expect", "x"),
    ] {
        for path in ["/static/css/app.css", "/sign-in", "/keys", "/healthz"] {
            let Ok(value) = reqwest::header::HeaderValue::from_bytes(value.as_bytes()) else {
                continue;
            };
            let page = visitor
                .request(Method::GET, path, |request| request.header(name, value.clone()))
                .await;
            assert!(
                page.status() < 400 || page.status() == 416 || page.status() == 417,
                "{name}: {value:?} {path} {}",
                page.status()
            );
        }
    }
}

#[actix_web::test]
async fn no_other_site_is_invited() {
    let app = TestApp::start();
    let mut evil = app.visitor().with_header("Origin", "https://evil.example");
    for path in ["/keys", "/sign-in", "/v1/verify", "/static/css/app.css"] {
        let preflight = evil
            .request(Method::OPTIONS, path, |request| {
                request.header("Access-Control-Request-Method", "POST")
            })
            .await;
        for page in [preflight, evil.get(path).await] {
            for header in [
                "access-control-allow-origin",
                "access-control-allow-credentials",
                "access-control-allow-methods",
            ] {
                assert_eq!(page.header(header), "", "{path}");
            }
        }
    }
}
