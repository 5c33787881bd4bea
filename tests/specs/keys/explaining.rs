//! Asking on a page what a gateway would be answered: the same code, the same JSON, and nothing is spent.

use std::collections::HashSet;

use chrono::{TimeDelta, Utc};
use diesel::{QueryableByName, RunQueryDsl, sql_types::BigInt};
use latchkey::{changes::Change, keys, keys::Limit};
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use crate::support::{Browser, MadeKey, Page, Redis, TestApp};

/// A question, as the page's address and as a gateway's body have it.
#[derive(Debug, Clone, Copy)]
struct Question<'a> {
    with: &'a str,
    environment: &'a str,
    scopes: &'a [&'a str],
    customer: &'a str,
    ip: &'a str,
    origin: &'a str,
}

const PLAIN: Question<'static> = Question {
    with: "secret",
    environment: "production",
    scopes: &[],
    customer: "",
    ip: "",
    origin: "",
};

impl Question<'_> {
    fn address(&self, key: &MadeKey) -> String {
        let mut query = Serializer::new(String::new());
        for (name, value) in [
            ("with", self.with),
            ("environment", self.environment),
            ("customer", self.customer),
            ("ip", self.ip),
            ("origin", self.origin),
        ] {
            query.append_pair(name, value);
        }
        query.extend_pairs(self.scopes.iter().map(|scope| ("scope", scope)));
        format!("{}/explain?{}", key.page(), query.finish())
    }

    fn body(&self, presented: &str) -> Value {
        let mut body = json!({ "key": presented, "scopes": self.scopes });
        for (name, value) in [("customer", self.customer), ("ip", self.ip), ("origin", self.origin)]
        {
            if !value.is_empty() {
                body[name] = json!(value);
            }
        }
        body
    }
}

fn told(page: &Page) -> Value {
    let json = page.assert_status(200).text("#verify-json");
    serde_json::from_str(&json).unwrap_or_else(|_| panic!("not JSON: {json}"))
}

/// Without what depends on the moment of asking.
fn timeless(mut verdict: Value) -> Value {
    let seconds = &mut verdict["rate_limit"];
    for member in ["reset_seconds", "retry_after_seconds"] {
        if seconds[member].is_u64() {
            seconds[member] = json!("some");
        }
    }
    if verdict["code"] == "RATE_LIMITED" {
        verdict["detail"] = json!("The limit is used up; there is room again in some s.");
    }
    if verdict["rate_limit"].is_null() && verdict["valid"] == false {
        verdict.as_object_mut().unwrap().remove("rate_limit");
    }
    verdict
}

async fn ask(browser: &mut Browser, key: &MadeKey, question: &Question<'_>) -> Page {
    browser.get(&question.address(key)).await
}

fn run(app: &TestApp, key: &MadeKey, sql: &str) {
    super::run(app, &sql.replace("$key", &key.key.id.to_string()));
    app.forget(Change::Key(key.key.id));
}

