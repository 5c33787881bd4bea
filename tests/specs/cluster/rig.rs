//! `bin/cluster` as a child of this spec, and what is asked of it.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use diesel::prelude::*;
use latchkey::{
    applications, environments,
    keys::{self, Limit, NewKey, Permissions},
    scopes,
    users::Viewer,
};
use rustix::process::{Pid, Signal, kill_process, set_parent_process_death_signal};
use serde_json::json;

use crate::support::{Browser, database::scratch};

/// How long anything may take on a machine that runs other specs beside this.
const PATIENCE: Duration = Duration::from_secs(60);

/// Postgres, Redis, three nodes and HAProxy. All of it ends when this is dropped, or when the specs are killed.
pub struct Cluster {
    pub front: SocketAddr,
    pub nodes: [SocketAddr; 3],
    /// The token of a gateway in production.
    pub gateway: String,
    child: Child,
    said: Arc<Mutex<Vec<String>>>,
    dir: PathBuf,
}

/// A key as its owner got it.
#[derive(Clone)]
pub struct Key {
    pub id: i64,
    pub public_key: String,
    pub secret: String,
}

impl Cluster {
    pub fn start() -> Self {
        // A port that was free may be taken by the time it is needed.
        (0..5).find_map(|_| Self::try_to_start()).expect("a cluster starts")
    }

