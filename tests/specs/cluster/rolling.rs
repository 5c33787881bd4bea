//! Every node is restarted, one after the other, while everything goes on.

use std::time::{Duration, Instant};

use actix_web::rt;
use rustix::process::Signal;

use super::{load::Load, rig::Cluster};

#[actix_web::test]
async fn a_rolling_restart_loses_no_request_and_no_count() {
    let cluster = Cluster::start();
    let keys = cluster.keys(5, &[]);
    let load = Load::begin(&cluster, &keys, &cluster.sign_in(cluster.front).await, true);
    load.goes_on_for(50).await;
    for node in 0..3 {
        cluster.signal(node, Signal::TERM);
        let asked_at = Instant::now();
        // It says first that it is going, and answers still.
        while cluster.readiness(node).await != "ending\n" {
            assert!(asked_at.elapsed() < Duration::from_secs(2), "it does not say that it ends");
        }
        assert_eq!(cluster.code(node, &keys[0]).await, "VALID");
        while cluster.ended_with(node).is_none() {
            assert!(asked_at.elapsed() < Duration::from_secs(10), "it does not end");
            rt::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(cluster.ended_with(node).as_deref(), Some("0"));
        cluster.is_back(node, 2).await;
    }
    let account = load.stop();
    assert!(account.wrong.is_empty(), "{} of many: {:?}", account.wrong.len(), account.wrong[0]);
    assert!(account.pages > 10 && account.acts > 10, "{} pages", account.pages);

    // The three questions that were asked directly were about the first key.
    let stopped_at = Instant::now();
    for (number, key) in keys.iter().enumerate() {
        let told = account.valid[&key.id] + if number == 0 { 3 } else { 0 };
        while cluster.counted(key, "VALID") != told {
            let counted = cluster.counted(key, "VALID");
            assert!(stopped_at.elapsed() < Duration::from_secs(5), "{counted} instead of {told}");
            rt::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