/// The affiliate preset, and a key of each sort.
fn keys(app: &TestApp) -> Vec<(MadeKey, String)> {
    let scopes = app.permissions(&["affiliates:read", "clicks:write"]);
    let customers: Vec<i64> = app.operator(|conn, operator| {
        let ids = ["cus_1", "cus_2"].into_iter();
        ids.map(|id| Ok(latchkey::customers::add(conn, operator, id, "")?.id)).collect()
    });
    let day = Utc::now() + TimeDelta::days(1);
    let development = app.environment("development");
    let all = keys::Permissions { all: true, ..keys::Permissions::default() };
    let make = |name: &str, change: &dyn Fn(&mut keys::NewKey)| {
        app.key_with(None, name, |new| {
            new.permissions = scopes.clone();
            change(new);
        })
    };
    let made = vec![
        make("plain", &|_| {}),
        make("everything", &|new| new.permissions = all.clone()),
        make("development", &|new| new.environment_id = development),
        make("customers", &|new| new.customers = customers.clone()),
        make("ranges", &|new| new.allowed_ips = vec!["203.0.113.0/24".parse().unwrap()]),
        make("exceptions", &|new| new.excluded_ips = vec!["203.0.113.9/32".parse().unwrap()]),
        make("origins", &|new| new.allowed_origins = vec!["https://shop.example".into()]),
        make("limited", &|new| {
            new.limits = vec![
                Limit { requests: 400, per_seconds: 3_600 },
                Limit { requests: 1_000, per_seconds: 86_400 },
            ];
        }),
        make("expiring", &|new| new.expires_at = Some(day)),
        make("disabled", &|_| {}),
        make("expired", &|new| new.expires_at = Some(day)),
        make("revoked", &|_| {}),
        make("regenerated", &|_| {}),
        make("overlapping", &|_| {}),
    ];
    let mut current: Vec<String> = made.iter().map(|key| key.secret.clone()).collect();
    for (key, current) in made.iter().zip(&mut current) {
        match key.key.name.as_str() {
            "disabled" => run(app, key, "update keys set disabled_at = now() where id = $key"),
            "expired" => run(app, key, "update keys set expires_at = now() where id = $key"),
            "revoked" => run(app, key, "update keys set revoked_at = now() where id = $key"),
            "regenerated" | "overlapping" => {
                let overlap = match key.key.name.as_str() {
                    "overlapping" => keys::Overlap::Day,
                    _ => keys::Overlap::Now,
                };
                *current = app.operator(|conn, operator| {
                    let made = keys::commands::regenerate(
                        conn,
                        operator,
                        key.public_key(),
                        None,
                        overlap,
                    )?;
                    Ok(made.1.reveal().to_owned())
                });
                app.forget(Change::Key(key.key.id));
            }
            _ => {}
        }
    }
    made.into_iter().zip(current).collect()
}

#[actix_web::test]
async fn the_page_and_the_engine_say_the_same_whatever_is_asked() {
    let app = TestApp::start_blank();
    app.preset("affiliate");
    app.application("Storefront");
    let keys = keys(&app);
    let gateways =
        [("production", app.gateway("production")), ("development", app.gateway("development"))];
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let scopes: [&[&str]; 6] = [
        &[],
        &["affiliates:read"],
        &["clicks:write"],
        &["clicks:write", "affiliates:read"],
        &["Affiliates:read"],
        &["two words", "affiliates:write"],
    ];
    let mut seen = HashSet::new();
    let mut seed = 42_u64;
    let mut pick = |count: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) as usize % count
    };
    for round in 0..350 {
        let (key, current) = &keys[round % keys.len()];
        let has_old = ["regenerated", "overlapping"].contains(&key.key.name.as_str());
        let with = ["secret", "public", "old"][pick(if has_old { 3 } else { 2 })];
        let (environment, gateway) = &gateways[usize::from(pick(4) == 0)];
        let question = Question {
            with,
            environment,
            scopes: scopes[pick(scopes.len())],
            customer: ["", "cus_1", "cus_9"][pick(3)],
            ip: ["", "203.0.113.9", "::ffff:203.0.113.7", "2001:db8::1"][pick(4)],
            origin: ["", "https://shop.example", "https://evil.example"][pick(3)],
        };
        let presented = match with {
            "public" => key.public_key(),
            "old" => &key.secret,
            _ => current,
        };
        // Explained first: what it would spend is still there.
        let page = ask(&mut ada, key, &question).await;
        let explained = told(&page);
        let verdict = app.verify(gateway, question.body(presented)).await;
        let code = verdict["code"].as_str().unwrap().to_owned();
        assert_eq!(timeless(explained), timeless(verdict), "{} {question:?}", key.key.name);
        assert_eq!(page.text("#verdict"), code);
        let refusals = page.all(".checks__one--refused");
        assert_eq!(refusals.len(), usize::from(code != "VALID"), "{refusals:?}");
        assert!(refusals.iter().all(|refusal| refusal.contains(&code)), "{refusals:?}");
        seen.insert(code);
    }
    for code in [
        "VALID",
        "REVOKED",
        "EXPIRED",
        "DISABLED",
        "SECRET_REPLACED",
        "WRONG_ENVIRONMENT",
        "IP_NOT_ALLOWED",
        "CUSTOMER_NOT_ALLOWED",
        "INSUFFICIENT_SCOPE",
    ] {
        assert!(seen.contains(code), "{code} was never the answer");
    }
}

