//! The bad inputs of forward auth, one by one, under the numbers they were promised with. What needs a stage of its own
//! has a spec of its own:
//!
//! | case | where |
//! |---|---|
//! | V6, V8, V9, V11, V14 over `/v1/verify` | `codes.rs`, `rate_limits.rs`, `bad_input.rs` |
//! | V15 verifier's credential missing, revoked, an ordinary key | `gateways.rs` |
//! | V16 what is no JSON object | `bad_input.rs` |
//! | V17, V19 methods, bodies that never come, `Expect` | `bad_input.rs`, `authorize.rs` |
//! | V20 Postgres away: known, unknown, too long | `outage.rs`, `frozen.rs`, `src/verify/known.rs` |
//! | V21 a thousand first uses at once | `floods.rs` |
//! | V23 a clock that jumps | expiry asks the clock each time (`src/verify/checks.rs`), limits and ages a clock that cannot jump |

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use chrono::Utc;
use latchkey::credentials::Secret;
use reqwest::{Method, header::HeaderValue};
use serde_json::json;

use super::world::{Answer, Key, Wanted, World};

const READ: &str = "affiliates:read";

struct Case<'a> {
    number: &'static str,
    query: &'a str,
    headers: Vec<(&'static str, HeaderValue)>,
    status: u16,
    code: &'static str,
}

fn case<'a>(
    number: &'static str,
    query: &'a str,
    headers: &[(&'static str, &str)],
    status: u16,
    code: &'static str,
) -> Case<'a> {
    let headers = headers
        .iter()
        .map(|(name, value)| (*name, HeaderValue::from_bytes(value.as_bytes()).unwrap()))
        .collect();
    Case { number, query, headers, status, code }
}

fn bearer(key: &Key) -> String {
    format!("Bearer {}", key.secret.reveal())
}

