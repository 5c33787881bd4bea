//! Postgres is away: what is known is answered from memory, what is not is said not to be known.

use std::time::{Duration, Instant};

use actix_web::rt;
use futures_util::future::join_all;
use serde_json::json;

use super::{
    proxy::Mode,
    world::{Answer, Key, Wanted, World},
};

/// The promise is 150 ms; the rest is for a machine that runs many specs at once.
const PROMPTLY: Duration = Duration::from_millis(250);

#[actix_web::test]
async fn known_keys_are_answered_and_unknown_ones_wait_for_better_times() {
    for mode in [Mode::Refuse, Mode::BlackHole, Mode::Slow] {
        let world = World::start().await;
        let (known, unknown) = (world.key(Wanted::default()), world.key(Wanted::default()));
        world.verify_key(&known).await.assert_verdict("VALID", 200);
        world.proxy.set(mode);

        for round in 0..40 {
            let answer = promptly(&world, &known).await;
            answer.assert_verdict("VALID", 200);
            let age: Option<u64> =
                answer.header("x-verify-stale").map(|seconds| seconds.parse().unwrap());
            let cannot_know = promptly(&world, &unknown).await;
            // An answer that comes late is of no use to whoever asked, but it is an answer.
            if mode != Mode::Slow {
                assert!(round <= 20 || (5..60).contains(&age.expect("it says how old it is")));
                cannot_know.assert_problem(503);
                assert_eq!(cannot_know.header("retry-after"), Some("1"));
            }
            if round == 20 {
                // Afterwards memory is no longer fresh.
                rt::time::sleep(Duration::from_millis(5100)).await;
            }
        }
        let another = world.key(Wanted::default());
        let nginx = world.authorize("?for=nginx").bearer_auth(another.secret.reveal());
        Answer::at_once(nginx).await.assert_authorizes(503, "UNAVAILABLE");

        world.proxy.set(Mode::Pass);
        let back_at = Instant::now();
        for key in [&unknown, &known] {
            while !is_answered_from_postgres(&world.try_to_verify(key).await) {
                assert!(back_at.elapsed() < Duration::from_secs(5), "it does not recover");
                rt::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

#[actix_web::test]
async fn however_many_ask_everyone_is_answered_promptly() {
    let world = World::start().await;
    let known = world.key(Wanted::default());
    let unknown: Vec<Key> = (0..50).map(|_| world.key(Wanted::default())).collect();
    world.verify_key(&known).await.assert_verdict("VALID", 200);
    world.proxy.set(Mode::BlackHole);
    let answers = join_all(unknown.iter().flat_map(|key| [key, &known]).map(|key| async {
        let asked_at = Instant::now();
        (key.id == known.id, world.try_to_verify(key).await.status, asked_at.elapsed())
    }));
    for (is_known, status, took) in answers.await {
        assert_eq!(status, if is_known { 200 } else { 503 });
        assert!(took < PROMPTLY * 2, "{took:?} of 100 at once");
    }
}

#[actix_web::test]
async fn a_change_made_here_is_not_undone_by_an_outage() {
    let world = World::start().await;
    let key = world.key(Wanted::default());
    world.verify_key(&key).await.assert_verdict("VALID", 200);
    world.change(&key, "update keys set revoked_at = now() where id = $key");
    world.proxy.set(Mode::Refuse);
    world.try_to_verify(&key).await.assert_problem(503);
}

#[actix_web::test]
async fn a_restarted_postgres_costs_no_request_its_answer() {
    let world = World::start().await;
    let key = world.key(Wanted::default());
    world.verify_key(&key).await.assert_verdict("VALID", 200);
    world.proxy.set(Mode::Refuse);
    world.proxy.set(Mode::Pass);
    for _ in 0..8 {
        let new = world.key(Wanted::default());
        world.try_to_verify(&new).await.assert_verdict("VALID", 200);
    }
}

#[actix_web::test]
async fn a_gateway_that_is_not_known_is_not_told_no_while_it_cannot_be_known() {
    let world = World::start().await;
    world.proxy.set(Mode::Refuse);
    let question = world.node.question(&world.production, &json!({}));
    let answer = Answer::at_once(question).await;
    answer.assert_problem(503);
    assert_eq!(answer.code(), "UNAVAILABLE");
}

fn is_answered_from_postgres(answer: &Answer) -> bool {
    answer.status == 200 && answer.header("x-verify-stale").is_none()
}

async fn promptly(world: &World, key: &Key) -> Answer {
    let asked_at = Instant::now();
    let answer = world.try_to_verify(key).await;
    assert!(asked_at.elapsed() < PROMPTLY, "{:?}", asked_at.elapsed());
    answer
}