#[actix_web::test]
async fn forwarded_requests_are_explained_with_status_and_headers() {
    let app = TestApp::start();
    let gateway = app.gateway("production");
    let key = app.key_with(None, "Größe", |new| new.limits = TestApp::limit(2, 86_400));
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let client = reqwest::Client::new();
    for status in [200, 200, 429] {
        let page = ask(&mut ada, &key, &PLAIN).await;
        assert_eq!(page.text("#authorize-status"), status.to_string());
        let forwarded = client
            .get(app.url("/v1/authorize"))
            .header("X-Gateway-Token", &gateway)
            .bearer_auth(&key.secret)
            .send()
            .await
            .unwrap();
        assert_eq!(forwarded.status(), status);
        for name in ["x-key-id", "x-key-name", "x-verify-code", "ratelimit-policy"] {
            if let Some(value) = forwarded.headers().get(name) {
                page.assert_shows(&format!("{name}: {}", value.to_str().unwrap()));
            }
        }
    }
    ask(&mut ada, &key, &PLAIN).await.assert_shows("For nginx ( ?for=nginx ) it is 403");
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

fn count(app: &TestApp, sql: &str) -> i64 {
    app.db(|conn| diesel::sql_query(sql).get_result::<Count>(conn)).unwrap().count
}

#[actix_web::test]
async fn explaining_spends_nothing_and_counts_nowhere() {
    let app = TestApp::start();
    let gateway = app.gateway("production");
    let key = app.key_with(None, "deploy bot", |new| new.limits = TestApp::limit(3, 86_400));
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    for _ in 0..20 {
        let page = ask(&mut ada, &key, &PLAIN).await;
        page.assert_shows("2 of 3 per day left").assert_shows("Counted on this node alone.");
        assert_eq!(told(&page)["rate_limit"]["remaining"], 2);
        ask(&mut ada, &key, &Question { environment: "sandbox", ..PLAIN })
            .await
            .assert_shows("3 of 3 per day left");
    }
    app.flush();
    assert_eq!(count(&app, "select count(*) from usage_minutes"), 0);
    assert_eq!(count(&app, "select count(*) from keys where last_used_at is not null"), 0);
    assert_eq!(count(&app, "select count(*) from audit_events where action = 'key.explained'"), 0);

    for remaining in [2, 1, 0] {
        let verdict = app.verify(&gateway, json!({ "key": key.secret })).await;
        assert_eq!(verdict["rate_limit"]["remaining"], remaining);
    }
    let page = ask(&mut ada, &key, &PLAIN).await;
    assert_eq!(told(&page)["code"], "RATE_LIMITED");
    page.assert_shows("0 of 3 per day left").assert_shows("Raise the limit");
}

#[actix_web::test]
async fn limits_that_nodes_share_are_looked_at_and_left_alone() {
    let redis = Redis::start();
    let app = TestApp::start_with(&[("REDIS_URL", &redis.url)]);
    app.preset("marketplace");
    app.application("Storefront");
    let same = [("DATABASE_URL", app.database.url.as_str()), ("REDIS_URL", redis.url.as_str())];
    let other = TestApp::start_with(&same);
    let gateway = app.gateway("production");
    let key = app.key_with(None, "deploy bot", |new| new.limits = TestApp::limit(5, 86_400));
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    // What was spent on the other node counts here, and is read without spending.
    for _ in 0..2 {
        other.verify(&gateway, json!({ "key": key.secret })).await;
    }
    for _ in 0..10 {
        let page = ask(&mut ada, &key, &PLAIN).await;
        page.assert_shows("2 of 5 per day left").assert_shows("on all nodes together");
    }
    let verdict = other.verify(&gateway, json!({ "key": key.secret })).await;
    assert_eq!(verdict["rate_limit"]["remaining"], 2);
}

#[actix_web::test]
async fn at_another_time_only_the_clock_is_moved() {
    let app = TestApp::start();
    let expires_at = Utc::now() + TimeDelta::days(30);
    let key = app.key_with(None, "deploy bot", |new| new.expires_at = Some(expires_at));
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let expires_at: chrono::DateTime<Utc> = {
        let page = ask(&mut ada, &key, &PLAIN).await;
        told(&page)["expires_at"].as_str().unwrap().parse().unwrap()
    };
    let mut at = async |at: chrono::DateTime<Utc>| {
        let at = at.format("%Y-%m-%dT%H:%M:%SZ");
        told(&ada.get(&format!("{}/explain?at={at}", key.page())).await)["code"].clone()
    };
    assert_eq!(at(expires_at - TimeDelta::seconds(2)).await, "VALID");
    assert_eq!(at(expires_at + TimeDelta::seconds(1)).await, "EXPIRED");
    assert_eq!(at(Utc::now() - TimeDelta::days(3_000)).await, "VALID");
    // As its field sends it: date and time where the viewer is.
    let zone = [("time_zone", "Asia/Tokyo")];
    ada.post("/account/time-zone", &zone).await.assert_status(303);
    let day = (expires_at + TimeDelta::days(1)).format("%Y-%m-%dT%H:%M");
    let page = ada.get(&format!("{}/explain?at={day}", key.page())).await;
    page.assert_shows("Extend").assert_shows("As if it were");
    assert_eq!(told(&page)["code"], "EXPIRED");
    assert!(page.attribute("#at", "value").starts_with(&day.to_string()));
}

#[actix_web::test]
async fn the_fix_stands_beside_each_refusal_and_leads_where_it_is_done() {
    let app = TestApp::start();
    let key = app.key(&app.administrator("Ada"), "deploy bot");
    run(
        &app,
        &key,
        "update keys set disabled_at = now(), allowed_ips = array[cidr '10.0.0.0/8'] where id = $key",
    );
    let mut ada = app.sign_in(&app.administrator("Bea")).await;
    let question = Question {
        environment: "sandbox",
        scopes: &["orders:write", "no:such"],
        ip: "203.0.113.9",
        ..PLAIN
    };
    let page = ask(&mut ada, &key, &question).await;
    // The first no is the answer; the others are told, so that one need not ask again after each repair.
    assert_eq!(told(&page)["code"], "DISABLED");
    assert_eq!(page.all(".checks__one").len(), 12);
    page.assert_shows("Not disabled refused: DISABLED");
    for (fix, address) in [
        ("Enable", format!("{}/confirm/enable", key.page())),
        ("Allow 203.0.113.9", format!("{}/edit#restrictions", key.page())),
        ("Add orders:write", format!("{}/edit?add=orders%3Awrite#permissions", key.page())),
    ] {
        page.assert_shows(fix);
        assert!(page.body().contains(&format!("href=\"{address}\"")), "{address}");
        let place = ada.get(address.split('#').next().unwrap()).await;
        place.assert_status(200);
        if address.contains("?add=") {
            place.assert_shows("orders:write is chosen below and not saved yet.");
            assert_eq!(place.all("input[value='orders:write'][checked]").len(), 1);
            ada.get(&key.page()).await.assert_hides("orders:write");
        }
        if let Some((_, anchor)) = address.split_once('#') {
            let _ = place.attribute(&format!("#{anchor}"), "id");
        }
    }
    page.assert_shows("Ask from environment production").assert_shows("not in the catalogue");
    ada.get(&key.page()).await.assert_shows("Explain an answer");
    let entry = format!("#key-{} .menu__items a[href$='/explain']", key.public_key());
    assert_eq!(ada.get("/keys").await.all(&entry), ["Explain"]);
}

#[actix_web::test]
async fn only_what_one_may_do_is_offered() {
    let app = TestApp::start();
    let mia = app.manager("Mia");
    app.grant_only(&mia, &["production"], app.permissions(&["orders:read"]));
    // It holds reports, which Mia's access does not cover.
    let key = app.key(&mia, "deploy bot");
    let mut mia = app.sign_in(&mia).await;
    let question = Question { scopes: &["orders:read"], ..PLAIN };
    let page = ask(&mut mia, &key, &question).await;
    assert_eq!(told(&page)["code"], "INSUFFICIENT_SCOPE");
    page.assert_hides("Add orders:read").assert_shows("An administrator can add it.");
    let someone_elses = app.key(&app.administrator("Ada"), "other");
    ask(&mut mia, &someone_elses, &PLAIN).await.assert_status(404);
}

#[actix_web::test]
async fn the_form_asks_by_itself_with_and_without_scripts() {
    let app = TestApp::start();
    let key = app.key(&app.administrator("Ada"), "deploy bot");
    let mut ada = app.sign_in(&app.administrator("Bea")).await;
    let page = ada.get(&format!("{}/explain", key.page())).await;
    page.assert_is_page();
    let chosen = [("scope", "orders:read"), ("ip", "203.0.113.9")];
    let (action, fields) = page.form("#question", &chosen);
    assert_eq!(action, format!("{}/explain", key.page()));
    let query: String = Serializer::new(String::new()).extend_pairs(fields).finish();
    let address = format!("{action}?{query}");
    let answer = ada.get(&address).await;
    assert_eq!(told(&answer)["code"], "INSUFFICIENT_SCOPE");
    assert_eq!(answer.all("input[name=scope][checked]").len(), 1);

    let fragment = ada.with_htmx(&key.page()).get(&address).await;
    fragment.assert_status(200).assert_is_fragment();
    assert_eq!(fragment.text("#verdict"), "INSUFFICIENT_SCOPE");
    let pushed = fragment.header("hx-push-url");
    assert!(pushed.ends_with("&scope=orders%3Aread"), "{pushed}");
    assert!(!pushed.contains("customer"), "{pushed}");
}

#[actix_web::test]
async fn what_cannot_be_asked_is_said() {
    let app = TestApp::start();
    let key = app.key(&app.administrator("Ada"), "deploy bot");
    let mut ada = app.sign_in(&app.administrator("Bea")).await;
    let long = "x".repeat(256);
    let many = "scope=a&".repeat(100);
    for (query, sentence) in [
        ("ip=1.2.3", "Write one address"),
        ("ip=10.0.0.0/8", "Write one address"),
        ("at=yesterday", "Write a date and time"),
        ("at=9999-01-01T00:00:00Z", "Write a date and time"),
        ("environment=nowhere", "There is no such environment."),
        ("with=magic", "Choose with what the key is presented."),
        ("with=old", "No secret of this key was replaced yet."),
        (&format!("customer={long}"), "At most 255 characters"),
        (&format!("origin=a%00b{long}"), "At most 255 characters"),
        ("scope=a%00b", "at most 255 characters"),
        (&many, "fewer than 100"),
    ] {
        let page = ada.get(&format!("{}/explain?{query}", key.page())).await;
        page.assert_status(422).assert_is_page().assert_shows(sentence);
        assert!(page.all("#verify-json").is_empty(), "{query}");
        let address = format!("{}/explain?{query}", key.page());
        let fragment = ada.with_htmx(&key.page()).get(&address).await;
        fragment.assert_status(422).assert_is_fragment().assert_shows(sentence);
    }
    for query in ["nonsense=1", "ip=1.2.3.4&ip=1.2.3.4", "at=%ff%"] {
        let page = ada.get(&format!("{}/explain?{query}", key.page())).await;
        assert!([400, 422].contains(&page.status()), "{query} {}", page.status());
    }
    let page = ada.get(&format!("{}/explain?scope={}", key.page(), key.secret)).await;
    page.assert_status(400).assert_hides(&key.secret).assert_shows("doesn’t belong in an address");
}

#[actix_web::test]
async fn a_node_that_still_answers_from_other_facts_says_so() {
    let app = TestApp::start();
    let gateway = app.gateway("production");
    let key = app.key(&app.administrator("Ada"), "deploy bot");
    let mut ada = app.sign_in(&app.administrator("Bea")).await;
    assert_eq!(app.code(&gateway, &key.secret).await, "VALID");
    ask(&mut ada, &key, &PLAIN).await.assert_hides("This node still answers");
    // A change that no trigger tells of, as somebody might make who knows how.
    let sql = format!("update keys set name = 'another' where id = {}", key.key.id);
    super::run(&app, &format!("set session_replication_role = replica; {sql}"));
    let page = ask(&mut ada, &key, &PLAIN).await;
    page.assert_shows("This node still answers from what it learnt");
    assert_eq!(told(&page)["name"], "another");
    app.forget(Change::Key(key.key.id));
    ask(&mut ada, &key, &PLAIN).await.assert_hides("This node still answers");
}
