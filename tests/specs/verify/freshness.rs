//! A change is effective: here before it is answered, elsewhere within a second.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use diesel::PgConnection;
use futures_util::future::join_all;
use latchkey::{
    changes::Change, credentials::Secret, error::AppResult, keys::commands, users::Viewer,
};
use serde_json::json;

use super::world::{Wanted, World, run};

#[actix_web::test]
async fn a_hundred_revoked_keys_are_refused_by_the_very_next_request() {
    let world = World::start().await;
    let keys: Vec<_> = (0..100).map(|_| world.key(Wanted::default())).collect();
    for key in &keys {
        world.verify_key(key).await.assert_verdict("VALID", 200);
    }
    for key in &keys {
        world.change(key, "update keys set revoked_at = now() where id = $key");
        world.verify_key(key).await.assert_verdict("REVOKED", 401);
    }
}

#[actix_web::test]
async fn a_revoked_key_is_refused_at_once_also_under_load() {
    let world = World::start().await;
    let key = world.key(Wanted::default());
    for _ in 0..20 {
        let before = join_all((0..8).map(|_| world.verify_key(&key)));
        let change =
            async { world.change(&key, "update keys set revoked_at = now() where id = $key") };
        futures_util::join!(before, change);
        world.verify_key(&key).await.assert_verdict("REVOKED", 401);
        world.change(&key, "update keys set revoked_at = null where id = $key");
        world.verify_key(&key).await.assert_verdict("VALID", 200);
    }
}

#[actix_web::test]
async fn a_change_made_by_another_process_is_heard_within_a_second() {
    type Act = fn(&mut PgConnection, &Viewer, &str) -> AppResult<latchkey::keys::Key>;
    let changes: [(Act, &str); 3] = [
        (commands::disable, "DISABLED"),
        (commands::enable, "VALID"),
        (|conn, viewer, key| commands::revoke(conn, viewer, key, None), "REVOKED"),
    ];
    let world = World::start().await;
    let key = world.key(Wanted::default());
    world.verify_key(&key).await.assert_verdict("VALID", 200);
    for (change, code) in changes {
        world.operator(|conn, operator| change(conn, operator, &key.public_key));
        let changed_at = Instant::now();
        while world.verify_key(&key).await.code() != code {
            assert!(changed_at.elapsed() < Duration::from_secs(1), "{code} took too long");
        }
    }
}

#[actix_web::test]
async fn two_nodes_agree_about_a_revoked_key_within_a_second() {
    let world = World::start().await;
    let (key, other) = (world.key(Wanted::default()), world.another_node());
    let question = json!({ "key": key.secret.reveal() });
    other.verify(&world.production, question.clone()).await.assert_verdict("VALID", 200);
    world.change(&key, "update keys set revoked_at = now() where id = $key");
    let changed_at = Instant::now();
    while other.verify(&world.production, question.clone()).await.code() != "REVOKED" {
        assert!(changed_at.elapsed() < Duration::from_secs(1));
    }
}

#[actix_web::test]
async fn a_change_made_by_hand_is_noticed_too() {
    let world = World::start().await;
    let key = world.key(Wanted::default());
    world.verify_key(&key).await.assert_verdict("VALID", 200);
    run(&mut world.conn(), &format!("update keys set revoked_at = now() where id = {}", key.id));
    let changed_at = Instant::now();
    while world.verify_key(&key).await.code() != "REVOKED" {
        assert!(changed_at.elapsed() < Duration::from_millis(2500));
        actix_web::rt::time::sleep(Duration::from_millis(5)).await;
    }
}

