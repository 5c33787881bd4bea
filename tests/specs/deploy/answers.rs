//! What callers and the API get, through every gateway the same.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use latchkey::keys;

use super::{
    street::{Street, reader},
    wire::Wire,
};
use crate::support::TestApp;

const IDENTITY: [&str; 5] =
    ["x-key-id", "x-key-name", "x-application-id", "x-key-scopes", "x-customer-id"];

fn world() -> (TestApp, Street) {
    let app = TestApp::start();
    let token = app.gateway("production");
    let street = Street::asking([app.address, app.address], &token);
    (app, street)
}

#[actix_web::test]
async fn an_allowed_request_says_who_calls_and_cannot_say_it_itself() {
    let (app, street) = world();
    let key = reader(&app, |_| {});
    let pair = STANDARD.encode(format!("{}:{}", key.public_key(), key.secret));
    for gateway in &street.gateways {
        for (name, value) in [
            ("Authorization", format!("Bearer {}", key.secret)),
            ("Authorization", format!("Basic {pair}")),
            ("X-API-Key", key.secret.clone()),
        ] {
            let mut request = street.get(gateway, "/orders/7?page=2").header(name, value);
            for forged in IDENTITY {
                request =
                    request.header(forged, "forged").header(forged.replace('-', "_"), "forged");
            }
            let request = request
                .header("X-Forwarded-For", "203.0.113.9")
                .header("X-Gateway-Token", "forged")
                .header("Connection", "close, X-Key-Id, X-Key-Scopes, X-Customer-Id");
            let answer = street.ask(gateway, request).await;
            answer.assert_allowed();
            assert_eq!(answer.json()["uri"], "/orders/7?page=2");
            assert_eq!(answer.received("x-key-id"), key.public_key());
            assert_eq!(answer.received("x-key-name"), key.key.name.replace("öß", "%C3%B6%C3%9F"));
            assert!(answer.received("x-application-id").starts_with("app_"));
            assert_eq!(answer.received("x-key-scopes"), "orders:read");
            // Empty, since no customer was asked about: and forged all the same.
            assert_eq!(answer.received("x-customer-id"), "");
            assert_eq!(answer.received("authorization"), "");
            assert_eq!(answer.received("x-api-key"), "");
            assert_eq!(answer.received("x-gateway-token"), "");
            assert_eq!(answer.received("x-forwarded-for"), "127.0.0.1");
            let told = answer.text.replace(key.public_key(), "");
            assert!(!told.contains("forged"), "{:?}: {told}", gateway.kind);
        }
    }
}

