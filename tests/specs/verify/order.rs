//! The order of the checks: with several things wrong, the answer is the first of them.

use serde_json::json;

use super::world::{Wanted, World};

#[actix_web::test]
async fn the_first_check_that_says_no_is_the_answer() {
    let world = World::start().await;
    let key = world.key(Wanted {
        environment: Some("development"),
        allowed_ips: &["203.0.113.0/24"],
        customers: &["cus_42"],
        limits: &[(1, 86_400)],
        ..Wanted::default()
    });
    world.change(
        &key,
        "update keys set revoked_at = now(), expires_at = now(), disabled_at = now() where id = $key",
    );
    world.change(&key, "update key_secrets set ends_at = now() where key_id = $key");

    // Everything is wrong; each step repairs what is answered.
    let mut question = json!({ "key": key.secret.reveal(), "scopes": ["affiliates:read"] });
    let repairs = [
        ("REVOKED", "update keys set revoked_at = null where id = $key"),
        ("EXPIRED", "update keys set expires_at = null where id = $key"),
        ("DISABLED", "update keys set disabled_at = null where id = $key"),
        ("SECRET_REPLACED", "update key_secrets set ends_at = null where key_id = $key"),
        (
            "WRONG_ENVIRONMENT",
            "update keys set environment_id = (select id from environments where slug = 'production') where id = $key",
        ),
    ];
    for (code, repair) in repairs {
        world.verify(question.clone()).await.assert_verdict(code, 401);
        world.change(&key, repair);
    }
    world.verify(question.clone()).await.assert_verdict("IP_NOT_ALLOWED", 403);
    question["ip"] = json!("203.0.113.9");
    world.verify(question.clone()).await.assert_verdict("CUSTOMER_NOT_ALLOWED", 403);
    question["customer"] = json!("cus_42");
    world.verify(question.clone()).await.assert_verdict("INSUFFICIENT_SCOPE", 403);
    world.change(&key, "update keys set all_permissions = true where id = $key");

    // The one request of the day is still there: no refusal spent it.
    world.verify(question.clone()).await.assert_verdict("VALID", 200);
    world.verify(question).await.assert_verdict("RATE_LIMITED", 429);
}
