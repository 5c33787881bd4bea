//! Middleware rather than a gateway: the very files of `deploy/`, run as their READMEs say.

use std::{
    env, fs,
    fs::File,
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use actix_web::rt;
use latchkey::keys;
use reqwest::RequestBuilder;
use serde_json::Value;

use super::{
    gateway::free_address,
    street::{Answer, reader},
};
use crate::support::{Program, TestApp, database::scratch};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Express,
    FastApi,
}

/// An API with a snippet in it.
struct Snippet {
    kind: Kind,
    address: SocketAddr,
    child: Child,
    dir: PathBuf,
}

impl Snippet {
    fn all(latchkey: &[SocketAddr], token: &str) -> Vec<Self> {
        let urls: Vec<String> = latchkey.iter().map(|node| format!("http://{node}")).collect();
        [Kind::Express, Kind::FastApi].map(|kind| Self::start(kind, &urls.join(","), token)).into()
    }

    fn start(kind: Kind, latchkey: &str, token: &str) -> Self {
        let dir = scratch("snippet");
        fs::create_dir_all(&dir).unwrap();
        let address = free_address();
        let log = File::create(dir.join("log")).unwrap();
        let child = command(kind, address)
            .env("LATCHKEY_URLS", latchkey)
            .env("GATEWAY_TOKEN", token)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{kind:?} cannot be run, bin/test brings it: {error}"));
        let mut snippet = Self { kind, address, child, dir };
        let began = Instant::now();
        while TcpStream::connect(address).is_err() {
            let has_ended = snippet.child.try_wait().unwrap().is_some();
            let is_late = began.elapsed() > Duration::from_secs(30);
            assert!(!has_ended && !is_late, "{kind:?} does not start:\n{}", snippet.log());
            thread::sleep(Duration::from_millis(20));
        }
        snippet
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }

    fn get(&self, path: &str) -> RequestBuilder {
        reqwest::Client::new().get(format!("http://{}{path}", self.address))
    }

    fn post(&self, path: &str) -> RequestBuilder {
        reqwest::Client::new().post(format!("http://{}{path}", self.address))
    }

    /// As a client does that was told 503: it tries again, since a busy machine may be slower than the snippet's patience.
    async fn ask(&self, request: RequestBuilder) -> Answer {
        for _ in 0..20 {
            let answer = self.ask_once(request.try_clone().unwrap()).await;
            if answer.status != 503 {
                return answer;
            }
            rt::time::sleep(Duration::from_millis(150)).await;
        }
        self.ask_once(request).await
    }

    async fn ask_once(&self, request: RequestBuilder) -> Answer {
        Answer::to(request, || format!("{:?}\n{}", self.kind, self.log())).await
    }
}

impl Drop for Snippet {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Their packages are below `target/`, by bin/lib/setup.sh.
fn command(kind: Kind, listen: SocketAddr) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let recipe = |name: &str| root.join("deploy").join(name);
    match kind {
        Kind::Express => {
            // Node looks for packages beside the files that want them, so a link to each stands beside the packages.
            let beside = root.join("target/express");
            for file in ["latchkey.js", "server.js"] {
                let (here, there) = (recipe("express").join(file), beside.join(file));
                if fs::read_link(&there).ok().as_ref() != Some(&here) {
                    let new = beside.join(format!("{file}.{:?}", thread::current().id()));
                    let _ = std::os::unix::fs::symlink(&here, &new);
                    let _ = fs::rename(new, there);
                }
            }
            let mut node = Command::new("node");
            node.args(["--preserve-symlinks", "--preserve-symlinks-main", "server.js"]);
            node.current_dir(beside).env("PORT", listen.port().to_string());
            node
        }
        Kind::FastApi => {
            let mut uvicorn = Command::new(root.join("target/fastapi/bin/uvicorn"));
            uvicorn.args(["main:app", "--no-access-log", "--host", "127.0.0.1"]);
            uvicorn.args(["--port", &listen.port().to_string()]);
            uvicorn.current_dir(recipe("fastapi")).env("PYTHONDONTWRITEBYTECODE", "1");
            uvicorn
        }
    }
}

