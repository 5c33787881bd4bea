//! A change is true on the node that answers it before it is answered, and on every other one soon, whatever happens
//! to notifications, connections and processes.

use std::time::{Duration, Instant};

use actix_web::rt;
use diesel::{PgConnection, RunQueryDsl, connection::SimpleConnection, prelude::*};
use futures_util::future::join_all;
use latchkey::{
    schema::{change_receipts, changes},
    users::{self, NewUser, Role, Viewer},
};

use super::fleet::{Fleet, Key};
use crate::{
    support::{Browser, PASSWORD, Program},
    verify::{
        proxy::{Mode, Proxy},
        world::{Wanted, World, run},
    },
};

/// Somebody signed in there who may revoke.
async fn administrator(fleet: &Fleet, node: &Program) -> Browser {
    let (conn, operator) = (&mut fleet.conn(), Viewer::operator());
    let email = "ada@example.com".to_owned();
    let new = NewUser { email, name: "Ada".into(), role: Role::Administrator, api_access: false };
    let ada = users::commands::add(conn, &operator, &new).unwrap();
    let hash = users::passwords::hash(PASSWORD).unwrap();
    users::commands::set_password(conn, &operator, ada.id, &hash).unwrap();
    let mut browser = node.visitor();
    let fields = [("email", "ada@example.com"), ("password", PASSWORD), ("next", "/keys")];
    browser.post("/sign-in", &fields).await.assert_status(303);
    browser
}

/// Revokes these keys on one node, where each is refused from then on; for how long each was still accepted on the
/// other.
async fn round(
    fleet: &Fleet,
    (here, there): (&Program, &Program),
    ada: &mut Browser,
    keys: &[Key],
) -> Vec<Duration> {
    let client = reqwest::Client::new();
    for key in keys {
        assert_eq!(fleet.code(&client, here, key).await, "VALID");
        assert_eq!(fleet.code(&client, there, key).await, "VALID");
    }
    let mut ticked: Vec<(&str, &str)> =
        keys.iter().map(|key| ("key", key.public_key.as_str())).collect();
    let count = keys.len().to_string();
    ticked.push(("typed", &count));
    // Here keys are called as they are spelled.
    let typed = [("typed", keys[0].public_key.as_str())];
    let (address, fields) = match keys {
        [key] => (format!("/keys/{}/revoke", key.public_key), &typed[..]),
        _ => ("/keys/bulk/revoke".to_owned(), &ticked[..]),
    };
    // A machine that runs many specs at once may be busy, and then says that nothing was changed.
    let mut answer = ada.post(&address, fields).await;
    for _ in 0..5 {
        if answer.status() == 503 {
            rt::time::sleep(Duration::from_millis(300)).await;
            answer = ada.post(&address, fields).await;
        }
    }
    answer.assert_status(303);
    let answered_at = Instant::now();
    for code in join_all(keys.iter().map(|key| fleet.code(&client, here, key))).await {
        assert_eq!(code, "REVOKED", "by the very next request");
    }
    let accepted = keys.iter().map(async |key| {
        let mut accepted = Duration::ZERO;
        loop {
            let asked_after = answered_at.elapsed();
            if fleet.code(&client, there, key).await == "REVOKED" {
                return accepted;
            }
            accepted = asked_after;
            assert!(accepted < Duration::from_secs(10), "it never is");
        }
    });
    join_all(accepted).await
}

/// How long a change took to be applied, for 99 % of all nodes and changes, in milliseconds.
fn applied_after(conn: &mut PgConnection) -> i64 {
    let after = diesel::dsl::sql::<diesel::sql_types::BigInt>(
        "(extract(epoch from percentile_disc(0.99) within group (order by applied_at - changes.at)) * 1000)::bigint",
    );
    change_receipts::table.inner_join(changes::table).select(after).first(conn).unwrap()
}

