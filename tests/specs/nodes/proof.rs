//! Which node refuses a key since when: on its page, to gateways, and the page of the nodes.

use std::time::{Duration, Instant};

use latchkey::credentials::public_key;
use serde_json::{Value, json};

use super::fleet::Fleet;
use crate::{
    support::{Program, TestApp},
    verify::proxy::{Mode, Proxy},
};

fn is_complete(told: &Value) -> bool {
    told["complete"] == true
}

fn is_two_of_three(told: &Value) -> bool {
    told["applied"] == 2 && told["of"] == 3
}

fn is_two_of_two(told: &Value) -> bool {
    told["applied"] == 2 && told["of"] == 2
}

#[actix_web::test]
async fn two_of_three_nodes_have_applied_it_while_the_third_is_cut_off() {
    let fleet = Fleet::gather();
    let proxy = Proxy::before(&fleet.database.url);
    let one = Program::named(&fleet.database.url, "one");
    let two = Program::named(&fleet.database.url, "two");
    let three = Program::named(&proxy.url, "three");
    fleet.are_there(3).await;
    let (key, never_changed) = (fleet.key(), fleet.key());
    assert_eq!(
        fleet.changes(&one, &never_changed).await,
        json!({ "key_id": never_changed.public_key, "change": null, "nodes": [],
            "applied": 0, "of": 0, "complete": true })
    );

    proxy.set(Mode::BlackHole);
    fleet.revoke_by_hand(&key);
    let told = fleet.eventually(&one, &key, is_two_of_three).await;
    assert_eq!(told["change"]["status"], "revoked");
    assert_eq!(told["complete"], false);
    let states: Vec<(&str, &str)> = told["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| (node["name"].as_str().unwrap(), node["state"].as_str().unwrap()))
        .collect();
    assert_eq!(states, [("one", "applied"), ("three", "waiting"), ("two", "applied")]);
    for node in told["nodes"].as_array().unwrap().iter().filter(|node| node["state"] == "applied") {
        assert!((0..1_000).contains(&node["after_ms"].as_i64().unwrap()), "{node}");
    }
    assert_eq!(told["nodes"][1]["applied_at"], Value::Null);

    proxy.set(Mode::Pass);
    let told = fleet.eventually(&two, &key, is_complete).await;
    assert_eq!((told["applied"].as_i64(), told["of"].as_i64()), (Some(3), Some(3)));
    assert!(told["nodes"][1]["after_ms"].as_i64().unwrap() > 0, "it says when");

    // One that ends in an orderly way is not waited for, and one that comes later knew from its start.
    drop(three);
    let mut two = two;
    two.terminate();
    assert!(two.ended_within(Duration::from_secs(10)).is_some());
    let four = Program::named(&fleet.database.url, "four");
    fleet.run("delete from nodes where name = 'three'");
    let told = fleet.eventually(&four, &key, is_two_of_two).await;
    assert_eq!(told["nodes"][0]["state"], "started_later");
    assert_eq!(told["nodes"][1]["name"], "one");
}

#[actix_web::test]
async fn a_keys_page_says_on_which_nodes_its_last_change_is_in_force() {
    let app = TestApp::start_with(&[("LATCHKEY_NODE_NAME", "the only one")]);
    app.preset("marketplace");
    app.application("Storefront");
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut ada = app.sign_in(&ada).await;
    ada.get(&key.page()).await.assert_status(200).assert_hides("Where it is in force");
    let proof = format!("{}/proof", key.page());
    let page = format!("{}#proof", key.page());
    ada.get(&proof).await.assert_leads_to(&page);
    for (act, fields, said) in [
        ("disable", vec![], "Refused by 1 of 1 node, after "),
        ("enable", vec![], "Applied by 1 of 1 node, after "),
        ("regenerate", vec![("version", "1")], "Old secret refused by 1 of 1 node, after "),
        ("revoke", vec![], "Refused by 1 of 1 node, after "),
    ] {
        let answer = ada.post(&format!("{}/{act}", key.page()), &fields).await;
        assert!(answer.status() < 400, "{act}: {}", answer.status());
        let began = Instant::now();
        loop {
            let shown = ada.get(&key.page()).await;
            shown.assert_shows("Where it is in force");
            if shown.body().contains(said) {
                assert!(!shown.body().contains("/proof\""), "nothing more is to be seen");
                break;
            }
            // As long as it is not complete, the page looks again by itself.
            shown.assert_shows("0 of 1 node").assert_shows("Not yet");
            assert!(shown.body().contains("/proof\""));
            assert!(began.elapsed() < Duration::from_secs(5), "{act}: {}", shown.text("#proof"));
        }
        let mut htmx = ada.with_htmx(&key.page());
        let fragment = htmx.get(&proof).await;
        fragment.assert_status(200).assert_is_fragment().assert_shows(said);
        fragment.assert_shows("the only one");
        assert_eq!(fragment.all("[hx-swap-oob]").len(), 1, "who cannot see it is told");
    }
}

#[actix_web::test]
async fn a_gateway_is_told_of_the_keys_of_its_environment_only() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let (production, sandbox) = (app.gateway("production"), app.gateway("sandbox"));
    let ask = async |path: &str, token: &str| {
        let asked = reqwest::Client::new().get(app.url(path)).bearer_auth(token);
        let answer = asked.send().await.unwrap();
        let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
        (answer.status().as_u16(), kind)
    };
    let path = format!("/v1/changes/{}", key.public_key());
    assert_eq!(ask(&path, &production).await, (200, "application/json".into()));
    for (path, token, status) in [
        (path.as_str(), sandbox.as_str(), 404),
        (&format!("/v1/changes/{}", public_key("prod")), &production, 404),
        ("/v1/changes/1", &production, 404),
        (&format!("/v1/changes/{}", key.secret), &production, 404),
        (&format!("{path}?key=1"), &production, 400),
        (&path, "gw_nothing", 401),
    ] {
        assert_eq!(ask(path, token).await, (status, "application/problem+json".into()), "{path}");
    }
    let post = reqwest::Client::new().post(app.url(&path)).bearer_auth(&production);
    assert_eq!(post.send().await.unwrap().status(), 405);
}

