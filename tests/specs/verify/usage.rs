//! What is written down, and what is not.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use futures_util::future::join_all;
use latchkey::{changes::Change, schema::keys, usage};
use serde_json::json;

use super::{
    proxy::Mode,
    world::{Key, Wanted, World, run},
};

#[actix_web::test]
async fn use_is_counted_by_verdict_and_shown_by_day() {
    let world = World::start().await;
    let key = world.key(Wanted::default());
    for _ in 0..7 {
        world.verify_key(&key).await.assert_verdict("VALID", 200);
    }
    let lacking = json!({ "key": key.secret.reveal(), "scopes": ["affiliates:read"] });
    for _ in 0..3 {
        world.verify(lacking.clone()).await.assert_verdict("INSUFFICIENT_SCOPE", 403);
    }
    flush(&world).await;

    let conn = &mut world.conn();
    let days = usage::Pieces::of(usage::Range::Month, Utc::now(), chrono_tz::UTC);
    let chart = usage::chart(conn, key.id, days).unwrap();
    assert_eq!(chart.allowed.counts.len(), 30);
    assert_eq!((chart.allowed.counts[29], chart.allowed.total()), (7, 7));
    assert_eq!((chart.refused[0].code.as_str(), chart.refusals()), ("INSUFFICIENT_SCOPE", 3));
    let totals = usage::totals_since(conn, key.id, Utc::now() - TimeDelta::hours(1)).unwrap();
    assert_eq!((totals.valid, totals.refused), (7, 3));
    assert_eq!(totals.by_code[1], ("INSUFFICIENT_SCOPE".into(), 3));
}

#[actix_web::test]
async fn the_last_use_is_written_in_the_background() {
    let world = World::start().await;
    let key = world.key(Wanted::default());
    let before = Utc::now();
    world.verify_key(&key).await.assert_verdict("VALID", 200);
    flush(&world).await;
    let used = last_used(&world, &key).unwrap();
    assert!(used >= before - TimeDelta::milliseconds(1) && used <= Utc::now());
}

#[actix_web::test]
async fn the_last_use_never_moves_backwards() {
    let world = World::start().await;
    let key = world.key(Wanted::default());
    run(
        &mut world.conn(),
        &format!("update keys set last_used_at = '2999-01-01Z' where id = {}", key.id),
    );
    world.verify_key(&key).await.assert_verdict("VALID", 200);
    flush(&world).await;
    assert_eq!(last_used(&world, &key).unwrap().to_rfc3339(), "2999-01-01T00:00:00+00:00");
}

#[actix_web::test]
async fn a_refused_key_was_not_used() {
    let world = World::start().await;
    let key = world.key(Wanted::default());
    let lacking = json!({ "key": key.secret.reveal(), "scopes": ["affiliates:read"] });
    world.verify(lacking).await.assert_verdict("INSUFFICIENT_SCOPE", 403);
    world.change(&key, "update keys set revoked_at = now() where id = $key");
    world.verify_key(&key).await.assert_verdict("REVOKED", 401);
    flush(&world).await;
    assert_eq!(last_used(&world, &key), None);
}

#[actix_web::test]
async fn a_key_revoked_between_use_and_flush_keeps_its_date() {
    let world = World::start().await;
    let key = world.key(Wanted::default());
    let recorder = world.node.recorder.clone();
    run(&mut world.conn(), &format!("update keys set revoked_at = now() where id = {}", key.id));
    recorder.record(key.id, "VALID", true, Utc::now());
    flush(&world).await;
    assert_eq!(last_used(&world, &key), None);
}

#[actix_web::test]
async fn what_was_counted_while_postgres_was_away_is_written_when_it_is_back() {
    let world = World::start().await;
    let key = world.key(Wanted::default());
    world.verify_key(&key).await.assert_verdict("VALID", 200);
    flush(&world).await;
    world.proxy.set(Mode::Refuse);
    world.verify_key(&key).await.assert_verdict("VALID", 200);
    flush(&world).await;
    world.proxy.set(Mode::Pass);
    world.verify_key(&key).await.assert_verdict("VALID", 200);
    flush(&world).await;
    let since = Utc::now() - TimeDelta::hours(1);
    assert_eq!(usage::totals_since(&mut world.conn(), key.id, since).unwrap().valid, 3);
}

#[actix_web::test]
async fn what_was_committed_without_our_hearing_of_it_is_not_written_twice() {
    let world = World::start().await;
    let key = world.key(Wanted::default());
    let lacking = json!({ "key": key.secret.reveal(), "scopes": ["affiliates:read"] });
    world.verify_key(&key).await.assert_verdict("VALID", 200);
    flush(&world).await;
    world.proxy.lose_the_next_commit();
    world.verify_key(&key).await.assert_verdict("VALID", 200);
    world.verify(lacking).await.assert_verdict("INSUFFICIENT_SCOPE", 403);
    for _ in 0..3 {
        flush(&world).await;
    }
    assert!(world.proxy.has_lost_it());
    world.verify_key(&key).await.assert_verdict("VALID", 200);
    flush(&world).await;
    let since = Utc::now() - TimeDelta::hours(1);
    let totals = usage::totals_since(&mut world.conn(), key.id, since).unwrap();
    assert_eq!((totals.valid, totals.refused), (3, 1));
}

#[actix_web::test]
async fn every_yes_is_counted_once_whatever_happens_to_the_memory_of_its_key() {
    let world = World::start().await;
    let key = world.key(Wanted::default());
    for _ in 0..5 {
        let asked = join_all((0..20).map(|_| world.verify_key(&key)));
        let forgotten = async {
            world.node.engine.forget(Change::Key(key.id));
            flush(&world).await;
            world.node.engine.forget(Change::Key(key.id));
        };
        let (answers, ()) = futures_util::join!(asked, forgotten);
        for answer in &answers {
            answer.assert_verdict("VALID", 200);
        }
    }
    flush(&world).await;
    let since = Utc::now() - TimeDelta::hours(1);
    let totals = usage::totals_since(&mut world.conn(), key.id, since).unwrap();
    assert_eq!((totals.valid, totals.refused), (100, 0));
    assert!(last_used(&world, &key).is_some());
}

#[actix_web::test]
async fn stopping_writes_everything() {
    let world = World::start().await;
    let key = world.key(Wanted::default());
    world.verify_key(&key).await.assert_verdict("VALID", 200);
    let recorder = world.node.recorder.clone();
    actix_web::rt::task::spawn_blocking(move || recorder.stop()).await.unwrap();
    assert!(last_used(&world, &key).is_some());
}

async fn flush(world: &World) {
    let recorder = world.node.recorder.clone();
    actix_web::rt::task::spawn_blocking(move || recorder.flush()).await.unwrap();
}

fn last_used(world: &World, key: &Key) -> Option<DateTime<Utc>> {
    keys::table.find(key.id).select(keys::last_used_at).first(&mut world.conn()).unwrap()
}
