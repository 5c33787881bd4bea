//! How often a key may be used, counted by several nodes in one Redis.

use std::time::{Duration, Instant};

use actix_web::rt;
use futures_util::future::join_all;
use latchkey::limits::{Limit, Mode, decide};
use serde_json::json;

use super::{
    proxy::{self, Proxy},
    world::{Answer, Key, Node, Wanted, World},
};
use crate::support::Redis;

/// The promise is 150 ms; the rest is for a machine that runs many specs at once.
const PROMPTLY: Duration = Duration::from_millis(500);

struct Nodes {
    world: World,
    one: Node,
    other: Node,
}

impl Nodes {
    async fn at(redis_url: &str) -> Self {
        let world = World::start().await;
        let start = || world.another_node_with(&[("REDIS_URL", redis_url)]);
        let (one, other) = (start(), start());
        for node in [&one, &other] {
            until(|| node.engine.limits_mode() == Mode::Shared).await;
        }
        Self { one, other, world }
    }

    fn key(&self, limits: &[(i32, i32)]) -> Key {
        self.world.key(Wanted { limits, ..Wanted::default() })
    }

    async fn ask(&self, node: &Node, key: &Key) -> Answer {
        node.verify(&self.world.production, json!({ "key": key.secret.reveal() })).await
    }

    /// Asks once, and is answered whatever Redis does.
    async fn ask_promptly(&self, node: &Node, key: &Key) -> bool {
        let asked_at = Instant::now();
        let question = json!({ "key": key.secret.reveal() });
        let answer = Answer::at_once(node.question(&self.world.production, &question)).await;
        assert!(asked_at.elapsed() < PROMPTLY, "{:?}", asked_at.elapsed());
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.code() == "VALID"
    }

    /// How often Redis should have decided and did not.
    fn fallbacks(&self) -> u64 {
        [&self.one, &self.other].iter().map(|node| node.engine.limits_counts().fallbacks).sum()
    }
}

/// What the limits promise holds while Redis answers in time. On a machine that runs many specs at once it may not:
/// then it is tried again.
async fn while_redis_answers<T>(nodes: &Nodes, scene: impl AsyncFn() -> Result<T, String>) -> T {
    for _ in 0..5 {
        let before = nodes.fallbacks();
        let outcome = scene().await;
        if nodes.fallbacks() == before {
            return outcome.unwrap();
        }
        until(|| nodes.one.engine.limits_mode() == Mode::Shared).await;
        until(|| nodes.other.engine.limits_mode() == Mode::Shared).await;
    }
    panic!("this machine is too slow for its Redis");
}

async fn until(condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(5), "it does not happen within 5 s");
        rt::time::sleep(Duration::from_millis(10)).await;
    }
}

fn is_away(node: &Node) -> bool {
    matches!(node.engine.limits_mode(), Mode::SharedAway { .. })
}

#[actix_web::test]
async fn two_nodes_admit_together_exactly_what_one_may() {
    let redis = Redis::start();
    let nodes = Nodes::at(&redis.url).await;
    while_redis_answers(&nodes, async || {
        let key = nodes.key(&[(25, 86_400)]);
        let asked = (0..50).flat_map(|_| [&nodes.one, &nodes.other]);
        let answers = join_all(asked.map(|node| nodes.ask(node, &key))).await;
        let valid = answers.iter().filter(|answer| answer.code() == "VALID").count();
        if valid == 25 { Ok(()) } else { Err(format!("{valid} of 25")) }
    })
    .await;
}

