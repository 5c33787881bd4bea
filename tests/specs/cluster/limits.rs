//! A limit is one limit, however many nodes there are.

use futures_util::future::join_all;
use latchkey::keys::Limit;

use super::rig::Cluster;

#[actix_web::test]
async fn three_nodes_together_let_through_what_one_would() {
    let cluster = Cluster::start();
    let key = cluster.keys(1, &[Limit { requests: 50, per_seconds: 86_400 }]).remove(0);
    let codes = join_all((0..150).map(|number| cluster.code(number % 3, &key))).await;
    let count = |code: &str| codes.iter().filter(|told| *told == code).count();
    assert_eq!((count("VALID"), count("RATE_LIMITED")), (50, 100), "{codes:?}");
}
