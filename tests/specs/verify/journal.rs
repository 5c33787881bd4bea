//! Counting the use of many keys within a second: written down in short, added later, never lost and never twice.

use std::time::{Duration, Instant};

use actix_web::rt;
use chrono::Utc;
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query, sql_types::BigInt};
use futures_util::{
    future::{join, join_all},
    join,
};
use reqwest::Client;
use serde_json::json;

use super::world::{Answer, Key, Node, Wanted, World, run};
use crate::support::{Program, allow_many_connections};

/// More than are added one by one.
const KEYS: usize = 400;

#[actix_web::test]
async fn the_use_of_many_keys_is_counted_exactly_while_it_is_added() {
    let (world, keys) = many_keys().await;
    let before = Utc::now();
    for _ in 0..3 {
        join(ask_all(&world, &world.node, &keys), flush(&world.node)).await;
    }
    flush(&world.node).await;
    assert!(rows_written_down(&world) > 0, "and it was not written down in short");
    assert_counted(&world, &keys, 3);
    let used = number(
        &mut world.conn(),
        &format!(
            "select count(*) as number from keys where last_used_at between '{before}' and clock_timestamp()"
        ),
    );
    assert_eq!(used as usize, KEYS);
}

#[actix_web::test]
async fn refusals_of_many_keys_are_no_uses() {
    let (world, keys) = many_keys().await;
    join_all(keys.iter().map(async |key| {
        let lacking = json!({ "key": key.secret.reveal(), "scopes": ["affiliates:read"] });
        world.verify(lacking).await.assert_verdict("INSUFFICIENT_SCOPE", 403);
    }))
    .await;
    flush(&world.node).await;
    let conn = &mut world.conn();
    assert!(rows_written_down(&world) > 0);
    let refused = "select sum(requests)::bigint as number from usage_minutes where code = 'INSUFFICIENT_SCOPE'";
    assert_eq!(number(conn, refused) as usize, KEYS);
    assert_eq!(number(conn, "select count(last_used_at) as number from keys"), 0);
}

#[actix_web::test]
async fn what_is_due_is_added_though_nobody_asks_for_it() {
    let (world, keys) = many_keys().await;
    ask_all(&world, &world.node, &keys).await;
    let began = Instant::now();
    while number(&mut world.conn(), ADDED) < KEYS as i64 {
        assert!(began.elapsed() < Duration::from_secs(35), "the last use may lag 30 s");
        rt::time::sleep(Duration::from_millis(50)).await;
    }
    assert_counted(&world, &keys, 1);
}

#[actix_web::test]
async fn nodes_that_add_at_once_add_nothing_twice() {
    let (world, keys) = many_keys().await;
    let other = world.another_node();
    for _ in 0..3 {
        let asked = join(ask_all(&world, &world.node, &keys), ask_all(&world, &other, &keys));
        let added = join_all([&world.node, &other, &world.node, &other].map(flush));
        join!(asked, added);
    }
    join(flush(&world.node), flush(&other)).await;
    assert_counted(&world, &keys, 6);
}

#[actix_web::test]
async fn what_a_killed_process_has_written_down_is_added_by_another_one() {
    let (world, keys) = many_keys().await;
    let program = ready(&world).await;
    ask_program(&world, &program, &keys).await;
    // The second in which it was asked is over when all of it is written.
    let began = Instant::now();
    while number(&mut world.conn(), WRITTEN) < KEYS as i64 {
        assert!(began.elapsed() < Duration::from_secs(10), "it is not written");
        rt::time::sleep(Duration::from_millis(20)).await;
    }
    drop(program);
    assert!(number(&mut world.conn(), "select count(*) as number from usage_journal") > 0);
    flush(&world.node).await;
    assert_counted(&world, &keys, 1);
}

#[actix_web::test]
async fn a_process_that_is_asked_to_end_loses_nothing() {
    let (world, keys) = many_keys().await;
    let mut program = ready(&world).await;
    ask_program(&world, &program, &keys).await;
    program.terminate();
    assert!(program.ended_within(Duration::from_secs(10)).is_some_and(|ended| ended.success()));
    assert_eq!(number(&mut world.conn(), WRITTEN) as usize, KEYS);
    // What it had no time to add, somebody else adds.
    flush(&world.node).await;
    assert_counted(&world, &keys, 1);
}

/// Requests that are where pages read them.
const ADDED: &str = "select coalesce(sum(requests), 0)::bigint as number from usage_minutes";
/// Requests that no end of a process can lose any more.
const WRITTEN: &str = "select (select coalesce(sum(requests), 0) from usage_minutes)::bigint \
    + (select coalesce(sum(one), 0) from usage_journal, unnest(requests) as one)::bigint as number";

async fn many_keys() -> (World, Vec<Key>) {
    allow_many_connections();
    let world = World::start().await;
    let keys = (0..KEYS).map(|_| world.key(Wanted::default())).collect();
    let conn = &mut world.conn();
    run(conn, "create table rows_written_down (id bigint)");
    run(
        conn,
        "create function note_row_written_down() returns trigger language plpgsql as \
         $$ begin insert into rows_written_down values (new.id); return null; end $$",
    );
    run(
        conn,
        "create trigger note_row after insert on usage_journal for each row execute function note_row_written_down()",
    );
    (world, keys)
}

fn rows_written_down(world: &World) -> i64 {
    number(&mut world.conn(), "select count(*) as number from rows_written_down")
}

async fn ask_all(world: &World, node: &Node, keys: &[Key]) {
    let asked = keys.iter().map(|key| {
        Answer::to(node.question(&world.production, &json!({ "key": key.secret.reveal() })))
    });
    for answer in join_all(asked).await {
        answer.assert_verdict("VALID", 200);
    }
}

async fn ready(world: &World) -> Program {
    let program = Program::serve(&world.database.url);
    let url = format!("http://{}/readyz", program.address);
    while reqwest::get(&url).await.unwrap().status() != 200 {
        rt::time::sleep(Duration::from_millis(5)).await;
    }
    program
}

async fn ask_program(world: &World, program: &Program, keys: &[Key]) {
    let client = Client::new();
    let asked = keys.iter().map(|key| {
        let question = client.post(format!("http://{}/v1/verify", program.address));
        let question = question.bearer_auth(&world.production);
        Answer::to(question.json(&json!({ "key": key.secret.reveal() })))
    });
    for answer in join_all(asked).await {
        answer.assert_verdict("VALID", 200);
    }
}

async fn flush(node: &Node) {
    let recorder = node.recorder.clone();
    rt::task::spawn_blocking(move || recorder.flush()).await.unwrap();
}

/// Every key was accepted so often, and nothing waits to be added.
#[track_caller]
fn assert_counted(world: &World, keys: &[Key], times: i64) {
    let conn = &mut world.conn();
    assert_eq!(number(conn, ADDED), times * keys.len() as i64);
    let wrong = format!(
        "select count(*) as number from (select from keys left join usage_minutes on key_id = keys.id \
         group by keys.id having coalesce(sum(requests), 0) <> {times}) wrong"
    );
    assert_eq!(number(conn, &wrong), 0, "the sum is right, but not of every key");
    assert_eq!(number(conn, "select count(*) as number from usage_journal"), 0);
}

fn number(conn: &mut PgConnection, query: &str) -> i64 {
    #[derive(QueryableByName)]
    struct Number {
        #[diesel(sql_type = BigInt)]
        number: i64,
    }
    sql_query(query).get_result::<Number>(conn).unwrap().number
}
