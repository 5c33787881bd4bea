//! Who may ask.

use latchkey::{changes::Change, credentials::Secret, gateways, users::Viewer};
use reqwest::Method;
use serde_json::json;

use super::world::{Answer, Wanted, World};

#[actix_web::test]
async fn whoever_is_no_gateway_gets_one_and_the_same_answer() {
    let world = World::start().await;
    let key = world.key(Wanted { all_permissions: true, ..Wanted::default() });
    let (id, revoked) = world.gateway("old edge", "production");
    gateways::revoke(&mut world.conn(), &Viewer::operator(), id).unwrap();
    world.node.engine.forget(Change::Gateway(id));

    let unknown = Secret::for_gateway();
    let mut answers = Vec::new();
    for authorization in [
        None,
        Some(String::new()),
        Some("Bearer".into()),
        Some("Bearer nonsense".into()),
        Some(format!("Bearer {}", unknown.reveal())),
        Some(format!("Bearer {}", revoked.reveal())),
        Some(format!("Bearer {}", key.secret.reveal())),
        Some(format!("Basic {}", world.production)),
        Some(world.production.clone()),
    ] {
        let mut request = world.node.request(Method::POST, "/v1/verify");
        if let Some(value) = authorization {
            request = request.header("Authorization", value);
        }
        let answer = Answer::to(request.json(&json!({ "key": key.secret.reveal() }))).await;
        answer.assert_problem(401);
        assert_eq!(answer.header("www-authenticate"), Some(r#"Bearer realm="latchkey""#));
        answers.push(answer.text);
    }
    for token in [None, Some("nonsense"), Some(unknown.reveal()), Some(revoked.reveal())] {
        let mut request = world.node.request(Method::GET, "/v1/authorize");
        if let Some(token) = token {
            request = request.header("X-Gateway-Token", token);
        }
        let answer = Answer::to(request.bearer_auth(key.secret.reveal())).await;
        answer.assert_problem(401);
        assert_eq!(answer.header("www-authenticate"), Some(r#"Bearer realm="latchkey""#));
        answers.push(answer.text);
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[actix_web::test]
async fn the_scheme_may_be_spelled_in_any_case() {
    let world = World::start().await;
    let key = world.key(Wanted::default());
    for scheme in ["bearer", "BEARER", "Bearer"] {
        let request = world
            .node
            .request(Method::POST, "/v1/verify")
            .header("Authorization", format!("{scheme} {}", world.production));
        let answer = Answer::to(request.json(&json!({ "key": key.secret.reveal() }))).await;
        answer.assert_verdict("VALID", 200);
    }
}

#[actix_web::test]
async fn two_tokens_at_once_are_refused() {
    let world = World::start().await;
    let request = world
        .node
        .request(Method::POST, "/v1/verify")
        .bearer_auth(&world.production)
        .header("Authorization", format!("Bearer {}", world.production));
    Answer::to(request.json(&json!({}))).await.assert_problem(400);

    let request = world.authorize("").header("X-Gateway-Token", &world.production);
    Answer::to(request).await.assert_problem(400);
}

#[actix_web::test]
async fn a_gateway_is_known_to_be_in_contact() {
    let world = World::start().await;
    let (id, token) = world.gateway("second", "production");
    world.node.verify(token.reveal(), json!({})).await.assert_verdict("MISSING_KEY", 401);
    let recorder = world.node.recorder.clone();
    actix_web::rt::task::spawn_blocking(move || recorder.flush()).await.unwrap();
    let gateways = gateways::list(&mut world.conn(), &Viewer::operator()).unwrap();
    for gateway in gateways {
        assert_eq!(gateway.last_contact_at.is_some(), gateway.id == id, "{}", gateway.name);
    }
}
