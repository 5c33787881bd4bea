//! Credentials where they should not be.

mod partners;
mod reporting;
mod rules;
mod traces;
mod triage;
mod walking;

use base64::{Engine, engine::general_purpose::STANDARD};
use diesel::{QueryableByName, RunQueryDsl, sql_types::Text};
use reqwest::{Method, header};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::Value;

use crate::support::{Browser, Page, TestApp};

const BOUNDARY: &str = "018f2b8e3f4a4c559d1e0a1b2c3d4e5f";

/// Sends the form of leak triage, with the text in its place or as a file.
pub async fn look(browser: &mut Browser, text: &str, as_file: bool) -> Page {
    let (text, file) = if as_file { ("", text) } else { (text, "") };
    let body = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\n{text}\r\n\
         --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.log\"\r\n\
         Content-Type: text/plain\r\n\r\n{file}\r\n--{BOUNDARY}--\r\n"
    );
    browser
        .request(Method::POST, "/leaks", |request| {
            let kind = format!("multipart/form-data; boundary={BOUNDARY}");
            request.header(header::CONTENT_TYPE, kind).body(body)
        })
        .await
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    text: String,
}

/// The answers to a question with one column, `text`.
fn ask(app: &TestApp, sql: &str) -> Vec<String> {
    let lines: Vec<Line> = app.db(|conn| diesel::sql_query(sql).load(conn)).unwrap();
    lines.into_iter().map(|line| line.text).collect()
}

/// Whatever the trail has of these actions, newest last.
fn trail(app: &TestApp, action: &str) -> Vec<Value> {
    let sql = format!(
        "select jsonb_build_object('actor', actor, 'subject', subject, 'details', details)::text as text \
         from audit_events where action = '{action}' order by id"
    );
    ask(app, &sql).iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A secret scanner.
pub struct Scanner {
    pair: EcdsaKeyPair,
    key_id: String,
}

impl Scanner {
    pub fn new(key_id: &str) -> Self {
        let (random, algorithm) = (SystemRandom::new(), &ECDSA_P256_SHA256_ASN1_SIGNING);
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap();
        Self { pair, key_id: key_id.into() }
    }

    /// Its public key in PEM.
    fn pem(&self) -> String {
        let mut der = hex::decode("3059301306072a8648ce3d020106082a8648ce3d030107034200").unwrap();
        der.extend_from_slice(self.pair.public_key().as_ref());
        let text = STANDARD.encode(der);
        format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n{}\n-----END PUBLIC KEY-----\n",
            &text[..64],
            &text[64..]
        )
    }

    /// The administrator lets it report.
    pub async fn is_added(&self, ada: &mut Browser, name: &str, policy: &str) {
        let pem = self.pem();
        let fields = [
            ("name", name),
            ("key_id", self.key_id.as_str()),
            ("public_key", pem.as_str()),
            ("policy", policy),
        ];
        ada.post("/settings/leak-partners", &fields)
            .await
            .assert_leads_to("/settings/leak-partners");
    }

    fn sign(&self, body: &str) -> String {
        STANDARD.encode(self.pair.sign(&SystemRandom::new(), body.as_bytes()).unwrap())
    }

    /// Sends a report with its signature.
    pub async fn report(&self, app: &TestApp, body: &str) -> (u16, Value) {
        let signature = self.sign(body);
        send(app, body, &[("Latchkey-Key-Id", &self.key_id), ("Latchkey-Signature", &signature)])
            .await
    }
}

/// Sends a body as a report.
async fn send(app: &TestApp, body: &str, headers: &[(&str, &str)]) -> (u16, Value) {
    let mut request = reqwest::Client::new()
        .post(app.url("/v1/leaks"))
        .header("Content-Type", "application/json")
        .body(body.to_owned());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.unwrap();
    let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
    (status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("not JSON: {text}")))
}
