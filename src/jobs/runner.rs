//! The threads of this node that run jobs: a keeper that hears of them and keeps them, and three workers.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};
use uuid::Uuid;

use super::{Kind, Standing, keeper::Keeper, running::Live, worker::Worker};
use crate::{notices::Outside, verify::Engine};

/// How long steps under way may take when the node ends; then they are undone, and another node repeats them.
const GRACE: Duration = Duration::from_secs(3);

/// Which kinds a worker takes.
type Takes = fn(Kind) -> bool;

/// Runs jobs. A clone is the same runner.
#[derive(Clone)]
pub struct Runner(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What keeper and workers share.
pub(super) struct Shared {
    pub url: String,
    /// The name of the node, for people.
    pub node: String,
    /// The owner of leases: another one after each start.
    pub id: Uuid,
    pub engine: Engine,
    pub outside: Arc<Outside>,
    /// The jobs that run here, with the attempt and what is said about them.
    pub held: Mutex<HashMap<i64, (i32, Arc<Live>)>>,
    /// Grows when there may be something to do.
    pub calls: Mutex<u64>,
    pub called: Condvar,
    pub is_stopping: Arc<AtomicBool>,
    /// The workers have ended, so the keeper may.
    pub is_over: AtomicBool,
    pub standing: Mutex<Standing>,
}

impl Shared {
    /// Wakes the workers.
    pub fn call(&self) {
        *self.calls.lock() += 1;
        self.called.notify_all();
    }

    pub fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed)
    }
}

impl Runner {
    /// Starts the threads. They connect when Postgres lets them.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start(
        database_url: &str,
        node: String,
        engine: Engine,
        outside: Arc<Outside>,
    ) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared {
            url: database_url.to_owned(),
            node,
            id: Uuid::new_v4(),
            engine,
            outside,
            held: Mutex::default(),
            calls: Mutex::default(),
            called: Condvar::new(),
            is_stopping: Arc::default(),
            is_over: AtomicBool::new(false),
            standing: Mutex::default(),
        });
        let workers: [(&str, Takes); 3] = [
            ("jobs 1", |kind| !kind.is_outside()),
            ("jobs 2", |kind| !kind.is_outside() && !kind.is_long()),
            ("jobs 3", Kind::is_outside),
        ];
        let mut threads = Vec::new();
        for (name, takes) in workers {
            let kinds = Kind::ALL.iter().filter(|(kind, ..)| takes(*kind));
            let kinds = kinds.map(|(_, slug, _)| *slug).collect();
            let worker = Worker::new(Arc::clone(&shared), kinds);
            threads.push(thread::Builder::new().name(name.into()).spawn(move || worker.run())?);
        }
        let keeper = Keeper::new(Arc::clone(&shared));
        threads.push(thread::Builder::new().name("jobs".into()).spawn(move || keeper.run())?);
        Ok(Self(Arc::new(Inner { shared, threads: Mutex::new(threads) })))
    }

    /// How the queue stands, a few seconds ago at most; and what this node did.
    pub fn standing(&self) -> Standing {
        self.0.shared.standing.lock().clone()
    }

    /// Takes no more jobs; what runs stops after its step and is handed on. Waits three seconds for that, then gives
    /// up the leases: a step that ends later is undone.
    pub fn stop(&self) {
        let shared = &self.0.shared;
        shared.is_stopping.store(true, Ordering::Relaxed);
        shared.call();
        let mut threads = std::mem::take(&mut *self.0.threads.lock());
        let Some(keeper) = threads.pop() else { return };
        wait_for(&threads, Instant::now() + GRACE);
        shared.is_over.store(true, Ordering::Relaxed);
        threads.push(keeper);
        wait_for(&threads, Instant::now() + Duration::from_millis(500));
        for thread in threads.into_iter().filter(JoinHandle::is_finished) {
            let _ = thread.join();
        }
    }
}

fn wait_for(threads: &[JoinHandle<()>], deadline: Instant) {
    while !threads.iter().all(JoinHandle::is_finished) && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(5));
    }
}
