//! Forward auth.

use latchkey::credentials::Secret;
use reqwest::Method;
use serde_json::Value;

use super::world::{Answer, Wanted, World};

const READ: &str = "affiliates:read";

#[actix_web::test]
async fn an_allowed_request_carries_who_it_is() {
    let world = World::start().await;
    let key = world.key(Wanted { scopes: &[READ, "clicks:write"], ..Wanted::default() });
    let request = world
        .authorize("?scope=affiliates:read&customer=cus_42")
        .bearer_auth(key.secret.reveal())
        .header("X-Key-Id", "forged")
        .header("X-Customer-Id", "forged");
    let answer = Answer::to(request).await;
    answer.assert_authorizes(200, "VALID");
    assert_eq!(answer.header("x-key-id"), Some(&*key.public_key));
    assert_eq!(answer.header("x-key-name"), Some("Gr%C3%B6%C3%9Fe & Co"));
    assert_eq!(answer.header("x-application-id"), Some(&*world.application));
    assert_eq!(answer.header("x-key-scopes"), Some("affiliates:read clicks:write"));
    assert_eq!(answer.header("x-customer-id"), Some("cus_42"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.text, "");
}

#[actix_web::test]
async fn what_does_not_apply_is_empty_rather_than_absent() {
    let world = World::start().await;
    let pair = world.app_secret.basic_token(&world.application);
    let request = world.authorize("").header("Authorization", format!("Basic {}", pair.reveal()));
    let answer = Answer::to(request.header("X-Key-Scopes", "forged")).await;
    answer.assert_authorizes(200, "VALID");
    for name in ["x-key-id", "x-key-scopes", "x-customer-id"] {
        assert_eq!(answer.header(name), Some(""), "{name}");
    }
    assert_eq!(answer.header("x-key-name"), Some("Rentmy"));
}

#[actix_web::test]
async fn a_credential_is_taken_as_it_came() {
    let world = World::start().await;
    let key = world.key(Wanted::default());
    let secret = key.secret.reveal();
    let pair = key.secret.basic_token(&key.public_key);
    for (name, value) in [
        ("Authorization", format!("Bearer {secret}")),
        ("Authorization", format!("bearer   {secret}")),
        ("Authorization", format!("BASIC {}", pair.reveal())),
        ("X-API-Key", secret.to_owned()),
        ("X-API-Key", key.public_key.clone()),
    ] {
        Answer::to(world.authorize("").header(name, value)).await.assert_authorizes(200, "VALID");
    }
}

#[actix_web::test]
async fn without_a_credential_it_is_asked_for_without_an_error() {
    let world = World::start().await;
    let answer = Answer::to(world.authorize("")).await;
    answer.assert_authorizes(401, "MISSING_KEY").assert_problem(401);
    assert_eq!(answer.header("www-authenticate"), Some(r#"Bearer realm="api""#));
}

#[actix_web::test]
async fn a_malformed_credential_is_an_invalid_token() {
    let world = World::start().await;
    let long = "A".repeat(60_000);
    for value in [
        "Bearer",
        "Bearer    ",
        "Basic !",
        "Basic",
        "Digest x",
        "nonsense",
        "Bearer prod_sk_x",
        &long,
    ] {
        let answer = Answer::to(world.authorize("").header("Authorization", value)).await;
        answer.assert_authorizes(401, "MALFORMED_KEY");
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(
            challenge.starts_with(r#"Bearer realm="api", error="invalid_token""#),
            "{challenge}"
        );
    }
    let umlaut = reqwest::header::HeaderValue::from_bytes(b"Bearer \xc3\xa4").unwrap();
    let answer = Answer::to(world.authorize("").header("Authorization", umlaut)).await;
    answer.assert_authorizes(401, "MALFORMED_KEY");
}

#[actix_web::test]
async fn two_credentials_at_once_are_refused() {
    let world = World::start().await;
    let secret = world.key(Wanted::default()).secret;
    let bearer = format!("Bearer {}", secret.reveal());
    for [one, other] in [
        [("Authorization", bearer.as_str()), ("Authorization", bearer.as_str())],
        [("Authorization", bearer.as_str()), ("X-API-Key", secret.reveal())],
        [("X-API-Key", secret.reveal()), ("X-API-Key", secret.reveal())],
    ] {
        let request = world.authorize("").header(one.0, one.1).header(other.0, other.1);
        let answer = Answer::to(request).await;
        answer.assert_authorizes(400, "BAD_REQUEST").assert_problem(400);
        assert!(!answer.text.contains(secret.reveal()));
    }
}

#[actix_web::test]
async fn a_missing_permission_is_named() {
    let world = World::start().await;
    let key = world.key(Wanted::default());
    let mistaken = Secret::for_key("prod");
    let query = format!("?scope={READ}&scope=%22x&scope={}", mistaken.reveal());
    let answer = Answer::to(world.authorize(&query).bearer_auth(key.secret.reveal())).await;
    answer.assert_authorizes(403, "INSUFFICIENT_SCOPE");
    let challenge = r#"Bearer realm="api", error="insufficient_scope", scope="affiliates:read""#;
    assert_eq!(answer.header("www-authenticate"), Some(challenge));
}

#[actix_web::test]
async fn every_method_is_really_checked() {
    let world = World::start().await;
    let key = world.key(Wanted::default());
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let ask = || {
            let request = world.node.request(method.clone(), "/v1/authorize");
            request.header("X-Gateway-Token", &world.production)
        };
        Answer::to(ask()).await.assert_authorizes(401, "MISSING_KEY");
        let allowed = Answer::to(ask().bearer_auth(key.secret.reveal())).await;
        allowed.assert_authorizes(200, "VALID");
        assert_eq!(allowed.header("access-control-allow-origin"), None);
    }
}

#[actix_web::test]
async fn a_key_in_the_original_query_is_refused_whoever_else_may_do_it() {
    let world = World::start().await;
    let secret = world.key(Wanted::default()).secret;
    for name in ["X-Forwarded-Uri", "X-Original-URI", "X-Original-URL"] {
        let uri = format!("/orders?api_key={}", secret.reveal());
        let request = world.authorize("").bearer_auth(secret.reveal()).header(name, uri);
        let answer = Answer::to(request).await;
        answer.assert_authorizes(400, "BAD_REQUEST");
        assert!(!answer.text.contains(secret.reveal()));
    }
    for uri in ["/orders?page=2", "//admin", "/a/../b", "%2e%2e", &"/a".repeat(4000)] {
        let request =
            world.authorize("").bearer_auth(secret.reveal()).header("X-Original-URI", uri);
        Answer::to(request).await.assert_authorizes(200, "VALID");
    }
}

#[actix_web::test]
async fn only_what_is_known_may_be_asked() {
    let world = World::start().await;
    let secret = world.key(Wanted { scopes: &[READ], ..Wanted::default() }).secret;
    let many = "scope=affiliates:read&".repeat(100);
    for query in ["key=x", "for=apache", "cost=0", "cost=-1", "cost=1000000000", "cost=x", &many] {
        let answer =
            Answer::to(world.authorize(&format!("?{query}")).bearer_auth(secret.reveal())).await;
        answer.assert_authorizes(400, "BAD_REQUEST").assert_problem(400);
    }
}

#[actix_web::test]
async fn the_callers_address_is_the_one_the_gateway_saw() {
    let world = World::start().await;
    let key = world.key(Wanted { allowed_ips: &["203.0.113.0/24"], ..Wanted::default() });
    for (name, value, status) in [
        ("X-Forwarded-For", "203.0.113.9", 200),
        ("X-Forwarded-For", "::ffff:203.0.113.9", 200),
        ("X-Forwarded-For", "198.51.100.1, 203.0.113.9, 10.0.0.7", 200),
        ("X-Forwarded-For", "203.0.113.9, 198.51.100.1", 403),
        ("X-Real-IP", "203.0.113.9", 200),
        ("X-Real-IP", "198.51.100.1", 403),
        ("X-Other", "203.0.113.9", 403),
    ] {
        let request = world.authorize("").bearer_auth(key.secret.reveal()).header(name, value);
        assert_eq!(Answer::to(request).await.status, status, "{name}: {value}");
    }
}

#[actix_web::test]
async fn nginx_is_answered_in_the_statuses_it_understands() {
    let world = World::start().await;
    let key = world.key(Wanted { limits: &[(1, 86_400)], ..Wanted::default() });
    let ask = |query: &str| world.authorize(query).bearer_auth(key.secret.reveal());
    Answer::to(ask("?for=nginx")).await.assert_authorizes(200, "VALID");
    let limited = Answer::to(ask("?for=nginx")).await;
    limited.assert_authorizes(403, "RATE_LIMITED");
    assert!(limited.header("retry-after").is_some());
    Answer::to(ask("?for=nginx&cost=0")).await.assert_authorizes(403, "BAD_REQUEST");
    Answer::to(ask("?for=nginx&scope=x")).await.assert_authorizes(403, "INSUFFICIENT_SCOPE");
    Answer::to(world.authorize("?for=nginx")).await.assert_authorizes(401, "MISSING_KEY");
}

#[actix_web::test]
async fn an_allowed_request_is_told_how_its_limits_stand() {
    let world = World::start().await;
    let key = world.key(Wanted { limits: &[(2, 86_400)], ..Wanted::default() });
    let answer = Answer::to(world.authorize("").bearer_auth(key.secret.reveal())).await;
    answer.assert_authorizes(200, "VALID");
    assert_eq!(answer.header("ratelimit-policy"), Some(r#""day";q=2;w=86400"#));
    assert!(answer.header("ratelimit").unwrap().starts_with(r#""day";r=1;t="#));
}

#[actix_web::test]
async fn nginx_which_drops_bodies_gets_the_refusal_as_a_header_too() {
    let world = World::start().await;
    let key = world.key(Wanted { limits: &[(1, 86_400)], ..Wanted::default() });
    let ask = |query: &str| world.authorize(query).bearer_auth(key.secret.reveal());
    Answer::to(ask("")).await.assert_authorizes(200, "VALID");
    for (query, status, code) in [
        ("cost=1", 429, "RATE_LIMITED"),
        ("cost=0", 400, "BAD_REQUEST"),
        ("scope=x", 403, "INSUFFICIENT_SCOPE"),
    ] {
        let answer = Answer::to(ask(&format!("?for=nginx&{query}"))).await;
        answer.assert_authorizes(403, code);
        let problem: Value =
            serde_json::from_str(answer.header("x-verify-problem").unwrap()).unwrap();
        assert_eq!((&problem["status"], &problem["code"]), (&status.into(), &code.into()));
        assert_eq!(problem["detail"], answer.json()["detail"]);
        let elsewhere = Answer::to(ask(&format!("?{query}"))).await;
        elsewhere.assert_authorizes(status, code);
        assert_eq!(elsewhere.header("x-verify-problem"), None);
        assert_eq!(elsewhere.json(), problem);
    }
    let allowed = world.key(Wanted::default());
    let allowed =
        Answer::to(world.authorize("?for=nginx").bearer_auth(allowed.secret.reveal())).await;
    assert_eq!(allowed.header("x-verify-problem"), None);
    let unknown = world.node.request(Method::GET, "/v1/authorize?for=nginx");
    let unknown = Answer::to(unknown).await;
    let problem = unknown.headers.get("x-verify-problem").unwrap().as_bytes();
    let problem: Value = serde_json::from_slice(problem).unwrap();
    assert_eq!(problem["code"], "UNKNOWN_GATEWAY");
    assert_eq!(problem["detail"], "A gateway’s token is needed.");
}
