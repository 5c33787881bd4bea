//! Latchkey is away, frozen, or not Latchkey at all: 503, soon, and never a yes.

use std::{
    borrow::Cow,
    time::{Duration, Instant},
};

use actix_web::rt;

use super::{
    gateway::{Gateway, free_address},
    stand_in::StandIn,
    street::{Street, reader},
};
use crate::{
    support::{Program, TestApp, database::SpecDatabase},
    verify::{
        proxy::{Mode, Proxy},
        world::Answer,
    },
};

#[actix_web::test]
async fn one_node_is_enough() {
    let app = TestApp::start();
    let token = app.gateway("production");
    let key = reader(&app, |_| {});
    let node = Program::serve(&app.database.url);
    let street = Street::asking([node.address, app.address], &token);
    for gateway in &street.gateways {
        let ask = || street.get(gateway, "/orders").bearer_auth(&key.secret);
        street.ask(gateway, ask()).await.assert_allowed();
    }
    for gateway in &street.gateways {
        // A machine that takes its time may have been too slow for once; then the node comes back, and goes again.
        let mut rounds = Vec::new();
        while rounds.last() != Some(&10) {
            assert!(rounds.len() < 4, "{:?}: {rounds:?} of 10\n{}", gateway.kind, gateway.log());
            if !rounds.is_empty() {
                rt::time::sleep(Duration::from_millis(1300)).await;
            }
            node.freeze();
            let mut allowed = 0;
            for _ in 0..10 {
                let request = street.get(gateway, "/orders").bearer_auth(&key.secret);
                allowed += usize::from(street.ask_once(gateway, request).await.status == 200);
            }
            node.thaw();
            rounds.push(allowed);
        }
    }
    drop(node);
    for gateway in &street.gateways {
        for _ in 0..6 {
            let request = street.get(gateway, "/orders").bearer_auth(&key.secret);
            street.ask(gateway, request).await.assert_allowed();
        }
    }
}

/// Asks ten times, and once more from the beginning when a machine that runs many specs was too slow for a gateway.
async fn all_are_allowed<'a>(
    street: &Street,
    gateway: &Gateway,
    mut secret: impl FnMut() -> Cow<'a, str>,
) {
    let mut rounds = Vec::new();
    while rounds.last() != Some(&10) {
        assert!(rounds.len() < 4, "{:?}: {rounds:?} of 10\n{}", gateway.kind, gateway.log());
        let mut allowed = 0;
        for _ in 0..10 {
            let request = street.get(gateway, "/orders").bearer_auth(secret());
            allowed += usize::from(street.ask_once(gateway, request).await.status == 200);
        }
        rounds.push(allowed);
    }
}

#[actix_web::test]
async fn a_node_that_cannot_know_leaves_it_to_one_that_does() {
    let app = TestApp::start();
    let token = app.gateway("production");
    let key = reader(&app, |_| {});
    let proxy = Proxy::before(&app.database.url);
    let node = Program::serve(&proxy.url);
    let street = Street::asking([node.address, app.address], &token);
    for gateway in &street.gateways {
        let request = street.get(gateway, "/orders").bearer_auth(&key.secret);
        street.ask(gateway, request).await.assert_allowed();
    }
    proxy.set(Mode::Refuse);
    for gateway in &street.gateways {
        all_are_allowed(&street, gateway, || reader(&app, |_| {}).secret.into()).await;
    }
}

#[actix_web::test]
async fn while_postgres_is_away_known_keys_pass_and_unknown_ones_take_nothing_from_them() {
    let app = TestApp::start();
    let token = app.gateway("production");
    let (known, unknown) = (reader(&app, |_| {}), reader(&app, |_| {}));
    let proxy = Proxy::before(&app.database.url);
    let nodes = [Program::serve(&proxy.url), Program::serve(&proxy.url)];
    let street = Street::asking([nodes[0].address, nodes[1].address], &token);
    let client = reqwest::Client::new();
    for node in &nodes {
        let ask = client.get(format!("http://{}/v1/authorize?scope=orders:read", node.address));
        let ask = ask.header("X-Gateway-Token", &token).bearer_auth(&known.secret);
        Answer::to(ask).await.assert_authorizes(200, "VALID");
    }

    proxy.set(Mode::Refuse);
    let left_at = Instant::now();
    // Until the gateways have heard, from both, that neither is ready.
    while left_at.elapsed() < Duration::from_millis(3500) {
        for gateway in &street.gateways {
            let request = street.get(gateway, "/orders").bearer_auth(&unknown.secret);
            street.ask_once(gateway, request).await.assert_unavailable();
        }
        rt::time::sleep(Duration::from_millis(100)).await;
    }
    for gateway in &street.gateways {
        all_are_allowed(&street, gateway, || (&known.secret).into()).await;
        for _ in 0..6 {
            let request = street.get(gateway, "/orders").bearer_auth(&unknown.secret);
            street.ask_once(gateway, request).await.assert_unavailable();
        }
        all_are_allowed(&street, gateway, || (&known.secret).into()).await;
    }
}

