//! Postgres neither answers nor refuses: all its processes stopped, its tables locked, its answers byte by byte. The
//! sockets stay open and the kernel goes on saying that everything arrived.

use std::time::{Duration, Instant};

use actix_web::rt;
use diesel::connection::SimpleConnection;
use latchkey::usage;

use super::{
    proxy::Mode,
    world::{Answer, Key, Wanted, World},
};
use crate::support::database::SpecDatabase;

/// What is promised of every answer. Half of them are allowed to be disturbed by other specs on the same two cores.
const PROMISED: Duration = Duration::from_millis(150);
/// And of these nearly all keep to that.
const DISTURBED: Duration = Duration::from_millis(300);

/// Keys that were used, and keys that were not.
struct Crowd {
    known: Vec<Key>,
    unknown: Vec<Key>,
    took: Vec<Duration>,
}

impl Crowd {
    async fn of(world: &World) -> Self {
        let some = || (0..8).map(|_| world.key(Wanted::default())).collect();
        let crowd = Self { known: some(), unknown: some(), took: Vec::new() };
        for key in &crowd.known {
            world.verify_key(key).await.assert_verdict("VALID", 200);
        }
        crowd
    }

    /// Asks about everybody until that time has passed, and at least once.
    async fn ask_for(&mut self, world: &World, time: Duration) {
        let began = Instant::now();
        loop {
            for number in 0..self.known.len() {
                let known = self.timed(world, number, true).await;
                known.assert_verdict("VALID", 200);
                if let Some(age) = known.header("x-verify-stale") {
                    assert!((1..60).contains(&age.parse::<u64>().unwrap()), "{age}");
                }
                let unknown = self.timed(world, number, false).await;
                unknown.assert_problem(503);
                assert_eq!(unknown.header("retry-after"), Some("1"));
            }
            if began.elapsed() >= time {
                return;
            }
            rt::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn timed(&mut self, world: &World, number: usize, known: bool) -> Answer {
        let key = if known { &self.known[number] } else { &self.unknown[number] };
        let began = Instant::now();
        let answer = world.try_to_verify(key).await;
        self.took.push(began.elapsed());
        answer
    }

    fn assert_was_answered_promptly(&mut self) {
        self.took.sort_unstable();
        let at = |share: usize| self.took[self.took.len() * share / 100];
        assert!(at(50) < PROMISED && at(95) < DISTURBED, "{:?} and {:?}", at(50), at(95));
    }

    /// Everybody is known again within five seconds of Postgres being back.
    async fn assert_recovers(&self, world: &World, back_at: Instant) {
        for key in self.unknown.iter().chain(&self.known) {
            loop {
                let answer = world.try_to_verify(key).await;
                if answer.status == 200 && answer.header("x-verify-stale").is_none() {
                    answer.assert_verdict("VALID", 200);
                    break;
                }
                assert!(back_at.elapsed() < Duration::from_secs(5), "it does not recover");
                rt::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

#[actix_web::test]
async fn a_frozen_postgres_keeps_nobody_waiting_and_nothing_is_lost() {
    let world = World::on(SpecDatabase::create_alone()).await;
    let mut crowd = Crowd::of(&world).await;
    let frozen = world.database.freeze();
    crowd.ask_for(&world, Duration::from_millis(5500)).await;
    let aged = crowd.timed(&world, 0, true).await;
    assert!(aged.header("x-verify-stale").is_some(), "after so long it says how old it is");
    let ready = Answer::at_once(world.node.request(reqwest::Method::GET, "/readyz")).await;
    assert_eq!(ready.status, 503);
    drop(frozen);
    let back_at = Instant::now();
    crowd.assert_was_answered_promptly();
    crowd.assert_recovers(&world, back_at).await;

    // Exact, although nothing could be written for a while.
    let recorder = world.node.recorder.clone();
    rt::task::spawn_blocking(move || recorder.flush()).await.unwrap();
    let since = chrono::Utc::now() - chrono::TimeDelta::hours(1);
    let of = |key: &Key| usage::totals_since(&mut world.conn(), key.id, since).unwrap().valid;
    assert!(of(&crowd.known[0]) > of(&crowd.known[7]), "the first was asked about once more");
}

#[actix_web::test]
async fn tables_that_somebody_has_locked_keep_nobody_waiting() {
    let world = World::start().await;
    let mut crowd = Crowd::of(&world).await;
    let mut lock = world.conn();
    lock.batch_execute("begin; lock table keys, key_secrets, gateways in access exclusive mode")
        .unwrap();
    crowd.ask_for(&world, Duration::from_millis(1500)).await;
    lock.batch_execute("rollback").unwrap();
    let back_at = Instant::now();
    crowd.assert_was_answered_promptly();
    crowd.assert_recovers(&world, back_at).await;
}

#[actix_web::test]
async fn answers_that_come_byte_by_byte_keep_nobody_waiting() {
    let world = World::start().await;
    let mut crowd = Crowd::of(&world).await;
    world.proxy.set(Mode::Trickle);
    crowd.ask_for(&world, Duration::from_millis(800)).await;
    world.proxy.set(Mode::Pass);
    let back_at = Instant::now();
    crowd.assert_was_answered_promptly();
    crowd.assert_recovers(&world, back_at).await;
}