#[actix_web::test]
async fn a_refusal_on_one_node_spends_nothing_on_the_other() {
    let redis = Redis::start();
    let nodes = Nodes::at(&redis.url).await;
    while_redis_answers(&nodes, async || {
        let key = nodes.key(&[(2, 60), (10, 86_400)]);
        for node in [&nodes.one, &nodes.other] {
            nodes.ask(node, &key).await.assert_verdict("VALID", 200);
        }
        for node in [&nodes.one, &nodes.other].repeat(5) {
            let refused = nodes.ask(node, &key).await;
            let standing = refused.header("ratelimit").unwrap_or_default().to_owned();
            if !standing.contains(r#""minute";r=0;"#) || !standing.contains(r#""day";r=8;"#) {
                return Err(standing);
            }
            refused.assert_verdict("RATE_LIMITED", 429);
            assert!((25..=30).contains(&refused.header("retry-after").unwrap().parse().unwrap()));
        }
        Ok(())
    })
    .await;
}

#[actix_web::test]
async fn neither_a_new_node_nor_a_forgotten_script_forgets_what_was_spent() {
    let redis = Redis::start();
    let nodes = Nodes::at(&redis.url).await;
    while_redis_answers(&nodes, async || {
        let key = nodes.key(&[(4, 86_400)]);
        for node in [&nodes.one, &nodes.other] {
            nodes.ask(node, &key).await.assert_verdict("VALID", 200);
        }
        redis.ask("SCRIPT FLUSH");
        let new = nodes.world.another_node_with(&[("REDIS_URL", &redis.url)]);
        let answer = nodes.ask(&new, &key).await;
        if new.engine.limits_counts().fallbacks > 0 {
            return Ok(()); // too slow, and no loss to be tried once less
        }
        match answer.json()["rate_limit"]["remaining"].as_u64() {
            Some(1) => Ok(()),
            _ => Err(answer.text),
        }
    })
    .await;
}

#[actix_web::test]
async fn without_redis_each_node_goes_on_from_what_it_knows() {
    let mut redis = Redis::start();
    let nodes = Nodes::at(&redis.url).await;
    let (one, other) = (&nodes.one, &nodes.other);
    let key = while_redis_answers(&nodes, async || {
        let key = nodes.key(&[(10, 86_400)]);
        for node in [one, one, one, other, other] {
            nodes.ask(node, &key).await.assert_verdict("VALID", 200);
        }
        Ok(key)
    })
    .await;

    redis.kill();
    let mut admitted = [0, 0];
    for _ in 0..15 {
        for (count, node) in admitted.iter_mut().zip([one, other]) {
            *count += usize::from(nodes.ask_promptly(node, &key).await);
        }
    }
    assert_eq!(admitted[1], 5, "it knows of all five");
    assert!((5..=7).contains(&admitted[0]), "it knows of its own three at least: {admitted:?}");
    until(|| is_away(one) && is_away(other)).await;
    assert!(nodes.fallbacks() >= 30);

    redis.start_again();
    until(|| one.engine.limits_mode() == Mode::Shared).await;
    until(|| other.engine.limits_mode() == Mode::Shared).await;
    while_redis_answers(&nodes, async || {
        let before = one.engine.limits_counts().shared;
        for node in [one, other] {
            nodes.ask(node, &key).await.assert_verdict("RATE_LIMITED", 429);
        }
        if one.engine.limits_counts().shared == before {
            return Err("Redis was not asked".into());
        }
        // Somebody who knows nothing of it hears it from Redis, which has heard it from the nodes.
        let new = nodes.world.another_node_with(&[("REDIS_URL", &redis.url)]);
        match nodes.ask(&new, &key).await.code().as_str() {
            "RATE_LIMITED" => Ok(()),
            code => Err(code.to_owned()),
        }
    })
    .await;
}

