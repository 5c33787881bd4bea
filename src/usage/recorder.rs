//! Counting without waiting: the path adds to what is in memory, one thread writes the sums every second.

use std::{
    mem,
    net::IpAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use parking_lot::Mutex;

use super::{
    accepted::{Accepted, Source},
    batch::Batch,
    folder::Folder,
    tally::Counted,
    turns::Turns,
    writer::Writer,
};

/// So many maps share the counting, so that workers seldom meet.
const SHARDS: usize = 16;
/// So many rows a map holds between two flushes; more are dropped, and counted as dropped.
const ROOM: usize = 20_000;
/// So many rows wait for a database that is away.
pub(super) const ROOM_WHILE_AWAY: usize = 500_000;

/// How far writing has come.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// At most so old is what is not written yet.
    pub lag: Duration,
    /// So many rows are not written yet.
    pub rows: usize,
    /// So many flushes were written, and so many could not be.
    pub written: u64,
    pub failed: u64,
    /// At most so long beyond its time waits what is in the journal.
    pub overdue: Duration,
}

/// Records what keys, gateways and App Secrets did. A clone records into the same place.
#[derive(Clone)]
pub struct Recorder(Arc<Shared>);

pub(super) struct Shared {
    pub shards: Vec<Mutex<Batch>>,
    /// Counts of keys that found no place with the key.
    pub kept: Mutex<Accepted>,
    /// The counts of keys that did.
    pub source: OnceLock<Box<dyn Source>>,
    pub dropped: AtomicU64,
    pub progress: Mutex<Progress>,
    /// The writer's, and those of whoever adds what it has written down in short.
    pub writing: Arc<Turns>,
    folding: Arc<Turns>,
    /// What was due before is added.
    added_until: Arc<Mutex<Instant>>,
    threads: Mutex<Vec<(Arc<Turns>, JoinHandle<()>)>>,
}

pub(super) struct Progress {
    /// What was recorded before is written.
    pub written_until: Instant,
    /// Rows that the writer has taken and not written yet.
    pub taken: usize,
    pub written: u64,
    pub failed: u64,
}

impl Shared {
    fn begin(
        &self,
        name: &str,
        turns: &Arc<Turns>,
        work: impl FnOnce() + Send + 'static,
    ) -> anyhow::Result<()> {
        let thread = thread::Builder::new().name(name.to_owned()).spawn(work)?;
        self.threads.lock().push((Arc::clone(turns), thread));
        Ok(())
    }

    pub fn keep(&self, key: i64, counted: Counted) {
        let mut kept = self.kept.lock();
        if kept.len() < ROOM_WHILE_AWAY {
            kept.push(key, counted);
        } else {
            self.dropped.fetch_add(u64::from(counted.count), Ordering::Relaxed);
        }
    }
}

impl Recorder {
    /// Starts the threads that write. They connect when there is something to do.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start(database_url: &str) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            kept: Mutex::default(),
            source: OnceLock::new(),
            dropped: AtomicU64::new(0),
            progress: Mutex::new(Progress {
                written_until: Instant::now(),
                taken: 0,
                written: 0,
                failed: 0,
            }),
            writing: Arc::default(),
            folding: Arc::default(),
            added_until: Arc::new(Mutex::new(Instant::now())),
            threads: Mutex::default(),
        });
        let writer = Writer::new(Arc::clone(&shared), database_url);
        shared.begin("usage", &shared.writing, move || writer.run())?;
        let (turns, until) = (Arc::clone(&shared.folding), Arc::clone(&shared.added_until));
        let folder = Folder::new(turns, until, database_url);
        shared.begin("usage-journal", &shared.folding, move || folder.run())?;
        Ok(Self(shared))
    }

    /// Says where keys count how often they were accepted: the writer takes it from there. There is one such place.
    pub fn attach(&self, source: impl Source + 'static) {
        let _ = self.0.source.set(Box::new(source));
    }

    /// Counts an answer about a key; an accepted key was used.
    pub fn record(&self, key: i64, code: &'static str, is_valid: bool, at: DateTime<Utc>) {
        if is_valid {
            self.keep(key, Counted::once(at));
        } else if !self.shard(key).lock().count(ROOM, key, code, at) {
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Keeps what was accepted and can be counted nowhere else.
    pub fn keep(&self, key: i64, counted: Counted) {
        self.0.keep(key, counted);
    }

    /// Notes who presented a secret that is being replaced, or has been.
    pub fn old_secret(&self, secret: i64, caller: Option<IpAddr>, at: DateTime<Utc>) {
        self.shard(secret).lock().called(ROOM, secret, caller, at);
    }

    /// Notes that a gateway asked something.
    pub fn contact(&self, gateway: i64, at: DateTime<Utc>) {
        self.shard(gateway).lock().contact(ROOM, gateway, at);
    }

    /// Notes that an App Secret identified its application.
    pub fn identified(&self, application: i64, at: DateTime<Utc>) {
        self.shard(application).lock().identified(ROOM, application, at);
    }

    /// Requests that were not counted because memory for counting was full.
    pub fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    /// How far writing has come.
    pub fn standing(&self) -> Standing {
        let waiting: usize = self.0.shards.iter().map(|shard| shard.lock().len()).sum();
        let progress = self.0.progress.lock();
        let rows = waiting + progress.taken;
        let lag = if rows == 0 { Duration::ZERO } else { progress.written_until.elapsed() };
        let overdue = self.0.added_until.lock().elapsed();
        Standing { lag, rows, written: progress.written, failed: progress.failed, overdue }
    }

    /// Waits until everything recorded so far is written where pages read it, or could not be. Blocks: not for threads
    /// that serve.
    pub fn flush(&self) {
        self.0.writing.ask();
        self.0.folding.ask();
    }

    /// Writes everything and ends the threads; waits two and a half seconds for Postgres, no longer: whoever ends us has
    /// ten for everything. Later records are lost.
    pub fn stop(&self) {
        let threads = mem::take(&mut *self.0.threads.lock());
        let deadline = Instant::now() + Duration::from_millis(2500);
        // One after the other: the second adds what the first has written down.
        for (turns, thread) in threads {
            turns.stop();
            while !thread.is_finished() && Instant::now() < deadline {
                thread::sleep(Duration::from_millis(5));
            }
            let name = thread.thread().name().unwrap_or_default().to_owned();
            if thread.is_finished() {
                let _ = thread.join();
            } else {
                tracing::error!(
                    thread = name,
                    "not everything could be written: Postgres does not answer in time"
                );
            }
        }
    }

    fn shard(&self, id: i64) -> &Mutex<Batch> {
        &self.0.shards[id.unsigned_abs() as usize % SHARDS]
    }
}