#[actix_web::test]
async fn a_thousand_revoked_keys_are_refused_at_once_here_and_within_a_second_there() {
    let fleet = Fleet::gather();
    let (here, there) = (Program::serve(&fleet.database.url), Program::serve(&fleet.database.url));
    let ada = administrator(&fleet, &here).await;
    let keys = fleet.keys(1_000);
    // A few one by one, the rest many at a time, several at once.
    let (one_by_one, together) = keys.split_at(40);
    let rounds: Vec<&[Key]> = one_by_one.chunks(1).chain(together.chunks(16)).collect();
    let lanes = rounds.chunks(rounds.len().div_ceil(4)).map(|rounds| {
        let (mut ada, fleet, nodes) = (ada.clone(), &fleet, (&here, &there));
        async move {
            let mut after = Vec::new();
            for keys in rounds {
                after.extend(round(fleet, nodes, &mut ada, keys).await);
            }
            after
        }
    });
    let mut accepted: Vec<Duration> = join_all(lanes).await.concat();
    accepted.sort();
    let (p99, last) = (accepted[accepted.len() * 99 / 100], accepted[accepted.len() - 1]);
    let applied_after = applied_after(&mut fleet.conn());
    println!(
        "{} keys: applied after {applied_after} ms (p99), accepted for {p99:?} (p99), {last:?} at most",
        accepted.len()
    );
    assert_eq!(accepted.len(), 1_000);
    assert!(p99 < Duration::from_secs(1), "{p99:?}");
    assert!(applied_after < 1_000, "{applied_after} ms");
    assert!(last < Duration::from_secs(5), "{last:?}");

    // And they stay revoked, whoever is asked.
    drop(here);
    let restarted = Program::serve(&fleet.database.url);
    let client = reqwest::Client::new();
    for key in keys.iter().step_by(100) {
        assert_eq!(fleet.code(&client, &restarted, key).await, "REVOKED");
    }
}

#[actix_web::test]
async fn a_listener_that_is_cut_off_again_and_again_misses_nothing() {
    let fleet = Fleet::gather();
    let node = Program::serve(&fleet.database.url);
    fleet.are_there(1).await;
    let keys = fleet.keys(12);
    let client = reqwest::Client::new();
    for key in &keys {
        assert_eq!(fleet.code(&client, &node, key).await, "VALID");
        cut_off_listeners(&mut fleet.conn());
        fleet.revoke_by_hand(key);
        let after = fleet.refused_after(&node, key).await;
        assert!(after < Duration::from_secs(5), "{after:?}");
    }
}

