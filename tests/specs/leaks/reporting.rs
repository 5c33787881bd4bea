//! `POST /v1/leaks`: what secret scanners report, when it is theirs, and what it does.

use futures_util::future::join_all;
use latchkey::{credentials::Secret, keys};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Scanner, ask, send, trail};
use crate::support::TestApp;

fn found(token: &str) -> Value {
    json!({
        "token": token,
        "type": "latchkey_secret_key",
        "url": "https://code.example/acme/shop/blob/1f2e/.env",
        "source": "content",
    })
}

fn hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

#[actix_web::test]
async fn a_signed_report_is_shown_to_people_and_answered_with_what_is_real() {
    let app = TestApp::start();
    let gateway = app.gateway("production");
    let key = app.key(&app.administrator("Ada"), "deploy bot");
    let mut ada = app.sign_in(&app.administrator("Bea")).await;
    let scanner = Scanner::new("k1");
    scanner.is_added(&mut ada, "Code Host", "notify").await;
    let unknown = Secret::for_key("prod");
    let report = json!([
        found(&key.secret),
        found(unknown.reveal()),
        found("AKIA0123"),
        found(key.public_key())
    ]);
    let (status, answer) = scanner.report(&app, &report.to_string()).await;
    assert_eq!(status, 200, "{answer}");
    let label = |token: &str, label: &str| json!({ "token_hash": hash(token), "token_type": "latchkey_secret_key", "label": label });
    assert_eq!(
        answer,
        json!([
            label(&key.secret, "true_positive"),
            label(unknown.reveal(), "false_positive"),
            label("AKIA0123", "false_positive"),
            label(key.public_key(), "false_positive"),
        ])
    );
    assert!(!answer.to_string().contains(&key.secret));
    assert_eq!(app.code(&gateway, &key.secret).await, "VALID", "people decide");
    let page = ada.get(&key.page()).await;
    page.assert_shows("Reported leaked").assert_shows("By Code Host");
    page.assert_shows("https://code.example/acme/shop/blob/1f2e/.env");
    page.assert_shows("Code Host (leak partner) reported its secret as leaked");
    ada.get("/leaks").await.assert_shows("Reported and open deploy bot");
    ada.get("/settings/leak-partners").await.assert_shows("Code Host").assert_hides("Never");

    // The same once more is no news, and does not open again what somebody has closed.
    ada.post(&format!("{}/leaks/dismiss", key.page()), &[]).await.assert_status(303);
    for _ in 0..3 {
        assert_eq!(scanner.report(&app, &report.to_string()).await.0, 200);
    }
    ada.get(&key.page()).await.assert_hides("Reported leaked");
    assert_eq!(ask(&app, "select times::text as text from leak_reports"), ["4"]);
    assert_eq!(trail(&app, "key.leak_found").len(), 1);
    assert_eq!(trail(&app, "leaks.reported").len(), 1);
}