#[actix_web::test]
async fn a_refusal_reaches_the_caller_whole_and_the_api_not_at_all() {
    let (app, street) = world();
    let key = reader(&app, |_| {});
    let revoked = reader(&app, |_| {});
    app.operator(|conn, operator| {
        keys::commands::revoke(conn, operator, revoked.public_key(), None)
    });
    let elsewhere = reader(&app, |new| new.allowed_ips = vec!["203.0.113.0/24".parse().unwrap()]);
    let bearer = |secret: &str| ("Authorization", format!("Bearer {secret}"));
    let invalid = r#"Bearer realm="api", error="invalid_token""#;
    let lacking = r#"Bearer realm="api", error="insufficient_scope", scope="orders:write""#;
    let in_query = format!("/orders?api_key={}", key.secret);
    for gateway in &street.gateways {
        let mine = ("X-API-Key", key.secret.clone());
        for (method, path, headers, status, code, challenge) in [
            ("GET", "/orders", vec![], 401, "MISSING_KEY", r#"Bearer realm="api""#),
            ("OPTIONS", "/orders", vec![], 401, "MISSING_KEY", r#"Bearer realm="api""#),
            ("GET", "/orders", vec![bearer("x")], 401, "MALFORMED_KEY", invalid),
            ("GET", "/orders", vec![bearer(&revoked.secret)], 401, "REVOKED", invalid),
            ("POST", "/orders", vec![bearer(&key.secret)], 403, "INSUFFICIENT_SCOPE", lacking),
            ("GET", "/orders", vec![bearer(&elsewhere.secret)], 403, "IP_NOT_ALLOWED", ""),
            ("GET", "/orders", vec![bearer(&key.secret), mine.clone()], 400, "BAD_REQUEST", ""),
            ("GET", &in_query, vec![mine.clone()], 400, "BAD_REQUEST", ""),
        ] {
            let mut request = street.request(gateway, method, path);
            for (name, value) in &headers {
                request = request.header(*name, value);
            }
            let answer = street.ask(gateway, request).await;
            answer.assert_refused(status, code);
            assert_eq!(answer.header("x-verify-code"), Some(code));
            let got = answer.header("www-authenticate").unwrap_or_default();
            assert!(got.starts_with(challenge), "{:?} {code}: {got}", gateway.kind);
            assert_eq!(got.is_empty(), challenge.is_empty(), "{:?} {code}: {got}", gateway.kind);
            assert!(!answer.text.contains(&key.secret));
        }
        let (name, value) = bearer(&key.secret);
        let twice = street.get(gateway, "/orders").header(name, &value).header(name, &value);
        street.ask(gateway, twice).await.assert_refused(400, "BAD_REQUEST");
        let head = street.ask(gateway, street.request(gateway, "HEAD", "/orders")).await;
        assert_eq!((head.status, &*head.text), (401, ""));
    }
    assert_eq!(street.api.calls(), 0);
    for gateway in &street.gateways {
        assert!(!gateway.log().contains(&key.secret), "{:?}", gateway.kind);
    }
}

#[actix_web::test]
async fn limits_are_told_with_every_answer() {
    let (app, street) = world();
    for gateway in &street.gateways {
        let key = reader(&app, |new| new.limits = TestApp::limit(1, 86_400));
        let ask = || street.get(gateway, "/me").bearer_auth(&key.secret);
        let allowed = street.ask(gateway, ask()).await;
        // A machine that is too slow for the first try has spent what there was.
        if allowed.status == 200 {
            assert_eq!(allowed.header("ratelimit-policy"), Some(r#""day";q=1;w=86400"#));
            assert!(allowed.header("ratelimit").unwrap().starts_with(r#""day";r=0;t="#));
        }
        let limited = street.ask(gateway, ask()).await;
        limited.assert_refused(429, "RATE_LIMITED");
        let wait: u64 = limited.header("retry-after").unwrap().parse().unwrap();
        assert!((80_000..=86_400).contains(&wait), "{wait}");
        assert_eq!(limited.header("ratelimit-policy"), Some(r#""day";q=1;w=86400"#));
        assert!(limited.header("ratelimit").unwrap().starts_with(r#""day";r=0;t="#));

        let free = reader(&app, |_| {});
        let unlimited =
            street.ask(gateway, street.get(gateway, "/me").bearer_auth(&free.secret)).await;
        unlimited.assert_allowed();
        assert_eq!(unlimited.header("ratelimit"), None);
    }
}

#[actix_web::test]
async fn every_address_needs_what_the_recipe_says_and_no_other_is_served() {
    let (app, street) = world();
    let key = reader(&app, |_| {});
    let both = app.permissions(&["orders:read", "orders:write"]);
    let writer = reader(&app, |new| new.permissions = both);
    let other = app.permissions(&["sellers:read"]);
    let stranger = reader(&app, |new| new.permissions = other);
    for gateway in &street.gateways {
        for (who, method, path, status) in [
            (&key, "GET", "/orders", 200),
            (&key, "PUT", "/orders/7", 403),
            (&writer, "PUT", "/orders/7", 200),
            (&stranger, "GET", "/orders/7", 403),
            (&stranger, "DELETE", "/me", 200),
            (&writer, "GET", "/ordersonly", 404),
            (&writer, "GET", "/admin", 404),
            (&writer, "GET", "/_latchkey", 404),
        ] {
            let request = street.request(gateway, method, path).bearer_auth(&who.secret);
            let answer = street.ask(gateway, request).await;
            assert_eq!(answer.status, status, "{:?} {method} {path}", gateway.kind);
        }
        let calls = street.api.calls();
        for path in ["/orders/../admin", "//orders", "/orders/%2e%2e/admin", "/orders/..%2fadmin"] {
            let answer = raw(gateway.address, path, &writer.secret);
            assert!(answer.starts_with("HTTP/1.1 400 "), "{:?} {path}: {answer}", gateway.kind);
            assert!(answer.contains("application/problem+json"), "{:?}: {answer}", gateway.kind);
        }
        assert_eq!(street.api.calls(), calls);
    }
}

#[actix_web::test]
async fn the_callers_address_is_the_one_the_gateway_saw() {
    let (app, street) = world();
    let here = reader(&app, |new| new.allowed_ips = vec!["127.0.0.1/32".parse().unwrap()]);
    let there = reader(&app, |new| new.allowed_ips = vec!["203.0.113.0/24".parse().unwrap()]);
    for gateway in &street.gateways {
        for (key, status) in [(&here, 200), (&there, 403)] {
            let request = street
                .get(gateway, "/orders")
                .bearer_auth(&key.secret)
                .header("X-Forwarded-For", "203.0.113.9")
                .header("X-Real-IP", "203.0.113.9")
                .header("Forwarded", "for=203.0.113.9");
            let answer = street.ask(gateway, request).await;
            assert_eq!(answer.status, status, "{:?}: {}", gateway.kind, answer.text);
        }
    }
}

#[actix_web::test]
async fn bodies_pass_and_latchkey_never_sees_them() {
    let (app, street) = world();
    let permissions = app.permissions(&["orders:write"]);
    let key = reader(&app, |new| new.permissions = permissions);
    let upload = vec![b'x'; 5_000_000];
    for gateway in &street.gateways {
        let post = || street.request(gateway, "POST", "/orders").bearer_auth(&key.secret);
        let answer = street.ask(gateway, post().body(upload.clone())).await;
        answer.assert_allowed();
        assert_eq!(answer.json()["length"], upload.len());
        assert_eq!(answer.json()["method"], "POST");

        let refused = street.request(gateway, "POST", "/orders").bearer_auth("x");
        let refused = refused.body("{\"order\": 1}").header("Content-Type", "application/json");
        street.ask(gateway, refused).await.assert_refused(401, "MALFORMED_KEY");

        let chunked = raw_chunked(gateway.address, &key.secret);
        assert!(chunked.contains(r#""length":11"#), "{:?}: {chunked}", gateway.kind);
        let head = street.request(gateway, "HEAD", "/me").bearer_auth(&key.secret);
        let head = street.ask(gateway, head).await;
        assert_eq!((head.status, &*head.text), (200, ""), "{:?}", gateway.kind);
    }
}

#[actix_web::test]
async fn asking_does_not_cost_a_connection_each_time() {
    let app = TestApp::start();
    let token = app.gateway("production");
    let key = reader(&app, |_| {});
    let wire = Wire::to(app.address);
    let street = Street::asking([wire.address, wire.address], &token);
    for gateway in &street.gateways {
        let before = wire.connections();
        for _ in 0..100 {
            let request = street.get(gateway, "/orders").bearer_auth(&key.secret);
            street.ask(gateway, request).await.assert_allowed();
        }
        // Some are the health checks', of all gateways.
        let connections = wire.connections() - before;
        assert!(connections < 50, "{:?} connected {connections} times", gateway.kind);
    }
}

/// An address as it stands: clients that mean well tidy it up before they send it.
fn raw(address: std::net::SocketAddr, path: &str, secret: &str) -> String {
    send(
        address,
        &format!(
            "GET {path} HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer {secret}\r\nConnection: close\r\n\r\n"
        ),
    )
}

fn raw_chunked(address: std::net::SocketAddr, secret: &str) -> String {
    let head = format!(
        "POST /orders HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer {secret}\r\nTransfer-Encoding: chunked\r\n"
    );
    send(address, &format!("{head}Connection: close\r\n\r\n6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n"))
}

fn send(address: std::net::SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// What the log has is what the caller asked its gateway, however that tells us of it.
#[actix_web::test]
async fn the_log_has_what_the_caller_asked_and_not_what_the_gateway_did() {
    let (app, street) = world();
    let key = reader(&app, |_| {});
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    for gateway in &street.gateways {
        let path = format!("/orders/{:?}", gateway.kind);
        for (method, code) in [("GET", "VALID"), ("DELETE", "INSUFFICIENT_SCOPE")] {
            let request = street.request(gateway, method, &format!("{path}?page=2"));
            let request = request
                .bearer_auth(&key.secret)
                .header("User-Agent", "shop/2.1 (Linux)")
                .header("X-Forwarded-For", "203.0.113.9")
                .header("X-Original-URI", "/forged")
                .header("X-Original-Method", "FORGED")
                .header("X-Forwarded-Uri", "/forged")
                .header("X-Forwarded-Method", "FORGED");
            street.ask(gateway, request).await;
            app.flush();
            let found = ada.get(&format!("/logs?path={path}&code={code}&method={method}")).await;
            let row = found.attribute("tbody th a", "href");
            let row = ada.get(&row).await;
            for told in [method, &path, "127.0.0.1", "shop/2.1 (Linux)", "/v1/authorize", code] {
                row.assert_shows(told);
            }
            row.assert_hides("page=2").assert_hides("forged").assert_hides("FORGED");
            row.assert_hides("203.0.113.9");
        }
    }
}