#[actix_web::test]
async fn what_was_in_a_table_that_somebody_empties_is_forgotten() {
    let world = World::start().await;
    for table in ["key_secrets", "keys", "applications"] {
        let key = world.key(Wanted::default());
        world.verify_key(&key).await.assert_verdict("VALID", 200);
        run(&mut world.conn(), &format!("truncate {table} cascade"));
        let changed_at = Instant::now();
        while world.verify_key(&key).await.code() != "KEY_NOT_FOUND" {
            assert!(changed_at.elapsed() < Duration::from_secs(4), "{table}");
            actix_web::rt::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[actix_web::test]
async fn changes_are_heard_again_after_the_listener_lost_its_connection() {
    let world = World::start().await;
    let key = world.key(Wanted::default());
    run(
        &mut world.conn(),
        "select pg_terminate_backend(pid) from pg_stat_activity \
         where application_name = 'latchkey changes' and datname = current_database()",
    );
    wait_until(|| !world.node.engine.hears_changes()).await;
    wait_until(|| world.node.engine.hears_changes()).await;
    world.verify_key(&key).await.assert_verdict("VALID", 200);
    world.change_elsewhere(&key, "update keys set revoked_at = now() where id = $key");
    let changed_at = Instant::now();
    while world.verify_key(&key).await.code() != "REVOKED" {
        assert!(changed_at.elapsed() < Duration::from_secs(1));
    }
}

#[actix_web::test]
async fn two_hundred_first_uses_at_once_are_one_look_up() {
    let world = World::start().await;
    world.verify(json!({})).await.assert_verdict("MISSING_KEY", 401);
    let key = world.key(Wanted::default());
    let answers = join_all((0..200).map(|_| world.verify_key(&key))).await;
    let codes: HashSet<String> = answers.iter().map(|answer| answer.code()).collect();
    assert_eq!(codes, HashSet::from(["VALID".to_owned()]));
    assert_eq!(world.proxy.look_ups(&key.secret), 1);
}

#[actix_web::test]
async fn absence_is_remembered_too() {
    let world = World::start().await;
    let unknown = Secret::for_key("prod");
    for _ in 0..20 {
        let answer = world.verify(json!({ "key": unknown.reveal() })).await;
        answer.assert_verdict("KEY_NOT_FOUND", 401);
    }
    assert_eq!(world.proxy.look_ups(&unknown), 1);
}

#[actix_web::test]
async fn a_change_of_the_catalogue_is_effective_at_once_and_forgets_no_key() {
    let world = World::start().await;
    let keys: Vec<_> = (0..10).map(|_| world.key(Wanted::default())).collect();
    let conn = &mut world.conn();
    run(
        conn,
        "insert into key_sections select keys.id, section_id from keys, permissions where slug = 'affiliates:read'",
    );
    for key in &keys {
        world.verify_key(key).await.assert_verdict("VALID", 200);
    }
    let looked_up = world.proxy.all_look_ups();
    run(
        conn,
        "insert into permissions (section_id, slug, label, description, access, position) \
         select section_id, 'affiliates:export', 'Export', '', 'READ', 1000 from permissions where slug = 'affiliates:read'",
    );
    world.node.engine.forget(Change::Catalogue);
    // However slow this machine is, nothing but the catalogue has to be looked up again.
    world.node.engine.confirm(Instant::now());
    for key in &keys {
        let question = json!({ "key": key.secret.reveal(), "scopes": ["affiliates:export"] });
        let answer = world.verify(question).await;
        answer.assert_verdict("VALID", 200);
        assert!(answer.text.contains(r#""affiliates:export""#), "{}", answer.text);
    }
    assert_eq!(world.proxy.all_look_ups(), looked_up);
}

#[actix_web::test]
async fn a_flood_of_unknown_keys_makes_nobody_look_up_a_known_one_again() {
    let world = World::start().await;
    let keys: Vec<_> = (0..10).map(|_| world.key(Wanted::default())).collect();
    for key in &keys {
        world.verify_key(key).await.assert_verdict("VALID", 200);
    }
    let unknown: Vec<_> = (0..300).map(|_| Secret::for_key("prod")).collect();
    for some in unknown.chunks(10) {
        let ask = |secret: &Secret| world.verify(json!({ "key": secret.reveal() }));
        for answer in join_all(some.iter().map(ask)).await {
            answer.assert_verdict("KEY_NOT_FOUND", 401);
        }
    }
    world.node.engine.confirm(Instant::now());
    for key in &keys {
        world.verify_key(key).await.assert_verdict("VALID", 200);
        assert_eq!(world.proxy.look_ups(&key.secret), 1);
    }
    assert_eq!(world.node.engine.known_keys(), keys.len());
}

async fn wait_until(is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(5), "it never is");
        actix_web::rt::time::sleep(Duration::from_millis(1)).await;
    }
}
