//! Watching a key stop, node by node.

use std::time::{Duration, Instant};

use actix_web::rt;
use diesel::prelude::*;
use latchkey::schema::nodes;

use crate::{
    support::{Program, TestApp},
    verify::proxy::{Mode, Proxy},
};

#[actix_web::test]
async fn a_revoked_key_is_seen_to_stop_on_one_node_after_the_other() {
    let app = TestApp::start_with(&[("LATCHKEY_NODE_NAME", "Frankfurt")]);
    app.preset("marketplace");
    app.application("Storefront");
    let proxy = Proxy::before(&app.database.url);
    let far = Program::named(&proxy.url, "Helsinki");
    let (user, began) = (app.administrator("Ada"), Instant::now());
    while app.db(|conn| nodes::table.count().get_result::<i64>(conn)) != Ok(2) {
        assert!(began.elapsed() < Duration::from_secs(10), "they never are two");
        rt::time::sleep(Duration::from_millis(20)).await;
    }
    let key = app.key(&user, "deploy bot");
    let ada = app.walk_in(&user, &key.page()).await;
    ada.does_not_see("Where it is in force").await;
    let first_tab = ada.open_tab(&key.page()).await;

    proxy.set(Mode::BlackHole);
    ada.click("More").await;
    ada.click("Revoke").await;
    ada.sees("Revoke deploy bot?").await;
    ada.click("Revoke API Key").await;
    ada.sees("Refused by 1 of 2 nodes so far").await;
    ada.sees("Helsinki Not yet").await;
    ada.run("window.isTheSame = true").await;
    for (width, height) in [(1440, 900), (390, 844)] {
        ada.hold(width, height).await;
        ada.fits().await;
    }

    proxy.set(Mode::Pass);
    ada.sees("Refused by 2 of 2 nodes, the last after").await;
    assert_eq!(ada.run("return window.isTheSame").await, true, "it was not loaded again");
    ada.fits().await;
    ada.click("The nodes").await;
    ada.sees("Frankfurt after").await;
    ada.sees("Helsinki after").await;

    // And so does whoever comes later.
    ada.switch_to(&first_tab).await;
    ada.reload().await;
    ada.sees("Refused by 2 of 2 nodes, the last after").await;
    assert_eq!(ada.complaints(), [""; 0]);
    drop(far);
}
