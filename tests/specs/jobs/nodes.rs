//! Several processes on one Postgres: each job is somebody's, and nobody's death is the end of one.

use std::time::{Duration, Instant};

use super::{
    attempts, count, disabling, ended, export_of_all, job, run, slow_down, speed_up, texts, until,
    world::{World, add_keys, assert_is_whole, file_of},
};

/// Each part of a file takes its time.
const FILES: &str = "after insert on job_files";
/// Each five hundred keys take their time.
const KEYS: &str = "after update on keys";

#[test]
fn two_nodes_run_each_of_two_hundred_jobs_exactly_once() {
    let world = World::with_keys(0);
    let mut conn = world.conn();
    let ids = add_keys(&mut conn, 200);
    let _nodes = [world.node("one"), world.node("two")];
    for id in &ids {
        world.start(disabling(&[*id]));
    }
    until("all have ended", || {
        let open = count(&mut conn, "select count(*) from jobs where ended_at is null");
        (open == 0).then_some(())
    });
    assert_eq!(count(&mut conn, "select count(*) from jobs where outcome = 'done'"), 200);
    assert_eq!(count(&mut conn, "select count(*) from job_attempts"), 200);
    assert_eq!(count(&mut conn, "select count(*) from keys where disabled_at is not null"), 200);
    let events = "select count(*) from audit_events where action = 'key.disabled'";
    assert_eq!(count(&mut conn, events), 200);
    let subjects = "select count(distinct subject) from audit_events where action = 'key.disabled'";
    assert_eq!(count(&mut conn, subjects), 200);
    let nodes = texts(&mut conn, "select distinct node as told from job_attempts order by 1");
    assert_eq!(nodes, ["one", "two"]);
}

#[test]
fn what_is_asked_for_on_one_node_begins_at_once_on_another() {
    let world = World::with_keys(3);
    let mut conn = world.conn();
    let _node = world.node("one");
    // Its threads have started when the first job is done.
    let first = world.start(export_of_all());
    ended(&mut conn, first);
    let id = world.start(export_of_all());
    ended(&mut conn, id);
    let waited = "select (extract(epoch from began_at - created_at) * 1000)::bigint as count from jobs order by id desc limit 1";
    let waited = count(&mut conn, waited);
    assert!(waited < 900, "it was found by looking for it, after {waited} ms");
}

#[test]
fn an_export_of_a_node_that_was_killed_is_finished_by_another() {
    let world = World::with_keys(5_001);
    let mut conn = world.conn();
    slow_down(&mut conn, FILES, 0.4);
    let one = world.node("one");
    let id = world.start(export_of_all());
    let done = until("it is in the middle", || {
        Some(job(&mut conn, id).progress_done).filter(|done| *done >= 1_000)
    });
    assert!(done < 5_000, "{done}");
    drop(one); // kill -9
    let killed = Instant::now();
    speed_up(&mut conn);
    let _two = world.node("two");
    until("another has taken it", || Some(job(&mut conn, id)).filter(|job| job.attempts == 2));
    assert!(killed.elapsed() < Duration::from_secs(15), "after {:?}", killed.elapsed());
    let done = ended(&mut conn, id);
    assert_eq!((done.outcome.as_deref(), done.failures), (Some("done"), 1));
    assert_eq!(attempts(&mut conn, id), ["1 vanished", "2 done"]);
    let file = file_of(&mut conn, id);
    assert_is_whole(&mut conn, &file);
    let rows = "select rows as count from job_downloads";
    assert_eq!(count(&mut conn, rows), 5_001);
}

#[test]
fn a_change_to_many_keys_of_a_node_that_was_killed_is_made_whole_by_another() {
    let world = World::with_keys(0);
    let mut conn = world.conn();
    let ids = add_keys(&mut conn, 3_000);
    slow_down(&mut conn, KEYS, 0.6);
    let one = world.node("one");
    let id = world.start(disabling(&ids));
    until("it is in the middle", || (job(&mut conn, id).progress_done >= 500).then_some(()));
    let disabled = "select count(*) from keys where disabled_at is not null";
    assert_eq!(count(&mut conn, disabled), 0, "nothing is committed before the last");
    drop(one); // kill -9
    speed_up(&mut conn);
    assert_eq!(count(&mut conn, disabled), 0);
    let _two = world.node("two");
    let done = ended(&mut conn, id);
    assert_eq!(done.summary.as_deref(), Some("3\u{202f}000 keys are disabled."));
    assert_eq!(attempts(&mut conn, id), ["1 vanished", "2 done"]);
    assert_eq!(count(&mut conn, disabled), 3_000);
    let events = "select count(*) from audit_events where action = 'key.disabled'";
    assert_eq!(count(&mut conn, events), 3_000);
}