#[actix_web::test]
async fn where_the_policy_says_so_a_report_revokes_at_once() {
    let app = TestApp::start();
    let gateway = app.gateway("production");
    let ada = app.administrator("Ada");
    let (current, disabled, replaced, overlapping) = (
        app.key(&ada, "current"),
        app.key(&ada, "disabled"),
        app.key(&ada, "replaced"),
        app.key(&ada, "overlapping"),
    );
    let mut ada = app.sign_in(&ada).await;
    let scanner = Scanner::new("k1");
    scanner.is_added(&mut ada, "Code Host", "revoke").await;
    ada.post(&format!("{}/disable", disabled.page()), &[]).await.assert_status(303);
    let new = [(&replaced, keys::Overlap::Now), (&overlapping, keys::Overlap::Day)].map(
        |(key, overlap)| {
            app.operator(|conn, operator| {
                let public = key.public_key();
                let made = keys::commands::regenerate(conn, operator, public, None, overlap)?;
                Ok(made.1.reveal().to_owned())
            })
        },
    );
    let (application, app_secret) = app.operator(|conn, operator| {
        let (application, secret) = latchkey::applications::create(conn, operator, "Back office")?;
        Ok((application, secret.reveal().to_owned()))
    });
    let basic = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        format!("{}:{}", current.public_key(), current.secret),
    );
    assert_eq!(app.code(&gateway, &current.secret).await, "VALID");
    assert_eq!(app.code(&gateway, &overlapping.secret).await, "VALID");
    let report = json!([
        found(&overlapping.secret),
        found(&basic),
        found(&disabled.secret),
        found(&replaced.secret),
        found(&app_secret),
        found(&gateway),
        found(&current.secret),
    ])
    .to_string();
    for round in 0..2 {
        let (status, answer) = scanner.report(&app, &report).await;
        assert_eq!(status, 200, "{answer}");
        let labels = answer.as_array().unwrap();
        assert!(labels.iter().all(|label| label["label"] == "true_positive"), "{answer}");
        // At once, on the node that answered.
        assert_eq!(app.code(&gateway, &current.secret).await, "REVOKED", "{round}");
        assert_eq!(app.code(&gateway, &disabled.secret).await, "REVOKED");
        assert_eq!(app.code(&gateway, &overlapping.secret).await, "SECRET_REPLACED");
        // A secret that is dead already is no reason to end a key.
        assert_eq!(app.code(&gateway, &new[0]).await, "VALID");
        assert_eq!(app.code(&gateway, &new[1]).await, "VALID");
    }
    let page = ada.get(&current.page()).await;
    page.assert_shows(
        "“Reported leaked by Code Host at https://code.example/acme/shop/blob/1f2e/.env”",
    );
    page.assert_shows("Code Host (leak partner) revoked it");
    ada.get(&overlapping.page()).await.assert_shows("The replaced secret was stopped.");
    assert_eq!(trail(&app, "key.revoked").len(), 2);
    // Ending these would end everything behind them.
    ada.get(&application.address()).await.assert_status(200).assert_hides("Archived");
    assert_eq!(
        ask(&app, "select outcome || ' ' || worked as text from leak_reports where key_id is null"),
        ["notified true", "notified true"]
    );
    // They are open until somebody has dealt with them.
    let open = ada.get("/leaks").await;
    open.assert_shows("Back office App Secret; reported").assert_shows("gateway token; reported");
    let ids = ask(&app, "select id::text as text from leak_reports where gateway_id is not null");
    ada.post(&format!("/leaks/{}/dismiss", ids[0]), &[]).await.assert_leads_to("/leaks");
    ada.post(&format!("/leaks/{}/dismiss", ids[0]), &[]).await.assert_status(404);
    let of_key =
        ask(&app, "select max(id)::text as text from leak_reports where key_id is not null");
    ada.post(&format!("/leaks/{}/dismiss", of_key[0]), &[]).await.assert_status(404);
    ada.get("/leaks").await.assert_hides("gateway token; reported");
    let mut mia = app.sign_in(&app.manager_with_access("Mia")).await;
    mia.get("/leaks").await.assert_hides("Back office");
    mia.post("/leaks/1/dismiss", &[]).await.assert_status(404);
    assert_eq!(trail(&app, "leaks.dismissed").len(), 1);
}

#[actix_web::test]
async fn a_report_that_a_partner_did_not_sign_is_nobodys() {
    let app = TestApp::start();
    let gateway = app.gateway("production");
    let key = app.key(&app.administrator("Ada"), "deploy bot");
    let mut ada = app.sign_in(&app.administrator("Bea")).await;
    let (scanner, stranger) = (Scanner::new("k1"), Scanner::new("k1"));
    scanner.is_added(&mut ada, "Code Host", "revoke").await;
    let body = json!([found(&key.secret)]).to_string();
    let (good, bad) = (scanner.sign(&body), stranger.sign(&body));
    let of_another = scanner.sign("[]");
    let long = "x".repeat(5_000);
    let tries: &[&[(&str, &str)]] = &[
        &[],
        &[("Latchkey-Key-Id", "k1")],
        &[("Latchkey-Signature", &good)],
        &[("Latchkey-Key-Id", "k1"), ("Latchkey-Signature", &bad)],
        &[("Latchkey-Key-Id", "k1"), ("Latchkey-Signature", &of_another)],
        &[("Latchkey-Key-Id", "k1"), ("Latchkey-Signature", "")],
        &[("Latchkey-Key-Id", "k1"), ("Latchkey-Signature", "not base64")],
        &[("Latchkey-Key-Id", "k1"), ("Latchkey-Signature", &long)],
        &[("Latchkey-Key-Id", "k2"), ("Latchkey-Signature", &good)],
        &[("Latchkey-Key-Id", ""), ("Latchkey-Signature", &good)],
        &[("Latchkey-Key-Id", &long), ("Latchkey-Signature", &good)],
        &[("Authorization", &format!("Bearer {gateway}"))],
    ];
    for headers in tries {
        let (status, answer) = send(&app, &body, headers).await;
        assert_eq!((status, &answer["code"]), (401, &json!("UNKNOWN_PARTNER")), "{headers:?}");
        assert!(!answer.to_string().contains(&key.secret));
    }
    let twice = [
        ("Latchkey-Key-Id", "k1"),
        ("Github-Public-Key-Identifier", "k1"),
        ("Latchkey-Signature", &good),
    ];
    assert_eq!(send(&app, &body, &twice).await.0, 400);
    assert_eq!(app.code(&gateway, &key.secret).await, "VALID");
    assert!(ask(&app, "select reporter as text from leak_reports").is_empty());

    // Under GitHub’s own names it is as good.
    let github = [("Github-Public-Key-Identifier", "k1"), ("Github-Public-Key-Signature", &*good)];
    assert_eq!(send(&app, &body, &github).await.0, 200);
    assert_eq!(app.code(&gateway, &key.secret).await, "REVOKED");
    // And no longer when the partner is one no more.
    let remove = ask(&app, "select id::text as text from leak_partners").remove(0);
    ada.post(&format!("/settings/leak-partners/{remove}/remove"), &[]).await.assert_status(303);
    assert_eq!(send(&app, &body, &github).await.0, 401);
}

