//! How often a key may be used.

use latchkey::credentials::Secret;
use serde_json::json;

use super::world::{Answer, Wanted, World};

#[actix_web::test]
async fn a_key_over_its_limit_is_told_when_to_come_back() {
    let world = World::start().await;
    let key = world.key(Wanted { limits: &[(3, 60), (100, 3600)], ..Wanted::default() });
    for remaining in [2, 1, 0] {
        let answer = world.verify_key(&key).await;
        answer.assert_verdict("VALID", 200);
        assert_eq!(answer.json()["rate_limit"]["remaining"], remaining);
        assert_eq!(
            answer.header("ratelimit-policy"),
            Some(r#""minute";q=3;w=60, "hour";q=100;w=3600"#)
        );
    }
    let refused = world.verify_key(&key).await;
    refused.assert_verdict("RATE_LIMITED", 429);
    assert_eq!(refused.header("retry-after"), Some("20"));
    assert!(refused.header("ratelimit").unwrap().starts_with(r#""minute";r=0;t=60"#));

    let refused = Answer::to(world.authorize("").bearer_auth(key.secret.reveal())).await;
    refused.assert_authorizes(429, "RATE_LIMITED").assert_problem(429);
    assert_eq!(refused.header("retry-after"), Some("20"));
    assert!(refused.header("ratelimit-policy").is_some());
}

#[actix_web::test]
async fn a_refusal_spends_nothing_of_any_limit() {
    let world = World::start().await;
    let key = world.key(Wanted { limits: &[(2, 60), (10, 86_400)], ..Wanted::default() });
    for _ in 0..2 {
        world.verify_key(&key).await.assert_verdict("VALID", 200);
    }
    for _ in 0..20 {
        world.verify_key(&key).await.assert_verdict("RATE_LIMITED", 429);
        let denied = json!({ "key": key.secret.reveal(), "scopes": ["affiliates:read"] });
        world.verify(denied).await.assert_verdict("INSUFFICIENT_SCOPE", 403);
    }
    let answer = world.verify_key(&key).await;
    assert!(
        answer.header("ratelimit").unwrap().contains(r#""day";r=8;"#),
        "{answer:?}",
        answer = answer.headers
    );
}

#[actix_web::test]
async fn a_question_can_cost_more_than_one() {
    let world = World::start().await;
    let key = world.key(Wanted { limits: &[(10, 3600)], ..Wanted::default() });
    let costing = |cost: i64| json!({ "key": key.secret.reveal(), "cost": cost });
    let answer = world.verify(costing(7)).await;
    assert_eq!(answer.json()["rate_limit"]["remaining"], 3);
    world.verify(costing(4)).await.assert_verdict("RATE_LIMITED", 429);
    let never = world.verify(costing(11)).await;
    never.assert_verdict("RATE_LIMITED", 429);
    assert!(never.json()["detail"].as_str().unwrap().contains("never"), "{}", never.text);
    world.verify(costing(3)).await.assert_verdict("VALID", 200);
}

#[actix_web::test]
async fn many_at_once_get_exactly_the_allowance() {
    let world = World::start().await;
    let key = world.key(Wanted { limits: &[(25, 86_400)], ..Wanted::default() });
    let answers = futures_util::future::join_all((0..100).map(|_| world.verify_key(&key))).await;
    let valid = answers.iter().filter(|answer| answer.code() == "VALID").count();
    assert_eq!(valid, 25);
}

#[actix_web::test]
async fn a_raised_limit_takes_effect_at_once() {
    let world = World::start().await;
    let key = world.key(Wanted { limits: &[(2, 86_400)], ..Wanted::default() });
    for _ in 0..2 {
        world.verify_key(&key).await.assert_verdict("VALID", 200);
    }
    world.verify_key(&key).await.assert_verdict("RATE_LIMITED", 429);
    world.change(&key, "update key_limits set requests = 3 where key_id = $key");
    world.verify_key(&key).await.assert_verdict("VALID", 200);
    world.verify_key(&key).await.assert_verdict("RATE_LIMITED", 429);
}

#[actix_web::test]
async fn an_address_with_one_unknown_key_after_the_other_is_slowed_down() {
    let world = World::start().await;
    let key = world.key(Wanted::default());
    let from = |secret: &str, ip: &str| json!({ "key": secret, "ip": ip });
    for _ in 0..60 {
        let unknown = Secret::for_key("prod");
        let answer = world.verify(from(unknown.reveal(), "203.0.113.9")).await;
        answer.assert_verdict("KEY_NOT_FOUND", 401);
    }
    let unknown = Secret::for_key("prod");
    let answer = world.verify(from(unknown.reveal(), "203.0.113.9")).await;
    answer.assert_verdict("RATE_LIMITED", 429);
    let elsewhere = world.verify(from(unknown.reveal(), "203.0.113.10")).await;
    elsewhere.assert_verdict("KEY_NOT_FOUND", 401);
    let good = world.verify(from(key.secret.reveal(), "203.0.113.9")).await;
    good.assert_verdict("VALID", 200);
}