#[actix_web::test]
async fn administrators_see_every_node() {
    let app = TestApp::start_with(&[("LATCHKEY_NODE_NAME", "Ufer <1>")]);
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let began = Instant::now();
    while !ada.get("/settings/nodes").await.body().contains("this one") {
        assert!(began.elapsed() < Duration::from_secs(5), "it never says that it is there");
    }
    app.db(|conn| {
        use diesel::connection::SimpleConnection;
        conn.batch_execute(
            "insert into nodes (id, name, address, version, started_at, seen_at, began, applied)
             select gen_random_uuid(), name, '10.0.0.2:80', '0', now(), now() - seconds * interval '1 s', '1:1:', '1:1:'
             from (values ('away', 30), ('silent', 90)) as node (name, seconds)",
        )
    })
    .unwrap();
    let page = ada.get("/settings/nodes").await;
    page.assert_status(200).assert_is_page().assert_shows("Ufer <1>");
    let rows = page.all("tbody tr");
    assert_eq!(rows.len(), 3);
    let of = |name: &str| rows.iter().find(|row| row.contains(name)).unwrap().clone();
    assert!(of("Ufer").contains("Answers") && of("Ufer").contains("Counted on this node alone"));
    assert!(of("away").contains("Out of touch") && of("silent").contains("Silent"));
    assert!(ada.get("/settings").await.body().contains("href=\"/settings/nodes\""));
    let mut max = app.sign_in(&app.manager_with_access("Max")).await;
    max.get("/settings/nodes").await.assert_status(404);
}
