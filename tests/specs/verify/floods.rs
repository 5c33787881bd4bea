//! Too much of something: first uses, unknown keys, sign-ins, uses of one key.

use std::time::{Duration, Instant};

use actix_web::rt;
use chrono::{TimeDelta, Utc};
use diesel::prelude::*;
use futures_util::future::{join, join_all};
use latchkey::{credentials::Secret, usage};
use reqwest::Method;
use serde_json::json;

use super::{
    proxy::Mode,
    world::{Answer, Key, Wanted, World, run},
};
use crate::support::{Program, allow_many_connections};

/// A gateway waits 200 ms; alone on the machine nearly all of these take less than 20.
const PROMPTLY: Duration = Duration::from_millis(150);

#[actix_web::test]
async fn a_thousand_first_uses_after_a_restart_are_one_look_up() {
    allow_many_connections();
    let world = World::start().await;
    let key = world.key(Wanted::default());
    // The gateway is in memory; the key is not.
    world.verify(json!({})).await.assert_verdict("MISSING_KEY", 401);
    let answers = join_all((0..1000).map(|_| world.try_to_verify(&key))).await;
    for answer in &answers {
        answer.assert_verdict("VALID", 200);
    }
    assert_eq!(world.proxy.look_ups(&key.secret), 1);
}

#[actix_web::test]
async fn many_keys_used_for_the_first_time_at_once_are_asked_for_together_and_each_once() {
    allow_many_connections();
    let world = World::start().await;
    // Few enough that each is answered in time while other specs are at work.
    let keys: Vec<Key> = (0..80).map(|_| world.key(Wanted::default())).collect();
    world.verify(json!({})).await.assert_verdict("MISSING_KEY", 401);
    // While one question is being answered, others come together.
    world.proxy.set(Mode::Late);
    let before = world.proxy.all_look_ups();
    let asked = keys.iter().flat_map(|key| [world.try_to_verify(key), world.try_to_verify(key)]);
    for answer in join_all(asked).await {
        answer.assert_verdict("VALID", 200);
    }
    for key in &keys {
        assert_eq!(world.proxy.look_ups(&key.secret), 1);
    }
    let questions = world.proxy.all_look_ups() - before;
    assert!(questions < 40, "{questions} questions for 80 keys");
}

#[actix_web::test]
async fn whoever_asks_as_soon_as_a_node_is_ready_is_answered_at_the_first_try() {
    let world = World::start().await;
    let key = world.key(Wanted::default());
    for _ in 0..5 {
        let node = Program::serve(&world.database.url);
        let url = |path: &str| format!("http://{}{path}", node.address);
        let ready = async || reqwest::get(url("/readyz")).await.unwrap().status();
        while ready().await != 200 {
            rt::time::sleep(Duration::from_millis(1)).await;
        }
        let question = world.node.client.post(url("/v1/verify")).bearer_auth(&world.production);
        let question = question.json(&json!({ "key": key.secret.reveal() }));
        Answer::at_once(question).await.assert_verdict("VALID", 200);
    }
}

#[actix_web::test]
async fn a_flood_of_unknown_keys_pushes_out_and_slows_down_nobody() {
    let world = World::start().await;
    let good: Vec<Key> = (0..50).map(|_| world.key(Wanted::default())).collect();
    for key in &good {
        world.verify_key(key).await.assert_verdict("VALID", 200);
    }
    let began = Instant::now();
    let flood = join_all((0..8).map(|_| async {
        for _ in 0..300 {
            let unknown = Secret::for_key("prod");
            let question = json!({ "key": unknown.reveal() });
            let answer = world.node.question(&world.production, &question);
            // Too many at once to look them all up is no reason to say anything about any of them.
            let answer = Answer::at_once(answer).await;
            assert!(answer.status == 503 || answer.code() == "KEY_NOT_FOUND", "{}", answer.text);
        }
    }));
    let (_, took) = join(flood, timed(&world, &good, 400)).await;
    assert_prompt(took);
    // Facts are asked for again when they are no longer fresh, not because they had been pushed out.
    let most = 2 + began.elapsed().as_secs() as usize / 5;
    for key in &good {
        world.verify_key(key).await.assert_verdict("VALID", 200);
        let times = world.proxy.look_ups(&key.secret);
        assert!(times <= most, "{times} look-ups of a key in use");
    }
}

