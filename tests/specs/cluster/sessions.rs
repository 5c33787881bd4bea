//! Whoever signed in on one node is signed in on all of them, and what is done on one counts on all.

use std::time::{Duration, Instant};

use super::rig::Cluster;

#[actix_web::test]
async fn a_session_and_what_is_done_in_it_are_the_same_on_every_node() {
    let cluster = Cluster::start();
    let key = cluster.keys(1, &[]).remove(0);
    for node in 0..3 {
        assert_eq!(cluster.code(node, &key).await, "VALID");
    }
    let [one, two, three] = cluster.nodes;
    let alex = cluster.sign_in(one).await;
    for node in cluster.nodes {
        alex.on_node(node).get("/account").await.assert_status(200).assert_shows("Alex Morgan");
    }

    let revoke = format!("/keys/{}/revoke", key.public_key);
    let typed = [("typed", "Customer 1 of 0")];
    alex.on_node(two).post(&revoke, &typed).await.assert_status(303);
    assert_eq!(cluster.code(1, &key).await, "REVOKED", "at once where it was done");
    let revoked_at = Instant::now();
    for node in [0, 2] {
        while cluster.code(node, &key).await != "REVOKED" {
            assert!(revoked_at.elapsed() < Duration::from_secs(2), "node {node} goes on");
        }
    }

    let mut elsewhere = alex.on_node(three);
    elsewhere.post("/sign-out", &[]).await.assert_leads_to("/sign-in");
    for node in cluster.nodes {
        // With the cookie that was good until now.
        alex.on_node(node).get("/account").await.assert_leads_to("/sign-in?next=%2Faccount");
    }
}