#[actix_web::test]
async fn changes_that_a_dump_brought_from_another_cluster_are_no_news() {
    let world = World::start().await;
    let key = world.key(Wanted::default());
    let conn = &mut world.conn();
    let far = "(pg_current_xact_id()::text::bigint + 1000000)";
    conn.batch_execute(&format!(
        "insert into changes (xid, what, row_id, status) values ({far}, 'key', {}, 'active')",
        key.id
    ))
    .unwrap();
    world.verify_key(&key).await.assert_verdict("VALID", 200);
    let known_at = Instant::now();
    while known_at.elapsed() < Duration::from_millis(2200) {
        world.verify_key(&key).await.assert_verdict("VALID", 200);
        rt::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(world.proxy.look_ups(&key.secret), 1, "it was not applied again and again");

    latchkey::changes::sweep(conn).unwrap();
    let left = changes::table.filter(changes::what.eq("key")).count().get_result::<i64>(conn);
    assert_eq!(left, Ok(0), "and it is swept away");
}

fn cut_off_listeners(conn: &mut PgConnection) {
    conn.batch_execute(
        "select pg_terminate_backend(pid) from pg_stat_activity
         where application_name = 'latchkey changes' and datname = current_database()",
    )
    .unwrap();
}

#[actix_web::test]
async fn a_node_that_hears_no_notification_reads_of_every_change_however_late_it_is_committed() {
    let fleet = Fleet::gather();
    let proxy = Proxy::before(&fleet.database.url).deafen();
    let node = Program::serve(&proxy.url);
    let (early, late) = (fleet.key(), fleet.key());
    let client = reqwest::Client::new();
    for key in [&early, &late] {
        assert_eq!(fleet.code(&client, &node, key).await, "VALID");
    }
    // The later transaction is committed first: what is read next is past the earlier one.
    let mut earlier = fleet.conn();
    let revoke = |key: &Key| format!("update keys set revoked_at = now() where id = {}", key.id);
    earlier.batch_execute(&format!("begin; {}", revoke(&late))).unwrap();
    fleet.revoke_by_hand(&early);
    let after = fleet.refused_after(&node, &early).await;
    assert!(after < Duration::from_secs(5), "{after:?}");
    assert_eq!(fleet.code(&client, &node, &late).await, "VALID");
    earlier.batch_execute("commit").unwrap();
    let after = fleet.refused_after(&node, &late).await;
    assert!(after < Duration::from_secs(5), "{after:?}");
}

#[actix_web::test]
async fn a_node_that_was_frozen_asks_before_it_answers() {
    let fleet = Fleet::gather();
    let node = Program::serve(&fleet.database.url);
    let keys = fleet.keys(8);
    let client = reqwest::Client::new();
    for key in &keys {
        assert_eq!(fleet.code(&client, &node, key).await, "VALID");
    }
    node.freeze();
    keys.iter().for_each(|key| fleet.revoke_by_hand(key));
    rt::time::sleep(Duration::from_millis(5100)).await;
    // Over new connections: it closes those that were idle for so long.
    let client = reqwest::Client::new();
    let answers = join_all(keys.iter().map(|key| fleet.ask(&client, &node, key)));
    let thaw = async {
        rt::time::sleep(Duration::from_millis(50)).await;
        node.thaw();
    };
    for answer in futures_util::join!(answers, thaw).0 {
        // It may have lost patience with whoever asked while it was frozen.
        let is_true = answer.status != 200 || answer.code() == "REVOKED";
        assert!(is_true, "{}", answer.text);
    }
    for key in &keys {
        assert!(fleet.refused_after(&node, key).await < Duration::from_secs(5));
    }
}

#[actix_web::test]
async fn what_nobody_changed_is_asked_once_however_long_it_is_known_and_whoever_is_cut_off() {
    let world = World::start().await;
    let key = world.key(Wanted::default());
    world.verify_key(&key).await.assert_verdict("VALID", 200);
    let known_at = Instant::now();
    cut_off_listeners(&mut world.conn());
    while known_at.elapsed() < Duration::from_millis(5500) {
        world.verify_key(&key).await.assert_verdict("VALID", 200);
        rt::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(world.node.engine.hears_changes());
    assert_eq!(world.proxy.look_ups(&key.secret), 1);
}

#[actix_web::test]
async fn a_node_that_is_cut_off_never_says_yes_as_if_it_knew() {
    let world = World::start().await;
    let key = world.key(Wanted::default());
    world.verify_key(&key).await.assert_verdict("VALID", 200);
    world.proxy.set(Mode::BlackHole);
    run(&mut world.conn(), &format!("update keys set revoked_at = now() where id = {}", key.id));
    let revoked_at = Instant::now();
    while revoked_at.elapsed() < Duration::from_millis(7000) {
        let asked_at = revoked_at.elapsed();
        let answer = world.try_to_verify(&key).await;
        let knows_that_it_is_old = answer.header("x-verify-stale").is_some();
        assert!(
            answer.status == 503 || knows_that_it_is_old || asked_at < Duration::from_secs(5),
            "{asked_at:?}: {}",
            answer.text
        );
        rt::time::sleep(Duration::from_millis(100)).await;
    }
    world.proxy.set(Mode::Pass);
    let back_at = Instant::now();
    while world.try_to_verify(&key).await.code() != "REVOKED" {
        assert!(back_at.elapsed() < Duration::from_secs(5), "it does not catch up");
        rt::time::sleep(Duration::from_millis(20)).await;
    }
    // And says so: the connection was never lost, so nothing has to be forgotten.
    let receipts = || change_receipts::table.count().get_result::<i64>(&mut world.conn()).unwrap();
    while receipts() == 0 {
        assert!(back_at.elapsed() < Duration::from_secs(10), "nobody is told");
        rt::time::sleep(Duration::from_millis(20)).await;
    }
}