#[actix_web::test]
async fn every_bad_input_is_answered_as_listed() {
    let world = World::start().await;
    let good = world.key(Wanted { scopes: &[READ], ..Wanted::default() });
    let secret = good.secret.reveal().to_owned();
    let auth = bearer(&good);
    let with = |what: &str| auth.replacen("Bearer", what, 1);

    let ended = |column: &str| {
        let key = world.key(Wanted::default());
        world.change(&key, &format!("update keys set {column} = now() where id = $key"));
        bearer(&key)
    };
    let (revoked, disabled) = (ended("revoked_at"), ended("disabled_at"));
    let deleted = ended("revoked_at = now(), deleted_at");
    let expired = bearer(&world.key(Wanted { expires_at: Some(Utc::now()), ..Wanted::default() }));
    let elsewhere =
        bearer(&world.key(Wanted { environment: Some("development"), ..Wanted::default() }));
    let of_a_customer = bearer(&world.key(Wanted { customers: &["cus_42"], ..Wanted::default() }));
    let from_office =
        bearer(&world.key(Wanted { allowed_ips: &["203.0.113.0/24"], ..Wanted::default() }));
    let limited =
        bearer(&world.key(Wanted { limits: &[(1, 86_400), (9, 60)], ..Wanted::default() }));
    let unknown = format!("Bearer {}", Secret::for_key("prod").reveal());

    let look_up_free = world.proxy.all_look_ups();
    let swapped = auth.replacen('0', "O", 1).replacen('O', "0", 1);
    let mut cases = vec![
        case("V1", "", &[], 401, "MISSING_KEY"),
        case("V2", "", &[("Authorization", "Bearer")], 401, "MALFORMED_KEY"),
        case("V2", "", &[("Authorization", "Bearer    ")], 401, "MALFORMED_KEY"),
        case("V2", "", &[("Authorization", "Basic !!!")], 401, "MALFORMED_KEY"),
        case("V2", "", &[("Authorization", &secret)], 401, "MALFORMED_KEY"),
        case(
            "V6",
            "",
            &[("Authorization", &auth.replacen("prod", "zzzz", 1))],
            401,
            "MALFORMED_KEY",
        ),
        case("V6", "", &[("Authorization", &auth[..auth.len() - 1])], 401, "MALFORMED_KEY"),
        case("V6", "", &[("Authorization", &format!("{auth}0"))], 401, "MALFORMED_KEY"),
        case("V6", "", &[("Authorization", &auth.to_lowercase())], 401, "MALFORMED_KEY"),
        case("V7", "", &[("Authorization", "Bearer prod_sk_ä")], 401, "MALFORMED_KEY"),
        case(
            "V7",
            "",
            &[("Authorization", &format!("Bearer {}", "A".repeat(257)))],
            401,
            "MALFORMED_KEY",
        ),
        case(
            "V7",
            "",
            &[("Authorization", &format!("Bearer {}", "A".repeat(100_000)))],
            401,
            "MALFORMED_KEY",
        ),
        case("V4", "", &[("Authorization", &auth), ("Authorization", &auth)], 400, "BAD_REQUEST"),
        case("V4", "", &[("Authorization", &auth), ("X-API-Key", &secret)], 400, "BAD_REQUEST"),
    ];
    if swapped != auth {
        cases.push(case("V6", "", &[("Authorization", &swapped)], 401, "MALFORMED_KEY"));
    }
    for case in &cases {
        check(&world, case, &secret).await;
    }
    assert_eq!(world.proxy.all_look_ups(), look_up_free, "somebody asked Postgres");

    let (query, path) = (format!("/orders?k={secret}"), format!("/orders/{secret}"));
    let encoded = format!("/orders?k={}", secret.replace('_', "%5F"));
    let (cookie, hundred) = (format!("a=b; key={secret}"), "&scope=affiliates:read".repeat(100));
    let in_query = format!("?key={secret}");
    for case in [
        case("V3", "", &[("Authorization", &with("bearer"))], 200, "VALID"),
        case("V3", "", &[("Authorization", &with("BEARER"))], 200, "VALID"),
        case("V5", &in_query, &[], 400, "BAD_REQUEST"),
        case("V5", "", &[("Authorization", &auth), ("X-Original-URI", &query)], 400, "BAD_REQUEST"),
        case(
            "V5",
            "",
            &[("Authorization", &auth), ("X-Forwarded-Uri", &encoded)],
            400,
            "BAD_REQUEST",
        ),
        case("V5", "", &[("X-Original-URI", &path)], 400, "BAD_REQUEST"),
        case("V5", "", &[("Cookie", &cookie)], 400, "BAD_REQUEST"),
        case("V8", "", &[("Authorization", &unknown)], 401, "KEY_NOT_FOUND"),
        case("V9", "", &[("Authorization", &revoked)], 401, "REVOKED"),
        case("V9", "", &[("Authorization", &disabled)], 401, "DISABLED"),
        case("V9", "", &[("Authorization", &expired)], 401, "EXPIRED"),
        case("V9", "", &[("Authorization", &deleted)], 401, "KEY_NOT_FOUND"),
        case("V10", "", &[("Authorization", &elsewhere)], 401, "WRONG_ENVIRONMENT"),
        // Everything but the credential is optional: no scope is required, then.
        case("V11", "", &[("Authorization", &auth)], 200, "VALID"),
        case("V11", "?scope=clicks:write", &[("Authorization", &auth)], 403, "INSUFFICIENT_SCOPE"),
        case("V11", "?scope=nonexistent", &[("Authorization", &auth)], 403, "INSUFFICIENT_SCOPE"),
        case("V11", "?scope=*", &[("Authorization", &auth)], 403, "INSUFFICIENT_SCOPE"),
        case(
            "V11",
            &format!("?{}", &hundred[1..]),
            &[("Authorization", &auth)],
            400,
            "BAD_REQUEST",
        ),
        case(
            "V12",
            "?customer=cus_43",
            &[("Authorization", &of_a_customer)],
            403,
            "CUSTOMER_NOT_ALLOWED",
        ),
        case("V12", "", &[("Authorization", &of_a_customer)], 403, "CUSTOMER_NOT_ALLOWED"),
        case("V13", "", &[("Authorization", &from_office)], 403, "IP_NOT_ALLOWED"),
        case(
            "V13",
            "",
            &[("Authorization", &from_office), ("X-Forwarded-For", "203.0.113.9, 198.51.100.1")],
            403,
            "IP_NOT_ALLOWED",
        ),
        case(
            "V13",
            "",
            &[("Authorization", &from_office), ("X-Forwarded-For", "::ffff:203.0.113.9")],
            200,
            "VALID",
        ),
        case("V14", "?cost=0", &[("Authorization", &limited)], 400, "BAD_REQUEST"),
        case("V14", "?cost=-1", &[("Authorization", &limited)], 400, "BAD_REQUEST"),
        case("V14", "?cost=1000000000", &[("Authorization", &limited)], 400, "BAD_REQUEST"),
        case("V14", "", &[("Authorization", &limited)], 200, "VALID"),
        case("V14", "", &[("Authorization", &limited)], 429, "RATE_LIMITED"),
        // There are no rules by path, so no path is an error.
        case("V18", "", &[("Authorization", &auth), ("X-Original-URI", "//admin")], 200, "VALID"),
        case("V18", "", &[("Authorization", &auth), ("X-Original-URI", "/a/../b")], 200, "VALID"),
        case("V18", "", &[("Authorization", &auth), ("X-Original-URI", "/%2e%2e/b")], 200, "VALID"),
        case(
            "V18",
            "",
            &[("Authorization", &auth), ("X-Original-URI", &"/a".repeat(4096))],
            200,
            "VALID",
        ),
        case(
            "V22",
            "",
            &[("Authorization", &auth), ("X-Key-Id", "forged"), ("X-Customer-Id", "forged")],
            200,
            "VALID",
        ),
    ] {
        check(&world, &case, &secret).await;
    }
    world.verify(json!({ "key": secret, "path": path })).await.assert_problem(400);

    let authorize = |rest: &str| {
        raw(
            &world,
            &format!(
                "GET /v1/authorize HTTP/1.1\r\nHost: x\r\nX-Gateway-Token: {}\r\n{rest}",
                world.production
            ),
        )
    };
    for (number, rest, status) in [
        ("V7", "Authorization: Bearer prod\0\r\n\r\n".to_owned(), "400"),
        ("V7", format!("Authorization: Bearer {}\r\n\r\n", "A".repeat(140_000)), "431"),
        ("V18", format!("Authorization: {auth}\r\nX-Original-URI: /a\rb\r\n\r\n"), "400"),
        ("V19", format!("Authorization: {auth}\r\nContent-Length: 4\r\n\r\nbody"), "200"),
    ] {
        assert_eq!(authorize(&rest), status, "{number}: {rest:.60}");
    }
}