#[actix_web::test]
async fn a_redis_that_does_not_answer_delays_nobody_for_long() {
    let redis = Redis::start();
    let proxy = Proxy::before_redis(&redis);
    let nodes = Nodes::at(&proxy.url).await;
    let key = nodes.key(&[(5, 86_400)]);
    for mode in [proxy::Mode::BlackHole, proxy::Mode::Refuse, proxy::Mode::Slow] {
        let free = nodes.key(&[(1_000_000, 86_400)]);
        assert!(nodes.ask(&nodes.one, &free).await.code() == "VALID");
        proxy.set(mode);
        let at_once = join_all((0..20).map(|_| nodes.ask_promptly(&nodes.one, &free))).await;
        assert!(at_once.into_iter().all(|valid| valid), "a wide limit refuses nobody");
        for _ in 0..7 {
            nodes.ask_promptly(&nodes.one, &key).await;
        }
        assert!(!nodes.ask_promptly(&nodes.one, &key).await, "it is still limited");
        until(|| is_away(&nodes.one)).await;
        proxy.set(proxy::Mode::Pass);
        until(|| nodes.one.engine.limits_mode() == Mode::Shared).await;
    }
    redis.freeze();
    assert!(!nodes.ask_promptly(&nodes.one, &key).await);
    until(|| is_away(&nodes.one)).await;
    redis.thaw();
    until(|| nodes.one.engine.limits_mode() == Mode::Shared).await;
}

#[actix_web::test]
async fn a_redis_that_cannot_write_is_as_good_as_none() {
    let redis = Redis::start();
    let nodes = Nodes::at(&redis.url).await;
    let key = nodes.key(&[(5, 86_400)]);
    nodes.ask(&nodes.one, &key).await.assert_verdict("VALID", 200);
    redis.ask("CONFIG SET min-replicas-to-write 1");
    let mut valid = 0;
    for _ in 0..10 {
        valid += usize::from(nodes.ask_promptly(&nodes.one, &key).await);
    }
    assert_eq!(valid, 4);
    until(|| is_away(&nodes.one)).await;
    redis.ask("CONFIG SET min-replicas-to-write 0");
    until(|| nodes.one.engine.limits_mode() == Mode::Shared).await;
}

#[actix_web::test]
async fn a_redis_that_comes_later_is_used_from_then_on() {
    let mut redis = Redis::start();
    redis.kill();
    let world = World::start().await;
    let node = world.another_node_with(&[("REDIS_URL", &redis.url)]);
    assert!(is_away(&node));
    let key = world.key(Wanted { limits: &[(2, 86_400)], ..Wanted::default() });
    let question = json!({ "key": key.secret.reveal() });
    node.verify(&world.production, question.clone()).await.assert_verdict("VALID", 200);
    redis.start_again();
    until(|| node.engine.limits_mode() == Mode::Shared).await;
    let second = node.verify(&world.production, question).await;
    assert_eq!(second.json()["rate_limit"]["remaining"], 0, "the first is not forgotten");
}