#[test]
fn a_node_that_ends_hands_its_jobs_on_after_the_step_they_are_in() {
    let world = World::with_keys(0);
    let mut conn = world.conn();
    let ids = add_keys(&mut conn, 5_001);
    slow_down(&mut conn, FILES, 1.5);
    let mut one = world.node("one");
    let export = world.start(export_of_all());
    until("it is in the middle", || (job(&mut conn, export).progress_done >= 1_000).then_some(()));
    one.terminate();
    assert!(one.ended_within(Duration::from_secs(10)).is_some_and(|status| status.success()));
    let handed_on = job(&mut conn, export);
    assert_eq!((handed_on.outcome, handed_on.failures), (None, 0));
    assert_eq!(attempts(&mut conn, export), ["1 handed_on"]);
    let free = "select count(*) from jobs where leased_by is null";
    assert_eq!(count(&mut conn, free), 1, "nobody has to wait for its lease to pass");

    // Likewise, what is one step: it is undone.
    run(&mut conn, "drop function dawdle cascade");
    slow_down(&mut conn, KEYS, 0.6);
    let mut two = world.node("two");
    let done = ended(&mut conn, export);
    assert_eq!(done.outcome.as_deref(), Some("done"));
    assert_eq!(attempts(&mut conn, export), ["1 handed_on", "2 done"]);
    let file = file_of(&mut conn, export);
    assert_is_whole(&mut conn, &file);
    let bulk = world.start(disabling(&ids));
    until("it is in the middle", || (job(&mut conn, bulk).progress_done >= 500).then_some(()));
    two.terminate();
    assert!(two.ended_within(Duration::from_secs(10)).is_some_and(|status| status.success()));
    let disabled = "select count(*) from keys where disabled_at is not null";
    assert_eq!(count(&mut conn, disabled), 0);
    assert_eq!(attempts(&mut conn, bulk), ["1 handed_on"]);
    speed_up(&mut conn);
    let _three = world.node("three");
    ended(&mut conn, bulk);
    assert_eq!(count(&mut conn, disabled), 5_001);
}

#[test]
fn a_job_that_takes_its_node_along_each_time_is_given_up() {
    let world = World::with_keys(1);
    let mut conn = world.conn();
    let id = world.start(export_of_all());
    run(
        &mut conn,
        "update jobs set attempts = 4, failures = 4, leased_by = gen_random_uuid(), leased_until = now() - interval '1 second'",
    );
    let _node = world.node("one");
    let failed = ended(&mut conn, id);
    assert_eq!((failed.outcome.as_deref(), failed.attempts), (Some("failed"), 5));
    let error = failed.error.unwrap();
    assert!(
        error.starts_with("Each time this ran, its node vanished before it was done."),
        "{error}"
    );
}

#[test]
fn what_is_asked_for_again_and_again_is_asked_for_once_in_the_cluster() {
    let world = World::with_keys(0);
    let mut conn = world.conn();
    let _nodes = [world.node("one"), world.node("two")];
    until("it is planned", || {
        (count(&mut conn, "select count(*) from job_schedules") >= 2).then_some(())
    });
    assert_eq!(count(&mut conn, "select count(*) from jobs"), 0, "nothing is done at the start");
    for _ in 0..3 {
        let before = count(&mut conn, "select count(*) from jobs where kind = 'sweep'");
        run(&mut conn, "update job_schedules set next_at = now() where kind = 'sweep'");
        until("it is done", || {
            let ended = "select count(*) from jobs where kind = 'sweep' and outcome = 'done'";
            (count(&mut conn, ended) > before).then_some(())
        });
        let planned = "select count(*) from job_schedules where kind = 'sweep' and next_at > now() + interval '9 minutes'";
        assert_eq!(count(&mut conn, planned), 1);
        assert_eq!(count(&mut conn, "select count(*) from jobs where kind = 'sweep'"), before + 1);
    }
}
