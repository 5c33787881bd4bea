//! Every verdict there is.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{TimeDelta, Utc};
use latchkey::credentials::{Secret, app_id, public_key};
use serde_json::json;

use super::world::{Wanted, World};

const READ: &str = "affiliates:read";
const PUBLISHABLE: &str = "clicks:write";

#[actix_web::test]
async fn a_valid_key_is_described() {
    let world = World::start().await;
    let key = world.key(Wanted {
        scopes: &[PUBLISHABLE, READ],
        limits: &[(100, 60)],
        ..Wanted::default()
    });
    let answer = world.verify(json!({ "key": key.secret.reveal(), "scopes": [READ] })).await;
    answer.assert_verdict("VALID", 200);
    assert_eq!(
        answer.json(),
        json!({
            "valid": true, "code": "VALID", "status": 200,
            "key_id": key.public_key, "name": "Größe & Co", "application_id": world.application,
            "environment": "production", "scopes": [READ, PUBLISHABLE], "customers": null,
            "expires_at": null, "rate_limit": { "limit": 100, "remaining": 99, "reset_seconds": 1 },
        })
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[actix_web::test]
async fn a_refusal_says_one_thing_to_the_gateway_and_another_to_the_caller() {
    let world = World::start().await;
    let key = world.key(Wanted::default());
    world.change(&key, "update keys set revoked_at = '2026-01-02 03:04:05Z' where id = $key");
    let refused = world.verify_key(&key).await;
    assert_eq!(
        refused.json(),
        json!({
            "valid": false, "code": "REVOKED", "status": 401, "key_id": key.public_key,
            "detail": "Revoked 2026-01-02 03:04:05 UTC.", "message": "This API key was revoked.",
        })
    );
}

#[actix_web::test]
async fn a_question_without_a_credential_is_missing_one() {
    let world = World::start().await;
    world.verify(json!({})).await.assert_verdict("MISSING_KEY", 401);
    world.verify(json!({ "scopes": [READ] })).await.assert_verdict("MISSING_KEY", 401);
}

#[actix_web::test]
async fn a_mistyped_key_is_malformed_and_costs_no_look_up() {
    let world = World::start().await;
    let secret = world.key(Wanted::default()).secret;
    let secret = secret.reveal();
    world.verify(json!({ "key": secret })).await.assert_verdict("VALID", 200);
    let before = world.proxy.all_look_ups();
    for key in [
        "",
        " ",
        "nonsense",
        &secret[1..],
        &secret[..secret.len() - 1],
        &format!("{secret}0"),
        &secret.to_lowercase(),
        &secret.replacen("prod", "dev", 1),
        &format!(" {secret}"),
        "prod_sk_ä",
        "prod_sk_\u{0}",
        &"A".repeat(257),
        &"A".repeat(10_000),
    ] {
        world.verify(json!({ "key": key })).await.assert_verdict("MALFORMED_KEY", 401);
        world.verify(json!({ "basic": key })).await.assert_verdict("MALFORMED_KEY", 401);
    }
    assert_eq!(world.proxy.all_look_ups(), before);
}

#[actix_web::test]
async fn half_of_another_credential_is_no_key() {
    let world = World::start().await;
    for key in [world.application.as_str(), world.app_secret.reveal(), &world.production] {
        world.verify(json!({ "key": key })).await.assert_verdict("MALFORMED_KEY", 401);
    }
}

#[actix_web::test]
async fn a_well_formed_key_may_still_not_exist() {
    let world = World::start().await;
    let unknown = Secret::for_key("prod");
    let answer = world.verify(json!({ "key": unknown.reveal() })).await;
    answer.assert_verdict("KEY_NOT_FOUND", 401);
    assert_eq!(answer.json().get("key_id"), None);
    world.verify(json!({ "key": public_key("prod") })).await.assert_verdict("KEY_NOT_FOUND", 401);
}

#[actix_web::test]
async fn a_deleted_key_does_not_exist() {
    let world = World::start().await;
    let key = world.key(Wanted::default());
    world.verify_key(&key).await.assert_verdict("VALID", 200);
    world.change(&key, "update keys set revoked_at = now(), deleted_at = now() where id = $key");
    world.verify_key(&key).await.assert_verdict("KEY_NOT_FOUND", 401);
    world.verify(json!({ "key": key.public_key })).await.assert_verdict("KEY_NOT_FOUND", 401);
}

#[actix_web::test]
async fn a_replaced_secret_is_told_so_unless_the_key_itself_has_ended() {
    let world = World::start().await;
    let key = world.key(Wanted::default());
    let new = world.regenerate(&key);
    world.verify_key(&key).await.assert_verdict("SECRET_REPLACED", 401);
    world.verify(json!({ "key": new.reveal() })).await.assert_verdict("VALID", 200);

    for (change, code) in [
        ("expires_at = now() - interval '1 second'", "EXPIRED"),
        ("revoked_at = now()", "REVOKED"),
        ("deleted_at = now()", "KEY_NOT_FOUND"),
    ] {
        world.change(&key, &format!("update keys set {change} where id = $key"));
        world.verify_key(&key).await.assert_verdict(code, 401);
        world.verify(json!({ "key": new.reveal() })).await.assert_verdict(code, 401);
    }
}

#[actix_web::test]
async fn two_secrets_work_while_a_regeneration_lets_them_overlap() {
    let world = World::start().await;
    let key = world.key(Wanted::default());
    let new = world.regenerate(&key);
    let soon = "update key_secrets set ends_at = now() + interval '1 second' where key_id = $key and ends_at is not null";
    world.change(&key, soon);
    world.verify_key(&key).await.assert_verdict("VALID", 200);
    world.verify(json!({ "key": new.reveal() })).await.assert_verdict("VALID", 200);
    actix_web::rt::time::sleep(std::time::Duration::from_millis(1100)).await;
    world.verify_key(&key).await.assert_verdict("SECRET_REPLACED", 401);
}

#[actix_web::test]
async fn a_key_expires_to_the_second_although_it_is_remembered() {
    let world = World::start().await;
    let expires_at = Utc::now() + TimeDelta::milliseconds(700);
    let key = world.key(Wanted { expires_at: Some(expires_at), ..Wanted::default() });
    loop {
        let asked_at = Utc::now();
        let answer = world.verify_key(&key).await;
        if answer.code() == "EXPIRED" {
            assert!(Utc::now() >= expires_at);
            return;
        }
        answer.assert_verdict("VALID", 200);
        assert!(asked_at < expires_at, "it was accepted after its end");
    }
}

#[actix_web::test]
async fn a_disabled_key_works_again_when_enabled() {
    let world = World::start().await;
    let key = world.key(Wanted::default());
    world.change(&key, "update keys set disabled_at = now() where id = $key");
    world.verify_key(&key).await.assert_verdict("DISABLED", 401);
    world.change(&key, "update keys set disabled_at = null where id = $key");
    world.verify_key(&key).await.assert_verdict("VALID", 200);
}

#[actix_web::test]
async fn a_key_of_one_environment_is_not_accepted_in_another() {
    let world = World::start().await;
    let key = world.key(Wanted { environment: Some("development"), ..Wanted::default() });
    world.verify_key(&key).await.assert_verdict("WRONG_ENVIRONMENT", 401);
    let development = world.gateway("dev edge", "development").1;
    let answer =
        world.node.verify(development.reveal(), json!({ "key": key.secret.reveal() })).await;
    answer.assert_verdict("VALID", 200);
}

#[actix_web::test]
async fn a_key_works_from_its_addresses_only() {
    let world = World::start().await;
    let key = world
        .key(Wanted { allowed_ips: &["203.0.113.0/24", "2001:db8::/32"], ..Wanted::default() });
    let from = |ip: &str| json!({ "key": key.secret.reveal(), "ip": ip });
    for ip in ["203.0.113.9", "::ffff:203.0.113.9", "2001:db8::7"] {
        world.verify(from(ip)).await.assert_verdict("VALID", 200);
    }
    for ip in ["203.0.114.9", "2001:db9::7", "::cb00:7109"] {
        world.verify(from(ip)).await.assert_verdict("IP_NOT_ALLOWED", 403);
    }
    world.verify_key(&key).await.assert_verdict("IP_NOT_ALLOWED", 403);
}

#[actix_web::test]
async fn a_key_works_for_its_customers_only() {
    let world = World::start().await;
    let key = world.key(Wanted { customers: &["cus_42", "cus_43"], ..Wanted::default() });
    let of = |customer: &str| json!({ "key": key.secret.reveal(), "customer": customer });
    let answer = world.verify(of("cus_43")).await;
    answer.assert_verdict("VALID", 200);
    assert_eq!(answer.json()["customers"], json!(["cus_42", "cus_43"]));
    for customer in ["cus_44", "CUS_42", "cus_42 ", ""] {
        world.verify(of(customer)).await.assert_verdict("CUSTOMER_NOT_ALLOWED", 403);
    }
    world.verify_key(&key).await.assert_verdict("CUSTOMER_NOT_ALLOWED", 403);
}

#[actix_web::test]
async fn every_required_permission_must_be_held_letter_by_letter() {
    let world = World::start().await;
    let key = world.key(Wanted { scopes: &[READ], ..Wanted::default() });
    let needing = |scopes: &[&str]| json!({ "key": key.secret.reveal(), "scopes": scopes });
    world.verify(needing(&[READ])).await.assert_verdict("VALID", 200);
    for scopes in [
        &[PUBLISHABLE][..],
        &[READ, PUBLISHABLE],
        &["*"],
        &["affiliates:*"],
        &["AFFILIATES:READ"],
        &[""],
        &["affiliates:read affiliates:read"],
        &["\u{0}"],
        &["nonexistent"],
    ] {
        world.verify(needing(scopes)).await.assert_verdict("INSUFFICIENT_SCOPE", 403);
    }
    let answer = world.verify(needing(&[READ, PUBLISHABLE])).await;
    assert_eq!(answer.json()["detail"], "The key does not hold clicks:write.");
}

#[actix_web::test]
async fn holding_nothing_permits_nothing_and_holding_all_permits_all() {
    let world = World::start().await;
    let needing = |secret: &Secret| json!({ "key": secret.reveal(), "scopes": [READ] });
    let none = world.key(Wanted::default());
    world.verify(needing(&none.secret)).await.assert_verdict("INSUFFICIENT_SCOPE", 403);
    let all = world.key(Wanted { all_permissions: true, ..Wanted::default() });
    let answer = world.verify(needing(&all.secret)).await;
    answer.assert_verdict("VALID", 200);
    assert_eq!(answer.json()["scopes"].as_array().unwrap().len(), 10);
}

#[actix_web::test]
async fn a_section_is_held_with_everything_in_it() {
    let world = World::start().await;
    let key = world.key(Wanted::default());
    world.change(
        &key,
        "insert into key_sections select $key, section_id from permissions where slug = 'affiliates:read'",
    );
    let question = json!({ "key": key.secret.reveal(), "scopes": [READ] });
    world.verify(question).await.assert_verdict("VALID", 200);
}

#[actix_web::test]
async fn the_public_key_alone_stands_for_what_is_safe_in_a_browser() {
    let world = World::start().await;
    let key = world.key(Wanted { scopes: &[READ, PUBLISHABLE], ..Wanted::default() });
    let needing = |scopes: &[&str]| json!({ "key": key.public_key, "scopes": scopes });
    let answer = world.verify(needing(&[PUBLISHABLE])).await;
    answer.assert_verdict("VALID", 200);
    assert_eq!(answer.json()["scopes"], json!([PUBLISHABLE]));
    world.verify(needing(&[])).await.assert_verdict("VALID", 200);
    for scopes in [&[READ][..], &[READ, PUBLISHABLE], &["sdk:init"]] {
        world.verify(needing(scopes)).await.assert_verdict("INSUFFICIENT_SCOPE", 403);
    }
    world.regenerate(&key);
    world.verify(needing(&[PUBLISHABLE])).await.assert_verdict("VALID", 200);
}

#[actix_web::test]
async fn a_pair_must_belong_together() {
    let world = World::start().await;
    let (key, other) = (world.key(Wanted::default()), world.key(Wanted::default()));
    let pair = |id: &str| json!({ "basic": key.secret.basic_token(id).reveal() });
    world.verify(pair(&key.public_key)).await.assert_verdict("VALID", 200);
    for id in
        [other.public_key.clone(), public_key("prod"), key.public_key.replacen("prod", "dev", 1)]
    {
        world.verify(pair(&id)).await.assert_verdict("KEY_NOT_FOUND", 401);
    }
    let no_colon = STANDARD.encode(key.secret.reveal());
    world.verify(json!({ "basic": no_colon })).await.assert_verdict("MALFORMED_KEY", 401);
}

#[actix_web::test]
async fn app_credentials_identify_the_application_and_permit_nothing() {
    let world = World::start().await;
    let pair = world.app_secret.basic_token(&world.application);
    let answer = world.verify(json!({ "basic": pair.reveal() })).await;
    answer.assert_verdict("VALID", 200);
    let json = answer.json();
    assert_eq!(
        (&json["application_id"], &json["name"]),
        (&json!(world.application), &json!("Rentmy"))
    );
    assert_eq!((&json["key_id"], &json["scopes"]), (&json!(null), &json!([])));

    let needing = json!({ "basic": pair.reveal(), "scopes": [READ] });
    world.verify(needing).await.assert_verdict("INSUFFICIENT_SCOPE", 403);
    for (id, secret) in
        [(app_id(), &world.app_secret), (world.application.clone(), &Secret::for_application())]
    {
        let pair = secret.basic_token(&id);
        let answer = world.verify(json!({ "basic": pair.reveal() })).await;
        answer.assert_verdict("KEY_NOT_FOUND", 401);
    }
}

#[actix_web::test]
async fn a_key_never_works_from_its_exceptions() {
    let world = World::start().await;
    let key = world.key(Wanted { allowed_ips: &["203.0.113.0/24"], ..Wanted::default() });
    world.change(&key, "update keys set excluded_ips = '{203.0.113.7/32}' where id = $key");
    let from = |ip: &str| json!({ "key": key.secret.reveal(), "ip": ip });
    world.verify(from("203.0.113.9")).await.assert_verdict("VALID", 200);
    for ip in ["203.0.113.7", "::ffff:203.0.113.7", "198.51.100.1"] {
        world.verify(from(ip)).await.assert_verdict("IP_NOT_ALLOWED", 403);
    }
    // Exceptions alone are from everywhere; who does not say from where is refused.
    world.change(&key, "update keys set allowed_ips = '{}' where id = $key");
    world.verify(from("198.51.100.1")).await.assert_verdict("VALID", 200);
    world.verify(from("203.0.113.7")).await.assert_verdict("IP_NOT_ALLOWED", 403);
    world.verify_key(&key).await.assert_verdict("IP_NOT_ALLOWED", 403);
}

#[actix_web::test]
async fn the_public_key_alone_works_on_its_origins_only() {
    let world = World::start().await;
    let key = world.key(Wanted { scopes: &[PUBLISHABLE], ..Wanted::default() });
    world
        .change(&key, "update keys set allowed_origins = '{https://shop.example}' where id = $key");
    let asked = |origin: serde_json::Value| json!({ "key": key.public_key, "scopes": [PUBLISHABLE], "origin": origin });
    world.verify(asked(json!("https://shop.example"))).await.assert_verdict("VALID", 200);
    for origin in
        ["https://evil.example", "http://shop.example", "null", "", "https://shop.example/"]
    {
        let refused = world.verify(asked(json!(origin))).await;
        refused.assert_verdict("INSUFFICIENT_SCOPE", 403);
    }
    let refused = world.verify(asked(json!("https://evil.example"))).await;
    assert_eq!(
        refused.json()["detail"],
        "The public key alone is not accepted from the origin https://evil.example."
    );
    let absent = world.verify(asked(json!(null))).await;
    absent.assert_verdict("INSUFFICIENT_SCOPE", 403);
    assert!(absent.json()["detail"].as_str().unwrap().contains("names none"), "{}", absent.text);
    // A server has the secret and no origin.
    world.verify_key(&key).await.assert_verdict("VALID", 200);
    let pair = json!({ "basic": key.secret.basic_token(&key.public_key).reveal() });
    world.verify(pair).await.assert_verdict("VALID", 200);
    world.verify(asked(json!(7))).await.assert_problem(400);

    let query = format!("?scope={PUBLISHABLE}");
    let ask = |origins: &[&str]| {
        let request = world.authorize(&query).header("X-API-Key", &key.public_key);
        origins.iter().fold(request, |request, origin| request.header("Origin", *origin))
    };
    let answer = crate::verify::world::Answer::to(ask(&["https://shop.example"])).await;
    answer.assert_authorizes(200, "VALID");
    for origins in [&["https://evil.example"][..], &["null"], &[]] {
        let answer = crate::verify::world::Answer::to(ask(origins)).await;
        answer.assert_authorizes(403, "INSUFFICIENT_SCOPE");
    }
    let two = crate::verify::world::Answer::to(ask(&["https://shop.example"; 2])).await;
    two.assert_problem(400);
}