#[actix_web::test]
async fn a_clock_that_is_put_back_locks_nobody_for_long() {
    let redis = Redis::start();
    let nodes = Nodes::at(&redis.url).await;
    while_redis_answers(&nodes, async || {
        let key = nodes.key(&[(1, 1)]);
        let counter = format!("latchkey:limit:{{{}}}:1", key.public_key);
        let in_the_future = "9007199254740000 1000000000 1000000000";
        redis.ask(&format!("SET {counter} \"{in_the_future}\""));
        if nodes.ask(&nodes.one, &key).await.code() != "RATE_LIMITED" {
            return Err("what is stored counts".into());
        }
        let began = Instant::now();
        while nodes.ask(&nodes.other, &key).await.code() != "VALID" {
            if began.elapsed() > Duration::from_secs(5) {
                return Err("it is locked until then".into());
            }
            rt::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    })
    .await;

    let key = nodes.key(&[(1, 60)]);
    redis.ask(&format!("SET latchkey:limit:{{{}}}:60 nonsense", key.public_key));
    nodes.ask(&nodes.one, &key).await.assert_verdict("VALID", 200);
}

#[actix_web::test]
async fn many_connections_over_the_limit_get_the_burst_and_what_comes_back() {
    let redis = Redis::start();
    let nodes = Nodes::at(&redis.url).await;
    const RATE: u32 = 20;
    while_redis_answers(&nodes, async || {
        for node in [&nodes.world.node, &nodes.one] {
            let key = nodes.key(&[(RATE as i32, 1)]);
            let began = Instant::now();
            let connections = (0..50).map(async |_| {
                let mut valid = 0;
                for _ in 0..4 {
                    valid += u32::from(nodes.ask(node, &key).await.code() == "VALID");
                }
                valid
            });
            let admitted: u32 = join_all(connections).await.into_iter().sum();
            let most = f64::from(RATE) * (1.0 + began.elapsed().as_secs_f64());
            if admitted < RATE || f64::from(admitted) > most {
                return Err(format!("{admitted} of at most {most}"));
            }
        }
        Ok(())
    })
    .await;
}

/// The same random questions, with limits that change, to the script and to the arithmetic it has to agree with.
#[test]
fn redis_decides_as_a_node_does() {
    /// What the script asks Redis, with a clock that stands where the spec says, and without time to forget in.
    const ON_OUR_CLOCK: &str = "local real, clock = redis, { ARGV[#ARGV - 1], ARGV[#ARGV] } \
        local redis = { call = function(command, key, value) \
          if command == 'TIME' then return clock end \
          if command == 'SET' then return real.call('SET', key, value) end \
          return real.call(command, key) \
        end }\n";
    let redis = Redis::start();
    let script = [ON_OUR_CLOCK, include_str!("../../../src/limits/spend.lua")].concat();
    let script = redis::Script::new(&script);
    let client = redis::Client::open(redis.url.as_str()).unwrap();
    let mut conn = client.get_connection().unwrap();

    let mut seed = 42_u64;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % below
    };
    let choices = [(1, 1), (7, 1), (999_999, 1), (60, 60), (13, 60), (1000, 3600), (1, 86_400)];
    let mut admissions = 0;
    for round in 0..20 {
        let mut micros = 1_795_212_000_000_000_u64 + random(1_000_000);
        // By window: how much is left until it is whole, when, and under which limit.
        let mut model: Vec<(u32, u64, Limit)> = Vec::new();
        for _ in 0..100 {
            micros += [0, 1, random(1000), random(500_000), random(90_000_000)][random(5) as usize];
            let now = micros * 1000;
            let (requests, per_seconds) = choices[random(7) as usize];
            // Now and then the limit is another than before.
            let requests = if random(6) == 0 { requests * 3 } else { requests };
            let mut limits = vec![Limit { requests, per_seconds }];
            if random(2) == 0 {
                let per_seconds = if per_seconds == 3600 { 86_400 } else { 3600 };
                limits.push(Limit { requests: 50 + random(3) as u32, per_seconds });
            }
            let cost = 1 + random(3) as u32;

            let tats: Vec<u64> = limits
                .iter()
                .map(|limit| {
                    let known = model.iter().find(|(window, ..)| *window == limit.per_seconds);
                    known.map_or(now, |(_, tat, before)| limit.carry_over(*tat, now, *before))
                })
                .collect();
            let expected: Vec<u64> = tats.iter().map(|tat| tat.saturating_sub(now)).collect();

            let mut question = script.prepare_invoke();
            question.arg(cost);
            for limit in &limits {
                question.key(format!("{round}:{}", limit.per_seconds));
                question.arg(limit.requests).arg(limit.interval()).arg(0);
            }
            question.arg(micros / 1_000_000).arg(micros % 1_000_000);
            let backlogs: Vec<u64> = question.invoke(&mut conn).unwrap();
            assert_eq!(backlogs, expected, "{limits:?} at {micros}");

            let decisions: Vec<_> = limits
                .iter()
                .zip(&tats)
                .map(|(limit, tat)| decide(*tat, now, cost, *limit))
                .collect();
            if decisions.iter().all(|decision| decision.is_admitted()) {
                admissions += 1;
                for (limit, tat) in limits.iter().zip(tats) {
                    let tat = tat.max(now) + u64::from(cost) * limit.interval();
                    model.retain(|(window, ..)| *window != limit.per_seconds);
                    model.push((limit.per_seconds, tat, *limit));
                }
            }
        }
    }
    assert!((200..1800).contains(&admissions), "{admissions} of 2000: both happen");
}
