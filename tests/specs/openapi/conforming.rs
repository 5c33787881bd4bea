//! schemathesis tries what the document says, against a server.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
};

use latchkey::{applications, self_service};
use serde_json::{Value, json};

use super::document;
use crate::{
    metrics::{self, Told},
    support::{TestApp, database::scratch},
};

#[actix_web::test]
async fn the_program_does_what_the_document_says() {
    let app = metrics::start();
    let document = document(&app).await;
    let tried = Tried::of(&app, &document, 25);
    assert!(tried.is_fine, "{}", tried.said);
    for phase in ["Examples (", "Coverage (", "Fuzzing (", "Tested: 17"] {
        assert!(tried.said.contains(phase), "{}", tried.said);
    }
    // It got answers of all sorts, or they would not have been looked at.
    let told = Told::by(&app).await;
    for (endpoint, code) in [
        ("verify", "VALID"),
        ("verify", "MALFORMED_KEY"),
        ("verify", "MISSING_KEY"),
        ("verify", "BAD_REQUEST"),
        ("verify", "NOT_JSON"),
        ("verify", "UNKNOWN_GATEWAY"),
        ("authorize", "VALID"),
        ("authorize", "INSUFFICIENT_SCOPE"),
        ("authorize", "BAD_REQUEST"),
        ("authorize", "UNKNOWN_GATEWAY"),
    ] {
        assert!(told.verdicts(endpoint, code) >= 1.0, "{endpoint} never said {code}");
    }
}

/// Or the spec above could never fail.
#[actix_web::test]
async fn a_document_that_says_something_else_is_noticed() {
    let app = TestApp::start();
    let mut document = document(&app).await;
    let paths = document["paths"].as_object_mut().unwrap();
    paths.retain(|path, _| path == "/v1/verify");
    let answers = &mut paths["/v1/verify"]["post"]["responses"];
    // An answer that it does not tell of, a header that does not come, a member of another type.
    answers.as_object_mut().unwrap().remove("415").unwrap();
    answers["401"]["headers"]["X-Nothing"] =
        json!({ "required": true, "schema": { "type": "string" } });
    let refused = &mut document["components"]["schemas"]["Refused"]["properties"];
    refused["message"]["type"] = json!("integer");

    let tried = Tried::of(&app, &document, 5);
    assert!(!tried.is_fine, "{}", tried.said);
    for found in
        ["Undocumented status code", "Missing required response headers", "violates schema"]
    {
        assert!(tried.said.contains(found), "{found}:\n{}", tried.said);
    }
}

/// What schemathesis said.
struct Tried {
    is_fine: bool,
    said: String,
}

impl Tried {
    /// Everything the document says, with a gateway's token and a key that may do everything, at most so often a second
    /// that there are limits to tell of. In examples the key is that key. The seed is fixed: a failure is the same
    /// failure the next time.
    fn of(app: &TestApp, document: &Value, examples: u32) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(1);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = scratch("schemathesis");
        fs::create_dir_all(&dir).unwrap();
        let gateway = app.gateway("production");
        let (app_id, app_secret) = app.operator(|conn, operator| {
            let (application, secret) =
                applications::create(conn, operator, &format!("application {count}"))?;
            self_service::permit(conn, operator, &application.app_id)?;
            Ok((application.app_id, secret.reveal().to_owned()))
        });
        let key = app.key_with(None, &format!("key {count}"), |new| {
            new.permissions.all = true;
            new.limits = TestApp::limit(1_000_000, 1);
        });
        let described = dir.join("openapi.json");
        let document = document.to_string().replace("prod_sk_…", &key.secret);
        fs::write(&described, document.replace("affiliates:read", "orders:read")).unwrap();
        let settings = dir.join("schemathesis.toml");
        let filled_in = include_str!("schemathesis.toml")
            .replace("{gateway}", &gateway)
            .replace("{secret}", &key.secret)
            .replace("{app_id}", &app_id)
            .replace("{app_secret}", &app_secret);
        fs::write(&settings, filled_in).unwrap();
        let output = Command::new(schemathesis())
            .current_dir(&dir)
            .arg("--config-file")
            .arg(settings)
            .arg("run")
            .arg(described)
            .args(["--url", &app.url(""), "--phases", "examples,coverage,fuzzing"])
            .args(["--continue-on-failure", "--seed", "1", "--max-examples", &examples.to_string()])
            .args(["--no-color", "--output-sanitize", "false", "--generation-database", "none"])
            .stdin(Stdio::null())
            .output()
            .expect("schemathesis runs: bin/test installs it");
        let said = [output.stdout, output.stderr].concat();
        let _ = fs::remove_dir_all(dir);
        Self { is_fine: output.status.success(), said: String::from_utf8_lossy(&said).into_owned() }
    }
}

/// Where bin/test installs it.
fn schemathesis() -> PathBuf {
    std::env::var_os("SCHEMATHESIS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/schemathesis/bin/schemathesis"),
        Into::into,
    )
}