async fn check(world: &World, case: &Case<'_>, secret: &str) {
    let Case { number, query, headers, status, code } = case;
    for for_nginx in [false, true] {
        // Twice, but for what spends something.
        if for_nginx && *number == "V14" {
            continue;
        }
        let query = match (for_nginx, query.is_empty()) {
            (false, _) => (*query).to_owned(),
            (true, true) => "?for=nginx".to_owned(),
            (true, false) => format!("{query}&for=nginx"),
        };
        let status = match status {
            400 | 429 if for_nginx => 403,
            status => *status,
        };
        let mut request = world.authorize(&query);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let answer = Answer::to(request).await;
        let told = (answer.status, answer.header("x-verify-code").unwrap_or_default());
        assert_eq!(told, (status, *code), "{number} {query:.60} {headers:.60?}\n{}", answer.text);
        assert!(!answer.text.contains(&secret[8..]), "{number} repeats the key");
        let challenge = answer.header("www-authenticate").unwrap_or_default();
        match (answer.status, *code) {
            (401, "MISSING_KEY") => assert_eq!(challenge, r#"Bearer realm="api""#),
            (401, _) => assert!(challenge.contains(r#"error="invalid_token""#), "{number}"),
            (403, "INSUFFICIENT_SCOPE") => assert!(challenge.contains("insufficient_scope")),
            (429, _) => assert!(answer.header("retry-after").is_some(), "{number}"),
            (200, _) => {
                assert_ne!(answer.header("x-key-id"), Some("forged"), "{number}");
                assert_eq!(answer.header("x-customer-id"), Some(""), "{number}");
            }
            _ => {}
        }
    }
    let head = world.node.request(Method::HEAD, "/v1/authorize");
    assert_eq!(Answer::to(head).await.status, 401, "V17: HEAD is checked like any other");
}

/// The status of what is answered to these very bytes.
fn raw(world: &World, request: &str) -> String {
    let mut stream = TcpStream::connect(world.node.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut writing = stream.try_clone().unwrap();
    // The server may have seen enough before it was sent everything.
    let _ = writing.write_all(request.as_bytes());
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    String::from_utf8_lossy(&answer[9..]).into_owned()
}
