//! Traffic through HAProxy that keeps an exact account of what it was told.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use actix_web::rt;
use futures_util::future::join_all;
use reqwest::Client;
use serde_json::{Value, json};

use super::rig::{Cluster, Key};
use crate::support::{Browser, Page};

/// So many gateways ask, one question after the other.
pub const GATEWAYS: usize = 4;

/// Gateways and people, until it is told to stop.
pub struct Load {
    stop: Arc<AtomicBool>,
    valid: Arc<AtomicI64>,
    account: Arc<Mutex<Account>>,
    thread: JoinHandle<()>,
}

/// What happened.
#[derive(Default)]
pub struct Account {
    /// How often each key was said to be valid.
    pub valid: HashMap<i64, i64>,
    pub pages: usize,
    pub acts: usize,
    /// Everything that was not answered as it should have been.
    pub wrong: Vec<String>,
}

impl Load {
    /// Verifies these keys, and looks at pages as somebody who is signed in; `acting`, if they change something too.
    pub fn begin(cluster: &Cluster, keys: &[Key], person: &Browser, acting: bool) -> Self {
        // Not the connections of somebody who may be waiting for us to end.
        let person = person.on_node(cluster.front);
        let stop = Arc::new(AtomicBool::new(false));
        let (valid, account) = (Arc::new(AtomicI64::new(0)), Arc::<Mutex<Account>>::default());
        let questions = Questions {
            url: format!("http://{}/v1/verify", cluster.front),
            gateway: cluster.gateway.clone(),
            keys: keys.to_vec(),
            valid: Arc::clone(&valid),
        };
        let (stopped, kept) = (Arc::clone(&stop), Arc::clone(&account));
        let thread = thread::spawn(move || {
            rt::System::new().block_on(async {
                let gateways = join_all((0..GATEWAYS).map(|_| questions.ask(&stopped, &kept)));
                futures_util::join!(gateways, look(person, acting, &stopped, &kept));
            });
        });
        Self { stop, valid, account, thread }
    }

    /// How many verdicts there have been.
    pub fn valid_so_far(&self) -> i64 {
        self.valid.load(Ordering::SeqCst)
    }

    /// Waits until there have been so many more.
    pub async fn goes_on_for(&self, more: i64) {
        let target = self.valid_so_far() + more;
        while self.valid_so_far() < target && !self.thread.is_finished() {
            rt::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub fn stop(self) -> Account {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.join().expect("the load ends well");
        std::mem::take(&mut *self.account.lock().unwrap())
    }
}

struct Questions {
    url: String,
    gateway: String,
    keys: Vec<Key>,
    valid: Arc<AtomicI64>,
}

impl Questions {
    async fn ask(&self, stop: &AtomicBool, account: &Mutex<Account>) {
        let client = Client::new();
        for key in self.keys.iter().cycle() {
            if stop.load(Ordering::SeqCst) {
                return;
            }
            let question = json!({ "key": key.secret });
            let asked = client.post(&self.url).bearer_auth(&self.gateway).json(&question).send();
            let told = match asked.await {
                Ok(answer) => {
                    let status = answer.status();
                    let verdict = answer.json::<Value>().await.unwrap_or_default();
                    format!("{status} {}", verdict["code"].as_str().unwrap_or_default())
                }
                Err(error) => format!("{error:?}"),
            };
            let mut account = account.lock().unwrap();
            if told == "200 OK VALID" {
                *account.valid.entry(key.id).or_default() += 1;
                self.valid.fetch_add(1, Ordering::SeqCst);
            } else {
                account.wrong.push(told);
            }
        }
    }
}

async fn look(mut person: Browser, acting: bool, stop: &AtomicBool, account: &Mutex<Account>) {
    while !stop.load(Ordering::SeqCst) {
        let page = person.get("/account").await;
        account.lock().unwrap().note_page(&page);
        if acting {
            let act = person.post("/account/mode", &[("mode", "live"), ("next", "/")]).await;
            account.lock().unwrap().note_act(&act);
        }
        rt::time::sleep(Duration::from_millis(20)).await;
    }
}

impl Account {
    fn note_page(&mut self, page: &Page) {
        match page.status() {
            200 => self.pages += 1,
            status => self.wrong.push(format!("a page: {status}\n{}", page.body())),
        }
    }

    fn note_act(&mut self, act: &Page) {
        match act.status() {
            303 => self.acts += 1,
            status => self.wrong.push(format!("an act: {status}\n{}", act.body())),
        }
    }
}