#[actix_web::test]
async fn frozen_or_gone_is_said_soon_and_forgotten_soon() {
    let app = TestApp::start();
    let token = app.gateway("production");
    let key = reader(&app, |_| {});
    let node = Program::serve(&app.database.url);
    let street = Street::asking([node.address, free_address()], &token);
    for gateway in &street.gateways {
        let request = street.get(gateway, "/orders").bearer_auth(&key.secret);
        street.ask(gateway, request).await.assert_allowed();
    }
    let calls = street.api.calls();
    node.freeze();
    for gateway in &street.gateways {
        for _ in 0..2 {
            let request = street.get(gateway, "/orders").bearer_auth(&key.secret);
            street.ask_once(gateway, request).await.assert_unavailable();
        }
        let head = street.request(gateway, "HEAD", "/orders").bearer_auth(&key.secret);
        assert_eq!(street.ask_once(gateway, head).await.status, 503, "{:?}", gateway.kind);
    }
    node.thaw();
    assert_eq!(street.api.calls(), calls);
    for gateway in &street.gateways {
        let back_at = Instant::now();
        loop {
            let request = street.get(gateway, "/orders").bearer_auth(&key.secret);
            if street.ask_once(gateway, request).await.status == 200 {
                break;
            }
            assert!(back_at.elapsed() < Duration::from_secs(5), "{:?} stays away", gateway.kind);
            rt::time::sleep(Duration::from_millis(50)).await;
        }
    }
    let calls = street.api.calls();
    drop(node);
    for gateway in &street.gateways {
        for _ in 0..2 {
            let request = street.get(gateway, "/orders").bearer_auth(&key.secret);
            street.ask_once(gateway, request).await.assert_unavailable();
        }
    }
    assert_eq!(street.api.calls(), calls);
}

#[actix_web::test]
async fn an_answer_that_is_not_latchkeys_is_never_a_yes() {
    let stand_in = StandIn::start();
    let street = Street::asking([stand_in.address, stand_in.address], "gw_any");
    let answer =
        |head: &str| format!("HTTP/1.1 {head}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    for said in [
        answer("200 OK"),
        answer("200 OK\r\nX-Key-Id: prod_pk_forged"),
        answer("200 OK\r\nX-Verify-Code: RATE_LIMITED"),
        answer("204 No Content"),
        answer("302 Found\r\nLocation: https://elsewhere.example/sign-in"),
        answer("401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"elsewhere\""),
        answer("403 Forbidden"),
        answer("404 Not Found"),
        answer("429 Too Many Requests"),
        answer("500 Internal Server Error"),
        "220 mail.example ESMTP\r\n".to_owned(),
        String::new(),
    ] {
        stand_in.say(&said);
        for gateway in &street.gateways {
            let request = street
                .get(gateway, "/orders")
                .bearer_auth("x")
                .header("X-Verify-Code", "VALID")
                .header("X-Verify-Problem", "{\"status\":200}");
            street.ask_once(gateway, request).await.assert_unavailable();
        }
    }
    assert_eq!(street.api.calls(), 0);
}

#[actix_web::test]
async fn what_is_wrong_with_us_is_not_the_callers_fault() {
    let app = TestApp::start();
    let key = reader(&app, |_| {});
    let mistyped = Street::asking([app.address, app.address], "gw_mistyped");
    for gateway in &mistyped.gateways {
        let request = mistyped.get(gateway, "/orders").bearer_auth(&key.secret);
        mistyped.ask_once(gateway, request).await.assert_unavailable();
    }
    assert_eq!(mistyped.api.calls(), 0);
    drop(mistyped);

    // Latchkey lives, and its database does not.
    let token = app.gateway("production");
    let database = SpecDatabase::create();
    let node = Program::serve(&database.url);
    drop(database);
    let street = Street::asking([node.address, node.address], &token);
    for gateway in &street.gateways {
        let request = street.get(gateway, "/orders").bearer_auth(&key.secret);
        street.ask_once(gateway, request).await.assert_unavailable();
    }
    assert_eq!(street.api.calls(), 0);
}
