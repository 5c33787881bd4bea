//! Notices to other programs, as a real HTTP server takes them.

use std::{
    io::Write,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::json;

use super::{
    ask, happens,
    receiver::{Received, Receiver, Says},
    run, until,
};
use crate::support::{Browser, TestApp};

/// Webhooks may be on this machine.
pub fn start() -> TestApp {
    let app = TestApp::start_with(&[("LATCHKEY_WEBHOOKS_MAY_CALL_PRIVATE", "yes")]);
    app.preset("marketplace");
    app.application("Storefront");
    app
}

/// Adds one through the form; answers with its id and its secret.
pub async fn add(ada: &mut Browser, url: &str, kinds: &[&str]) -> (String, String) {
    let mut fields: Vec<_> = kinds.iter().map(|kind| ("kind", *kind)).collect();
    fields.extend([("url", url), ("enabled", "yes")]);
    let reveal = ada.post("/settings/webhooks", &fields).await;
    reveal.assert_status(200).assert_is_page().assert_shows("is ready");
    let page = reveal.attribute(".dialog__actions a", "href");
    (page.rsplit('/').next().unwrap().to_owned(), reveal.text("#secret"))
}

/// Every kind there is.
pub const ALL: &[&str] = &[
    "key_expires",
    "key_used_after_expiry",
    "key_used_elsewhere",
    "key_first_used",
    "leak_reported",
];

/// Nobody waits for what is planned.
fn hurry(app: &TestApp) {
    app.db(|conn| {
        run(
            conn,
            "update webhook_deliveries set next_at = clock_timestamp() where next_at is not null",
        );
        latchkey::notices::deliver_soon(conn).unwrap();
    });
}

/// Outcome and attempts of each delivery, once none is due.
fn stood(app: &TestApp, webhook: &str, attempts: usize) -> Vec<String> {
    until("each attempt is written down", || {
        let count = format!(
            "select count(*)::text as text from webhook_attempts join webhook_deliveries d on d.id = delivery_id \
             where webhook_id = {webhook}"
        );
        let conn = &mut app.database.connect();
        (ask(conn, &count)[0] == attempts.to_string()).then_some(())
    });
    let sql = format!(
        "select concat_ws(' ', event, coalesce(outcome, 'waits'), attempts) as text \
         from webhook_deliveries where webhook_id = {webhook} order by id"
    );
    app.db(|conn| ask(conn, &sql))
}

/// What the lines of the README say of a request.
fn as_the_readme_verifies(secret: &str, received: &Received) -> bool {
    let readme = include_str!("../../../README.md");
    let (_, code) = readme.split_once("```python\n").expect("the README has Python");
    let (code, _) = code.split_once("```").expect("a block ends");
    let ask = "import json, sys\nasked = json.load(sys.stdin)\n\
         print(is_latchkeys(asked['secret'], asked['headers'], asked['body'].encode()))";
    let mut python = Command::new("python3")
        .args(["-c", &format!("{code}\n{ask}")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python is there: bin/test brings it");
    let asked = json!({ "secret": secret, "headers": received.headers, "body": received.body });
    python.stdin.take().unwrap().write_all(asked.to_string().as_bytes()).unwrap();
    let said = String::from_utf8(python.wait_with_output().unwrap().stdout).unwrap();
    assert!(["True", "False"].contains(&said.trim()), "{said}");
    said.trim() == "True"
}

#[actix_web::test]
async fn a_program_is_told_of_what_it_wants_to_hear_and_can_tell_that_it_is_us() {
    let app = start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut page = app.sign_in(&ada).await;
    page.get("/settings/webhooks").await.assert_is_page().assert_shows("No webhooks yet");
    let new = page.get("/settings/webhooks/new").await;
    assert_eq!(new.all("input[name='kind'][checked]").len(), 5, "everything is offered");
    let (all, leaks) = (Receiver::start(), Receiver::start());
    let (id, secret) = add(&mut page, &all.url(), ALL).await;
    let (_, other_secret) = add(&mut page, &leaks.url(), &["leak_reported"]).await;
    let conn = &mut app.database.connect();
    run(
        conn,
        &format!("update keys set expires_at = '2027-02-18T23:59:59Z' where id = {}", key.key.id),
    );

    happens(conn, "key_expires", "x 3", r#"{"days": 3}"#, &[&key]);
    happens(conn, "leak_reported", "", "{}", &[&key]);
    let received = all.has_received(2);
    let first = received.iter().find(|received| received.json()["type"] == "key.expires").unwrap();
    assert_eq!(first.line, "POST /latchkey HTTP/1.1");
    assert_eq!(first.headers["content-type"], "application/json");
    assert!(first.headers["user-agent"].starts_with("Latchkey/"), "{first:?}");
    let (data, key_data) = (&first.json()["data"], &first.json()["data"]["key"]);
    assert_eq!(data["days"], 3);
    assert_eq!(data["message"], "“deploy bot” expires within 3 days");
    assert_eq!(data["url"], app.url(&key.page()));
    assert_eq!(
        *key_data,
        json!({ "id": key.public_key(), "name": "deploy bot", "application": "Storefront",
            "environment": "Production", "expires_at": "2027-02-18T23:59:59.000Z" })
    );
    let now = chrono::Utc::now().timestamp();
    for received in &received {
        assert!(received.is_signed_by(&secret) && !received.is_signed_by(&other_secret));
        assert_eq!(received.signatures().len(), 1);
        let sent: i64 = received.headers["webhook-timestamp"].parse().unwrap();
        assert!((now - sent).abs() < 60, "{received:?}");
        assert!(received.json()["timestamp"].as_str().unwrap().ends_with('Z'));
    }
    assert_ne!(received[0].id(), received[1].id());
    assert!(
        as_the_readme_verifies(&secret, first) && !as_the_readme_verifies(&other_secret, first)
    );
    let leak = &leaks.has_received(1)[0];
    assert_eq!(leak.json()["type"], "leak.reported");
    assert!(leak.is_signed_by(&other_secret));

    // The button, the log, and what is in it.
    let dangerous = b"<script>alert(1)</script>\0\x1b[31m\xe2\x80\xae".repeat(100);
    all.will_say(&[Says { body: dangerous, ..Says::status(200) }]);
    let sent = page.post(&format!("/settings/webhooks/{id}/test"), &[]).await;
    let address = sent.location().unwrap();
    let test = &all.has_received(3)[2];
    assert_eq!(test.json()["type"], "webhook.test");
    assert!(test.is_signed_by(&secret));
    assert_eq!(
        stood(&app, &id, 3),
        ["key.expires delivered 1", "leak.reported delivered 1", "webhook.test delivered 1"]
    );
    let delivery = page.get(&address).await;
    delivery
        .assert_is_page()
        .assert_shows("Arrived")
        .assert_shows("Answered 200")
        .assert_shows(test.id());
    assert!(!delivery.body().contains("<script>alert"), "{}", delivery.body());
    let answer = delivery.text("table pre");
    assert!(
        answer.starts_with("<script>alert(1)</script>··[31m·") && answer.chars().count() <= 1024,
        "{answer}"
    );
    page.with_htmx(&address).get(&address).await.assert_is_fragment().assert_shows("Arrived");
    page.get(&format!("/settings/webhooks/{id}"))
        .await
        .assert_shows("Answered 204")
        .assert_shows("webhook.test");
    page.post(&format!("{address}/repeat"), &[]).await.assert_leads_to(&address);
    assert_eq!(all.has_received(4)[3].id(), test.id(), "what is sent again has the same id");

    // Each act is in the trail, none with a secret; Postgres has neither.
    let trail = ask(
        conn,
        "select concat_ws(' ', action, subject, subject_name, details) as text from audit_events where action like 'webhook.%' order by id",
    );
    let host = all.address.to_string();
    for (line, action) in trail.iter().zip(["added", "added", "tested", "repeated"]) {
        assert!(line.starts_with(&format!("webhook.{action} webhook:")), "{line}");
    }
    assert_eq!(trail.len(), 4);
    let audit = page.get("/audit").await;
    audit.assert_shows(&format!("tested the webhook {host}"));
    assert!(audit.body().contains(&format!("href=\"/settings/webhooks/{id}\"")), "it leads there");
    let rows = ask(conn, "select w::text as text from webhooks w").concat();
    let inside = &secret[10..30];
    let hex: String = inside.bytes().map(|byte| format!("{byte:02x}")).collect();
    assert!(!rows.contains(inside) && !rows.contains(&hex) && !trail.concat().contains(inside));
    for path in [
        "/settings/webhooks",
        &format!("/settings/webhooks/{id}"),
        &format!("/settings/webhooks/{id}/edit"),
    ] {
        page.get(path).await.assert_hides(inside);
    }
}

#[actix_web::test]
async fn what_does_not_arrive_is_tried_again_under_the_same_id() {
    let app = start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut page = app.sign_in(&ada).await;
    let (slow, fails, moves, elsewhere) =
        (Receiver::start(), Receiver::start(), Receiver::start(), Receiver::start());
    let closed = "http://127.0.0.1:1/";
    let (slow_id, _) = add(&mut page, &slow.url(), ALL).await;
    let (id, secret) = add(&mut page, &fails.url(), ALL).await;
    let (moved_id, _) = add(&mut page, &moves.url(), ALL).await;
    let (closed_id, _) = add(&mut page, closed, ALL).await;
    slow.will_say(&[Says { after: Duration::from_secs(14), ..Says::status(204) }]);
    fails.will_say(&[
        Says { body: b"out of order".to_vec(), ..Says::status(500) },
        Says::status(503),
    ]);
    moves.will_say(&[Says {
        headers: format!("Location: {}\r\n", elsewhere.url()),
        ..Says::status(307)
    }]);
    moves.will_say(&vec![Says::status(500); 9]);
    let conn = &mut app.database.connect();
    let began = Instant::now();
    happens(conn, "leak_reported", "", "{}", &[&key]);

    assert_eq!(stood(&app, &id, 1), ["leak.reported waits 1"]);
    assert_eq!(stood(&app, &moved_id, 1), ["leak.reported waits 1"]);
    assert_eq!(stood(&app, &closed_id, 1), ["leak.reported waits 1"]);
    assert!(began.elapsed() < Duration::from_secs(9), "one that is slow holds up nobody");
    assert_eq!(elsewhere.connections(), 0, "redirects are not followed");
    let shown = page.get(&format!("/settings/webhooks/{id}")).await;
    shown.assert_shows("Answered 500").assert_shows("Failing since");
    page.get(&format!("/settings/webhooks/{moved_id}")).await.assert_shows("Answered 307");
    page.get(&format!("/settings/webhooks/{closed_id}"))
        .await
        .assert_shows("The connection failed");
    let pause = format!(
        "select extract(epoch from next_at - at)::text as text from webhook_deliveries d join webhook_attempts on delivery_id = d.id \
         where webhook_id = {id}"
    );
    let pause: f64 = ask(conn, &pause)[0].parse().unwrap();
    assert!((4.9..8.0).contains(&pause), "{pause}");
    // From here on only what the spec asks for.
    run(
        conn,
        &format!(
            "update webhook_deliveries set next_at = now() + interval '1 hour' \
             where next_at is not null and webhook_id <> {slow_id}"
        ),
    );

    assert_eq!(stood(&app, &slow_id, 1), ["leak.reported waits 1"]);
    page.get(&format!("/settings/webhooks/{slow_id}"))
        .await
        .assert_shows("There was no answer within 10 seconds.");
    hurry(&app);
    assert_eq!(stood(&app, &id, 2), ["leak.reported waits 2"]);
    hurry(&app);
    assert_eq!(stood(&app, &id, 3), ["leak.reported delivered 3"]);
    let received = fails.received();
    assert!(
        received.iter().all(|one| one.id() == received[0].id() && one.body == received[0].body)
    );
    assert!(received.iter().all(|one| one.is_signed_by(&secret)));
    let shown = page.get(&format!("/settings/webhooks/{id}")).await;
    shown.assert_shows("Active").assert_hides("Failing since");

    // The last try of a day and a half.
    run(
        conn,
        &format!(
            "update webhook_deliveries set tries = 7, attempts = 7 where webhook_id = {moved_id}"
        ),
    );
    hurry(&app);
    let is_off = |id: &str| {
        let sql =
            format!("select concat_ws(' ', disabled_why) as text from webhooks where id = {id}");
        until("it is switched off", || {
            Some(app.db(|conn| ask(conn, &sql)).remove(0)).filter(|why| !why.is_empty())
        })
    };
    assert_eq!(is_off(&moved_id), "failing");
    page.get(&format!("/settings/webhooks/{moved_id}"))
        .await
        .assert_shows("nothing arrived for too long");
    // Five days without any success are enough, however young the delivery is.
    run(
        conn,
        &format!(
            "update webhooks set failing_since = now() - interval '121 hours' where id = {closed_id}"
        ),
    );
    hurry(&app);
    assert_eq!(is_off(&closed_id), "failing");
    // And so is being told to go away.
    fails.will_say(&[Says::status(410)]);
    page.post(&format!("/settings/webhooks/{id}/test"), &[]).await.assert_status(303);
    assert_eq!(is_off(&id), "gone");
    page.get(&format!("/settings/webhooks/{id}")).await.assert_shows("it answered 410");
    page.post(&format!("/settings/webhooks/{id}/test"), &[]).await.assert_status(409);
    page.get("/audit").await.assert_shows("switched off the webhook");
    let before = fails.connections();
    happens(conn, "key_first_used", "", "{}", &[&key]);
    until("it is planned", || {
        ask(conn, "select channel as text from notice_outbox where channel = 'webhooks'")
            .is_empty()
            .then_some(())
    });
    assert_eq!(
        ask(
            conn,
            &format!(
                "select event as text from webhook_deliveries where webhook_id = {id} and event = 'key.first_used'"
            )
        ),
        [""; 0]
    );
    assert_eq!(fails.connections(), before);
    // Switched on again it begins anew.
    let form = page.get(&format!("/settings/webhooks/{id}/edit")).await;
    page.submit(&form, "form.form", &[("enabled", "yes")]).await.assert_status(303);
    page.post(&format!("/settings/webhooks/{id}/test"), &[]).await.assert_status(303);
    fails.has_received(before + 1);
}