#[actix_web::test]
async fn a_snippet_asks_and_passes_on_what_it_was_told() {
    let app = TestApp::start();
    let token = app.gateway("production");
    let key = reader(&app, |_| {});
    let revoked = reader(&app, |_| {});
    app.operator(|conn, operator| {
        keys::commands::revoke(conn, operator, revoked.public_key(), None)
    });
    for snippet in Snippet::all(&[app.address], &token) {
        let limited = reader(&app, |new| new.limits = TestApp::limit(1, 86_400));
        let answer = snippet.ask(snippet.get("/orders").bearer_auth(&key.secret)).await;
        answer.assert_allowed();
        assert_eq!(answer.json()["for"]["id"], key.public_key(), "{:?}", snippet.kind);
        assert_eq!(answer.json()["for"]["scopes"], Value::from(vec!["orders:read"]));

        let bearer = |secret: &str| ("Authorization", format!("Bearer {secret}"));
        let mine = ("X-API-Key", key.secret.clone());
        let invalid = r#"Bearer realm="api", error="invalid_token""#;
        let in_query = format!("/orders?api_key={}", key.secret);
        for (path, headers, status, code, challenge) in [
            ("/orders", vec![], 401, "MISSING_KEY", r#"Bearer realm="api""#),
            ("/orders", vec![bearer("x")], 401, "MALFORMED_KEY", invalid),
            ("/orders", vec![bearer(&revoked.secret)], 401, "REVOKED", invalid),
            ("/orders", vec![bearer(&key.secret), mine.clone()], 400, "BAD_REQUEST", ""),
            (&in_query, vec![mine.clone()], 400, "BAD_REQUEST", ""),
        ] {
            let request = headers
                .iter()
                .fold(snippet.get(path), |request, (name, value)| request.header(*name, value));
            let answer = snippet.ask(request).await;
            answer.assert_refused(status, code);
            let got = answer.header("www-authenticate").unwrap_or_default();
            assert!(got.starts_with(challenge), "{:?} {code}: {got}", snippet.kind);
            assert_eq!(got.is_empty(), challenge.is_empty(), "{:?} {code}: {got}", snippet.kind);
        }
        let order = snippet.post("/orders").json(&serde_json::json!({ "item": 1 }));
        let refused = snippet.ask(order.bearer_auth(&key.secret)).await;
        refused.assert_refused(403, "INSUFFICIENT_SCOPE");
        let challenge = refused.header("www-authenticate").unwrap();
        assert!(challenge.contains(r#"scope="orders:write""#), "{challenge}");

        // Whoever is too slow for the first try has spent what there was.
        let me = || snippet.get("/me").header("X-API-Key", &limited.secret);
        snippet.ask(me()).await;
        let refused = snippet.ask(me()).await;
        refused.assert_refused(429, "RATE_LIMITED");
        assert_eq!(refused.header("ratelimit-policy"), Some(r#""day";q=1;w=86400"#));
        assert!(refused.header("retry-after").is_some());
        assert!(!snippet.log().contains(&key.secret), "{:?}", snippet.kind);
    }
}

#[actix_web::test]
async fn a_snippet_asks_the_next_node_and_fails_closed_without_one() {
    let app = TestApp::start();
    let token = app.gateway("production");
    let key = reader(&app, |_| {});
    let node = Program::serve(&app.database.url);
    for snippet in Snippet::all(&[free_address(), node.address], &token) {
        let ask = || snippet.get("/orders").bearer_auth(&key.secret);
        snippet.ask(ask()).await.assert_allowed();
        node.freeze();
        snippet.ask_once(ask()).await.assert_unavailable();
        node.thaw();
        snippet.ask(ask()).await.assert_allowed();
    }
    for snippet in Snippet::all(&[app.address], "gw_mistyped") {
        let ask = snippet.get("/orders").bearer_auth(&key.secret);
        snippet.ask_once(ask).await.assert_unavailable();
    }
}
