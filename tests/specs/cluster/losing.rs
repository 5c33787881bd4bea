//! Nodes die without a word.

use std::time::{Duration, Instant};

use actix_web::rt;
use rustix::process::Signal;

use super::{
    load::{GATEWAYS, Load},
    rig::Cluster,
};

/// What is counted is written each second, and that takes a moment on a busy machine.
const LAST_SECOND: Duration = Duration::from_millis(1500);

#[actix_web::test]
async fn a_node_that_is_killed_costs_no_answer_and_at_most_the_last_second_of_counts() {
    let cluster = Cluster::start();
    let keys = cluster.keys(5, &[]);
    let load = Load::begin(&cluster, &keys, &cluster.sign_in(cluster.front).await, false);
    load.goes_on_for(50).await;
    let mut forgettable = 0;
    let kills = [1, 2];
    for node in kills {
        let before = load.valid_so_far();
        rt::time::sleep(LAST_SECOND).await;
        forgettable += load.valid_so_far() - before;
        cluster.signal(node, Signal::KILL);
        cluster.is_back(node, 2).await;
        assert_eq!(cluster.ended_with(node).as_deref(), Some("137"));
    }
    load.goes_on_for(50).await;
    let account = load.stop();
    assert!(account.wrong.is_empty(), "{} of many: {:?}", account.wrong.len(), account.wrong[0]);
    assert!(account.pages > 10, "{} pages", account.pages);

    let told: i64 = account.valid.values().sum();
    // What a node had answered in its last moment, but nobody had heard yet, was asked and counted again.
    let twice = i64::try_from(GATEWAYS * kills.len()).unwrap();
    let stopped_at = Instant::now();
    loop {
        let counted: i64 = keys.iter().map(|key| cluster.counted(key, "VALID")).sum();
        if (told - forgettable..=told + twice).contains(&counted) {
            break;
        }
        let story = format!("{counted} of {told}, of which {forgettable} may be missing");
        assert!(stopped_at.elapsed() < Duration::from_secs(5), "{story}");
        rt::time::sleep(Duration::from_millis(50)).await;
    }
}
