//! What is not a question gets a problem, whatever it is, and sees nothing of itself again.

use std::{
    io::{Read, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use latchkey::credentials::Secret;
use reqwest::{Method, RequestBuilder};
use serde_json::json;

use super::world::{Answer, Wanted, World};

fn post(world: &World, body: impl Into<reqwest::Body>) -> RequestBuilder {
    world
        .node
        .request(Method::POST, "/v1/verify")
        .bearer_auth(&world.production)
        .header("Content-Type", "application/json")
        .body(body)
}

#[actix_web::test]
async fn what_is_not_one_plain_json_object_is_refused_and_not_repeated() {
    let world = World::start().await;
    let secret = Secret::for_key("prod");
    let key = format!(r#""key": "{}""#, secret.reveal());
    let utf16: Vec<u8> = format!("{{{key}}}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    for body in [
        Vec::new(),
        b"null".to_vec(),
        format!(r#"["{}"]"#, secret.reveal()).into_bytes(),
        format!("{{{key}").into_bytes(),
        format!("{{{key}, {key}}}").into_bytes(),
        format!(r#"{{{key}, "owner": 1}}"#).into_bytes(),
        format!(r#"{{{key}, "scopes": "x"}}"#).into_bytes(),
        format!(r#"{{{key}, "ip": "nowhere"}}"#).into_bytes(),
        format!(r#"{{{key}, "cost": 0}}"#).into_bytes(),
        format!(r#"{{{key}, "cost": -1}}"#).into_bytes(),
        format!(r#"{{{key}, "cost": 1000000000}}"#).into_bytes(),
        format!(r#"{{{key}, "basic": "x"}}"#).into_bytes(),
        format!(r#"{{{key}, "path": "/?k={}"}}"#, secret.reveal()).into_bytes(),
        format!("\u{feff}{{{key}}}").into_bytes(),
        format!("{{{key}}}\0").into_bytes(),
        b"{\"key\": \"\xff\"}".to_vec(),
        "[".repeat(16_000).into_bytes(),
        utf16,
    ] {
        let answer = Answer::to(post(&world, body)).await;
        answer.assert_problem(400);
        assert!(!answer.text.contains(&secret.reveal()[8..]), "{}", answer.text);
        assert!(!answer.text.contains("column"), "a parser speaks: {}", answer.text);
    }
}

#[actix_web::test]
async fn a_body_of_more_than_16_kib_is_too_large() {
    let world = World::start().await;
    let body = |length: usize| format!(r#"{{"customer": "{}"}}"#, "x".repeat(length));
    Answer::to(post(&world, body(16 * 1024))).await.assert_problem(413);
    let fits = format!("{}{}", "{}", " ".repeat(16 * 1024 - 2));
    Answer::to(post(&world, fits)).await.assert_verdict("MISSING_KEY", 401);
}

#[actix_web::test]
async fn a_body_that_is_not_json_is_refused_by_its_type() {
    let world = World::start().await;
    for (name, value) in [
        ("Content-Type", "text/plain"),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Content-Type", "multipart/form-data; boundary=x"),
        ("Content-Type", "application/jsonp"),
    ] {
        let request = world.node.request(Method::POST, "/v1/verify").bearer_auth(&world.production);
        Answer::to(request.header(name, value).body("{}")).await.assert_problem(415);
    }
    let request = world.node.request(Method::POST, "/v1/verify").bearer_auth(&world.production);
    Answer::to(request.body("{}")).await.assert_problem(415);
    Answer::to(post(&world, "{}").header("Content-Encoding", "gzip")).await.assert_problem(415);

    let request = world.node.request(Method::POST, "/v1/verify").bearer_auth(&world.production);
    let answer =
        Answer::to(request.header("Content-Type", "Application/JSON; charset=utf-8").body("{}"));
    answer.await.assert_verdict("MISSING_KEY", 401);
}

#[actix_web::test]
async fn a_hundred_scopes_are_too_many() {
    let world = World::start().await;
    let key = world.key(Wanted { all_permissions: true, ..Wanted::default() });
    let needing = |count: usize| json!({ "key": key.secret.reveal(), "scopes": vec!["affiliates:read"; count] });
    world.verify(needing(99)).await.assert_verdict("VALID", 200);
    world.verify(needing(100)).await.assert_problem(400);
}

#[actix_web::test]
async fn a_customers_id_has_a_length() {
    let world = World::start().await;
    let of = |length: usize| json!({ "customer": "x".repeat(length) });
    world.verify(of(255)).await.assert_verdict("MISSING_KEY", 401);
    world.verify(of(256)).await.assert_problem(400);
}

#[actix_web::test]
async fn a_key_in_the_query_string_is_refused() {
    let world = World::start().await;
    let key = world.key(Wanted::default());
    let path = format!("/v1/verify?key={}", key.secret.reveal());
    let request = world.node.request(Method::POST, &path).bearer_auth(&world.production);
    let answer = Answer::to(request.json(&json!({}))).await;
    answer.assert_problem(400);
    assert!(!answer.text.contains(key.secret.reveal()));
}

#[actix_web::test]
async fn other_methods_and_addresses_are_told_so() {
    let world = World::start().await;
    for method in ["GET", "HEAD", "PUT", "DELETE", "TRACE", "FOO"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let answer = Answer::to(world.node.request(method.clone(), "/v1/verify")).await;
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("allow"), Some("OPTIONS, POST"));
    }
    let options = Answer::to(world.node.request(Method::OPTIONS, "/v1/verify")).await;
    assert_eq!((options.status, options.header("allow")), (204, Some("OPTIONS, POST")));
    assert_eq!(options.header("access-control-allow-origin"), None);
    for path in ["/v1/", "/v1/verify/", "/v1/keys", "/v1/verify/prod_sk_x"] {
        Answer::to(world.node.request(Method::GET, path)).await.assert_problem(404);
    }
}

#[actix_web::test]
async fn a_head_or_a_body_that_never_comes_is_not_waited_for() {
    let world = World::start().await;
    let began = Instant::now();
    // At once, because each of them takes its five seconds.
    thread::scope(|scope| {
        let slow = [
            "Content-Length: 100\r\n\r\n{",
            "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
            "X-Never-Ending: a",
        ];
        let slow = slow.map(|rest| scope.spawn(|| (send(&world, rest), began.elapsed())));
        for cut in slow {
            let (status, took) = cut.join().unwrap();
            assert_eq!(status, "HTTP/1.1 408");
            assert!((4..8).contains(&took.as_secs()), "{took:?}");
        }
    });
}

#[actix_web::test]
async fn a_client_that_waits_to_be_told_to_go_on_is_told() {
    let world = World::start().await;
    assert_eq!(send(&world, "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"), "HTTP/1.1 100");
}

/// The beginning of what is answered to a head that ends like this, and the beginning of a body.
fn send(world: &World, rest: &str) -> String {
    let mut stream = TcpStream::connect(world.node.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let head = format!(
        "POST /v1/verify HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n{rest}",
        world.production
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}