#[actix_web::test]
async fn unknown_keys_that_wait_for_their_turn_say_nothing_against_postgres() {
    allow_many_connections();
    let world = World::start().await;
    let key = world.key(Wanted::default());
    world.verify_key(&key).await.assert_verdict("VALID", 200);
    for _ in 0..2 {
        let flood = (0..500).map(|_| {
            let question = json!({ "key": Secret::for_key("prod").reveal() });
            Answer::at_once(world.node.question(&world.production, &question))
        });
        for answer in join_all(flood).await {
            assert!(answer.status == 503 || answer.code() == "KEY_NOT_FOUND", "{}", answer.text);
        }
    }
    assert_eq!(world.node.engine.cut_off(), (false, 0));
}

#[actix_web::test]
async fn a_flood_of_sign_ins_does_not_starve_verification() {
    let world = World::start().await;
    let key = [world.key(Wanted::default())];
    world.verify_key(&key[0]).await.assert_verdict("VALID", 200);
    let sign_ins = join_all((0..200).map(|number| {
        let request = world
            .node
            .request(Method::POST, "/sign-in")
            .header("Sec-Fetch-Site", "same-origin")
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(format!("email=nobody-{number}%40example.com&password=wrong+battery+staple"));
        async { Answer::at_once(request).await.status }
    }));
    let (statuses, took) = join(sign_ins, timed(&world, &key, 100)).await;
    assert_prompt(took);
    assert!(statuses.iter().all(|status| [401, 429, 503].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&503), "nobody was turned away: {statuses:?}");
}

#[actix_web::test]
async fn three_thousand_uses_of_one_key_are_a_few_writes() {
    let world = World::start().await;
    let key = world.key(Wanted::default());
    run(&mut world.conn(), "create table row_versions (id bigint)");
    run(
        &mut world.conn(),
        "create function count_version() returns trigger language plpgsql as \
         $$ begin insert into row_versions values (new.id); return null; end $$",
    );
    run(
        &mut world.conn(),
        "create trigger count_versions after update on keys for each row execute function count_version()",
    );
    let began = Instant::now();
    join_all((0..6).map(|_| async {
        for _ in 0..500 {
            world.try_to_verify(&key).await.assert_verdict("VALID", 200);
        }
    }))
    .await;
    let seconds = began.elapsed().as_secs() as i64;
    let recorder = world.node.recorder.clone();
    rt::task::spawn_blocking(move || recorder.flush()).await.unwrap();

    #[derive(QueryableByName)]
    struct Versions {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        count: i64,
    }
    let Versions { count } = diesel::sql_query("select count(*) from row_versions")
        .get_result(&mut world.conn())
        .unwrap();
    assert!((1..=seconds + 2).contains(&count), "{count} writes in {seconds} s");
    let since = Utc::now() - TimeDelta::hours(1);
    assert_eq!(usage::totals_since(&mut world.conn(), key.id, since).unwrap().valid, 3000);
}

/// How long each of so many questions about known keys took, asked one after the other.
async fn timed(world: &World, keys: &[Key], times: usize) -> Vec<Duration> {
    let mut took = Vec::new();
    for key in keys.iter().cycle().take(times) {
        let began = Instant::now();
        world.try_to_verify(key).await.assert_verdict("VALID", 200);
        took.push(began.elapsed());
    }
    took
}

#[track_caller]
fn assert_prompt(mut took: Vec<Duration>) {
    took.sort_unstable();
    let at = |share: usize| took[took.len() * share / 100];
    assert!(at(50) < PROMPTLY / 3 && at(95) < PROMPTLY, "{:?} and {:?}", at(50), at(95));
}
