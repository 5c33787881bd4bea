//! Time passes, or a clock jumps: real processes whose clocks are set while they run.

use std::time::{Duration, Instant};

use actix_web::rt;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use latchkey::schema::keys;
use serde_json::json;

use super::fleet::Fleet;
use crate::{
    support::{Clock, Moves, Program},
    verify::{
        proxy::{Mode, Proxy},
        world::{Answer, Key, Wanted, World},
    },
};

#[actix_web::test]
async fn a_node_that_is_cut_off_answers_from_memory_for_a_minute_and_then_cannot_know() {
    for mode in [Mode::BlackHole, Mode::Refuse] {
        let fleet = Fleet::gather();
        let (proxy, clock) = (Proxy::before(&fleet.database.url), Clock::new(Moves::Time));
        let here = Program::serve(&fleet.database.url);
        let there = Program::serve_with(&proxy.url, &clock.settings());
        let (kept, revoked, unknown) = (fleet.key(), fleet.key(), fleet.key());
        let client = reqwest::Client::new();
        for key in [&kept, &revoked] {
            assert_eq!(fleet.code(&client, &there, key).await, "VALID");
        }

        proxy.set(mode);
        fleet.revoke_by_hand(&revoked);
        assert!(fleet.refused_after(&here, &revoked).await < Duration::from_secs(5));
        for passed in [6, 30, 45] {
            let client = travel(&clock, passed, &there).await;
            for key in [&kept, &revoked] {
                let answer = fleet.ask(&client, &there, key).await;
                answer.assert_verdict("VALID", 200);
                let age: i64 =
                    answer.header("x-verify-stale").expect("it says so").parse().unwrap();
                assert!((passed..60).contains(&age), "{age} s after {passed}");
            }
            assert_cannot_know(&fleet.ask(&client, &there, &unknown).await);
        }
        for passed in [60, 61, 90] {
            let client = travel(&clock, passed, &there).await;
            for _ in 0..20 {
                for key in [&kept, &revoked, &unknown] {
                    assert_cannot_know(&fleet.ask(&client, &there, key).await);
                }
            }
            let address = format!("http://{}/v1/authorize", there.address);
            let forward = client.get(address).header("X-Gateway-Token", &fleet.token);
            let forward = forward.bearer_auth(kept.secret.reveal());
            Answer::at_once(forward).await.assert_authorizes(503, "UNAVAILABLE");
        }
        assert_eq!(readiness(&client, &there).await.status, 503);

        proxy.set(Mode::Pass);
        let back_at = Instant::now();
        for (key, code) in [(&revoked, "REVOKED"), (&kept, "VALID")] {
            loop {
                let answer = fleet.ask(&client, &there, key).await;
                if answer.status == 200 {
                    assert_eq!(
                        (answer.code().as_str(), answer.header("x-verify-stale")),
                        (code, None)
                    );
                    break;
                }
                assert_cannot_know(&answer);
                assert!(back_at.elapsed() < Duration::from_secs(5), "it does not recover");
                rt::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

/// Sets the clock, and waits until everything there goes by it: actix looks at it twice a second. The answer has no
/// connections yet; those that there were may be too old now.
async fn travel(clock: &Clock, seconds: i64, node: &Program) -> reqwest::Client {
    clock.set(seconds);
    let began = Instant::now();
    loop {
        // Over a new connection: the head of a request is late for a clock that has just jumped.
        let asked = reqwest::get(format!("http://{}/healthz", node.address)).await;
        let is_there = asked.is_ok_and(|answer| answer.status() == 200);
        if is_there && began.elapsed() > Duration::from_millis(600) {
            return reqwest::Client::new();
        }
        assert!(began.elapsed() < Duration::from_secs(10), "it does not answer");
        rt::time::sleep(Duration::from_millis(50)).await;
    }
}

fn assert_cannot_know(answer: &Answer) {
    answer.assert_problem(503);
    assert_eq!((answer.code().as_str(), answer.header("retry-after")), ("UNAVAILABLE", Some("1")));
}

#[actix_web::test]
async fn a_clock_that_jumps_revives_no_key_and_neither_locks_nor_frees_a_limit() {
    let (world, clock) = (World::start().await, Clock::new(Moves::Wall));
    let mut node = Program::serve_with(&world.database.url, &clock.settings());
    let client = reqwest::Client::new();
    let half_an_hour = TimeDelta::minutes(30);
    let until = |expires_at: DateTime<Utc>| {
        world.key(Wanted { expires_at: Some(expires_at), ..Wanted::default() })
    };
    let limited = |requests, seconds| {
        world.key(Wanted { limits: &[(requests, seconds)], ..Wanted::default() })
    };
    let code = async |key: &Key| {
        let question = json!({ "key": key.secret.reveal() });
        let address = format!("http://{}/v1/verify", node.address);
        let asked = client.post(address).bearer_auth(&world.production).json(&question);
        Answer::to(asked).await.code()
    };
    let (endless, later) = (world.key(Wanted::default()), until(Utc::now() + half_an_hour));
    let over = until(Utc::now() - half_an_hour);
    let (hourly, secondly) = (limited(1, 86_400), limited(1, 1));
    let ends_at = Utc::now() + TimeDelta::seconds(4);
    let ending = until(ends_at);
    for key in [&ending, &endless, &later, &hourly] {
        assert_eq!(code(key).await, "VALID");
    }

    for jump in [-3600, 3600, 0] {
        clock.set(jump);
        assert_eq!(code(&over).await, "EXPIRED", "{jump}");
        assert_eq!(code(&endless).await, "VALID", "{jump}");
        assert_eq!(code(&hourly).await, "RATE_LIMITED", "nothing is given back by {jump}");
        // A key that one of the clocks says is over waits for the clock to be put right.
        assert_eq!(code(&later).await, if jump > 0 { "EXPIRED" } else { "VALID" });
        let jumped_at = Instant::now();
        loop {
            let is_over = Utc::now() >= ends_at;
            let answer = code(&ending).await;
            assert!(answer == "EXPIRED" || !is_over, "{jump}: {answer}");
            if is_over {
                break;
            }
            assert!(jumped_at.elapsed() < Duration::from_secs(10));
            rt::time::sleep(Duration::from_millis(20)).await;
        }
        while code(&secondly).await != "VALID" {
            assert!(jumped_at.elapsed() < Duration::from_secs(10), "locked by {jump}");
            rt::time::sleep(Duration::from_millis(100)).await;
        }
        let ready = readiness(&client, &node).await;
        let says = format!("the clock differs from that of Postgres by {}", jump.abs());
        match jump {
            0 => assert_eq!((ready.status, ready.text.as_str()), (200, "ready\n")),
            _ => assert!(ready.status == 503 && ready.text.contains(&says), "{}", ready.text),
        }
    }

    // And what is counted is counted when it was.
    node.terminate();
    assert!(node.ended_within(Duration::from_secs(10)).is_some());
    let found = keys::table.find(endless.id).select(keys::last_used_at);
    let used: Option<DateTime<Utc>> = found.first(&mut world.conn()).unwrap();
    let age = Utc::now() - used.expect("it was used");
    assert!(age > TimeDelta::seconds(-1) && age < TimeDelta::minutes(5), "{age}");
}

async fn readiness(client: &reqwest::Client, node: &Program) -> Answer {
    Answer::at_once(client.get(format!("http://{}/readyz", node.address))).await
}