    fn try_to_start() -> Option<Self> {
        let dir = scratch("cluster");
        let ports = free_ports();
        let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/bin/cluster"));
        command
            .args(ports.map(|port| port.to_string()))
            .env("LATCHKEY_BIN", env!("CARGO_BIN_EXE_latchkey"))
            .env("LATCHKEY_DATA_DIR", &dir)
            .env("LATCHKEY_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let end_with_us = || Ok(set_parent_process_death_signal(Some(Signal::TERM))?);
        // SAFETY: between fork and exec this makes one system call and nothing else.
        unsafe { command.pre_exec(end_with_us) };
        let mut child = command.spawn().expect("bin/cluster runs");
        let said = Arc::new(Mutex::new(Vec::new()));
        let (heard, out) = (Arc::clone(&said), child.stdout.take().expect("it is a pipe"));
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                heard.lock().unwrap().push(line);
            }
        });
        let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let [front, one, two, three, _] = ports.map(at);
        let nodes = [one, two, three];
        let mut cluster = Self { front, nodes, gateway: String::new(), child, said, dir };
        let began = Instant::now();
        while !cluster.says(|line| line.starts_with("Latchkey answers at")) {
            let is_taken = cluster.child.try_wait().expect("a child can be asked").is_some();
            if is_taken {
                return None;
            }
            assert!(began.elapsed() < PATIENCE, "{:?}", cluster.said.lock().unwrap());
            thread::sleep(Duration::from_millis(20));
        }
        cluster.gateway = cluster.sign_ins("gw_").trim().to_owned();
        Some(cluster)
    }

    /// A question to the operator's database.
    pub fn connect(&self) -> PgConnection {
        let url = self.last(|line| line.strip_prefix("Postgres: ").map(str::to_owned));
        PgConnection::establish(&url.expect("it says where Postgres is")).expect("Postgres answers")
    }

    /// So many keys in production that may read something.
    pub fn keys(&self, count: usize, limits: &[Limit]) -> Vec<Key> {
        let (mut conn, operator) = (self.connect(), Viewer::operator());
        let application_id = applications::list(&mut conn, &operator).unwrap()[0].id;
        let environment_id = environments::list(&mut conn).unwrap()[0].id;
        let permission = scopes::catalogue(&mut conn).unwrap()[0].permissions[0].id;
        let mut make = |number| {
            let new = NewKey {
                name: format!("Customer {number} of {}", limits.len()),
                note: String::new(),
                application_id,
                environment_id,
                owner_id: None,
                permissions: Permissions {
                    permissions: vec![permission],
                    ..Permissions::default()
                },
                limits: limits.to_vec(),
                expires_at: None,
                customers: Vec::new(),
                allowed_ips: Vec::new(),
                excluded_ips: Vec::new(),
                allowed_origins: Vec::new(),
            };
            let made = conn.transaction(|conn| keys::commands::create(conn, &operator, &new));
            let (key, secret) = made.unwrap();
            Key { id: key.id, public_key: key.public_key, secret: secret.reveal().to_owned() }
        };
        (1..=count).map(&mut make).collect()
    }

    /// How many requests of a key have been written down, by verdict.
    pub fn counted(&self, key: &Key, code: &str) -> i64 {
        #[derive(QueryableByName)]
        struct Counted {
            #[diesel(sql_type = diesel::sql_types::BigInt)]
            requests: i64,
        }
        diesel::sql_query(format!(
            "select coalesce(sum(requests), 0)::bigint as requests from usage_counts \
             where key_id = {} and code = '{code}'",
            key.id
        ))
        .get_result::<Counted>(&mut self.connect())
        .unwrap()
        .requests
    }

    /// The administrator of the demo, signed in through that address.
    pub async fn sign_in(&self, address: SocketAddr) -> Browser {
        let line = self.sign_ins("alex@example.com");
        let password = line.split_whitespace().nth(1).expect("it has a password");
        let mut browser = Browser::at(address);
        let fields = [("email", "alex@example.com"), ("password", password), ("next", "/keys")];
        browser.post("/sign-in", &fields).await.assert_status(303);
        browser
    }

    /// What one node says of a key, asked directly; as a gateway does, again when it cannot know.
    pub async fn code(&self, node: usize, key: &Key) -> String {
        let began = Instant::now();
        loop {
            let answer = reqwest::Client::new()
                .post(format!("http://{}/v1/verify", self.nodes[node]))
                .bearer_auth(&self.gateway)
                .json(&json!({ "key": key.secret }))
                .send()
                .await
                .expect("a node answers");
            let told: serde_json::Value = answer.json().await.expect("it is JSON");
            let code = told["code"].as_str().expect("there is always a code").to_owned();
            if code != "UNAVAILABLE" || began.elapsed() > PATIENCE {
                return code;
            }
        }
    }

    /// How often a node was started.
    pub fn starts(&self, node: usize) -> usize {
        let begin = format!("Node {}: ", node + 1);
        self.said.lock().unwrap().iter().filter(|line| line.starts_with(&begin)).count()
    }

    /// How a node ended last, if it did.
    pub fn ended_with(&self, node: usize) -> Option<String> {
        let begin = format!("Node {} ended with ", node + 1);
        self.last(|line| line.strip_prefix(&begin).map(str::to_owned))
    }

    /// Sends a signal to a node's process.
    pub fn signal(&self, node: usize, signal: Signal) {
        let begin = format!("Node {}: ", node + 1);
        let line = self.last(|line| line.starts_with(&begin).then(|| line.to_owned())).unwrap();
        let pid = line.rsplit(' ').next().and_then(|pid| pid.parse().ok()).and_then(Pid::from_raw);
        kill_process(pid.expect("it says which process"), signal).expect("it runs");
    }

    /// Waits until a node that was started for the so-and-so-many-th time is ready.
    pub async fn is_back(&self, node: usize, starts: usize) {
        let began = Instant::now();
        while self.starts(node) < starts || self.readiness(node).await != "ready\n" {
            assert!(began.elapsed() < PATIENCE, "{:?}", self.said.lock().unwrap());
            actix_web::rt::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What a node says of itself, or nothing.
    pub async fn readiness(&self, node: usize) -> String {
        match reqwest::get(format!("http://{}/readyz", self.nodes[node])).await {
            Ok(answer) => answer.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    fn says(&self, what: impl Fn(&str) -> bool) -> bool {
        self.said.lock().unwrap().iter().any(|line| what(line))
    }

    fn last(&self, find: impl Fn(&str) -> Option<String>) -> Option<String> {
        self.said.lock().unwrap().iter().rev().find_map(|line| find(line))
    }

    fn sign_ins(&self, what: &str) -> String {
        let text = fs::read_to_string(self.dir.join("demo-sign-ins.txt")).expect("they are kept");
        text.lines().find(|line| line.contains(what)).expect("the demo has one").to_owned()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let _ = self.child.wait();
        let _ = latchkey::managed_postgres::remove(&self.dir.join("postgres"));
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn free_ports() -> [u16; 5] {
    let held = [(); 5].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port is free"));
    held.map(|listener| listener.local_addr().expect("a listener has an address").port())
}