#[actix_web::test]
async fn what_is_no_report_is_refused_without_repeating_it() {
    let app = TestApp::start();
    let key = app.key(&app.administrator("Ada"), "deploy bot");
    let mut ada = app.sign_in(&app.administrator("Bea")).await;
    let scanner = Scanner::new("k1");
    scanner.is_added(&mut ada, "Code Host", "notify").await;
    assert_eq!(scanner.report(&app, "[]").await, (200, json!([])));
    let many = format!("[{}]", vec![found("x").to_string(); 1_001].join(","));
    let named = json!([{ "token": "x", "type": key.secret }]).to_string();
    for body in [
        "",
        "null",
        "{}",
        "[1]",
        "[{}]",
        r#"[{"token":"x"}]"#,
        r#"[{"token":1,"type":"x"}]"#,
        r#"[{"token":"x","token":"y","type":"z"}]"#,
        "\u{feff}[]",
        &"[".repeat(20_000),
        &many,
        &named,
    ] {
        let (status, answer) = scanner.report(&app, body).await;
        assert_eq!((status, &answer["code"]), (400, &json!("BAD_REQUEST")), "{body:.80}");
        assert!(!answer.to_string().contains(&key.secret));
    }
    let (status, answer) = scanner.report(&app, &format!("[{}]", " ".repeat(256 * 1024))).await;
    assert_eq!((status, &answer["code"]), (413, &json!("TOO_LARGE")));

    let client = reqwest::Client::new();
    let address = app.url("/v1/leaks");
    let status = async |request: reqwest::RequestBuilder| request.send().await.unwrap().status();
    assert_eq!(status(client.get(&address)).await, 405);
    assert_eq!(status(client.post(format!("{address}?key=x")).json(&json!([]))).await, 400);
    assert_eq!(status(client.post(&address).body("[]")).await, 415);
    let gzip = client.post(&address).json(&json!([])).header("Content-Encoding", "gzip");
    assert_eq!(status(gzip).await, 415);
}

#[actix_web::test]
async fn an_address_with_a_secret_in_it_is_not_kept() {
    let app = TestApp::start();
    let key = app.key(&app.administrator("Ada"), "deploy bot");
    let mut ada = app.sign_in(&app.administrator("Bea")).await;
    let scanner = Scanner::new("k1");
    scanner.is_added(&mut ada, "Code Host", "notify").await;
    for url in [
        format!("https://code.example/?q={}", key.secret),
        format!("https://code.example/?q={}", key.secret.replace('_', "%5F")),
        "https://code.example/\u{202e}".into(),
        "x".repeat(3_000),
        "javascript:alert(1)".into(),
    ] {
        let report = json!([{ "token": key.secret, "type": "x", "url": url }]).to_string();
        assert_eq!(scanner.report(&app, &report).await.0, 200);
    }
    let mut kept = ask(&app, "select url as text from leak_reports");
    kept.sort();
    assert_eq!(kept, ["", "javascript:alert(1)"]);
    let page = ada.get(&key.page()).await;
    page.assert_shows("javascript:alert(1)").assert_hides("href=\"javascript");
}

#[actix_web::test]
async fn whoever_reports_too_often_is_told_to_wait() {
    let app = TestApp::start();
    let client = reqwest::Client::new();
    let mut waits = None;
    // Some come back while others are answered, so more than the limit are needed.
    for _ in 0..100 {
        let report = || client.post(app.url("/v1/leaks")).json(&json!([])).send();
        for answer in join_all((0..50).map(|_| report())).await {
            let answer = answer.unwrap();
            match answer.status().as_u16() {
                401 => {}
                429 => waits = Some(answer.headers()["retry-after"].to_str().unwrap().to_owned()),
                other => panic!("{other}"),
            }
        }
        if waits.is_some() {
            break;
        }
    }
    assert!(waits.is_some_and(|seconds| seconds.parse::<u64>().unwrap() >= 1));
}
