//! Counting without waiting: the path adds to a map in memory, one thread writes the sums every second.

use std::{
    mem,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use diesel::{Connection, PgConnection};
use parking_lot::{Condvar, Mutex};

use super::batch::Batch;
use crate::{db, error::AppResult};

/// Between two flushes. What is newer than the last one is lost when the process is killed.
const INTERVAL: Duration = Duration::from_secs(1);
/// So many maps share the counting, so that workers seldom meet.
const SHARDS: usize = 16;
/// So many rows a map holds between two flushes; more are dropped, and counted as dropped.
const ROOM: usize = 20_000;
/// So many rows wait for a database that is away.
const ROOM_WHILE_AWAY: usize = 500_000;
/// How often lost requests are mentioned in the log.
const REPORT: Duration = Duration::from_secs(60);

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
}

/// Records what keys, gateways and App Secrets did. A clone records into the same place.
#[derive(Clone)]
pub struct Recorder(Arc<Shared>);

struct Shared {
    shards: Vec<Mutex<Batch>>,
    dropped: AtomicU64,
    state: Mutex<State>,
    progress: Mutex<Progress>,
    wake: Condvar,
    writer: Mutex<Option<JoinHandle<()>>>,
}

struct Progress {
    /// What was recorded before is written.
    written_until: Instant,
    /// Rows that the writer has taken and not written yet.
    taken: usize,
    written: u64,
    failed: u64,
}

#[derive(Default)]
struct State {
    /// Flushes asked for, and flushes done since then; a failed one counts as done.
    asked: u64,
    done: u64,
    stopping: bool,
}

impl Recorder {
    /// Starts the thread that writes. It connects when there is something to write.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(database_url: &str) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            dropped: AtomicU64::new(0),
            state: Mutex::default(),
            progress: Mutex::new(Progress {
                written_until: Instant::now(),
                taken: 0,
                written: 0,
                failed: 0,
            }),
            wake: Condvar::new(),
            writer: Mutex::default(),
        });
        let writer = Writer {
            shared: Arc::clone(&shared),
            url: database_url.to_owned(),
            connection: None,
            batch: Batch::default(),
            reported_at: None,
            is_away: false,
        };
        let thread = thread::Builder::new().name("usage".into()).spawn(move || writer.run())?;
        *shared.writer.lock() = Some(thread);
        Ok(Self(shared))
    }

    /// Counts an answer about a key; an accepted key was used.
    pub fn record(&self, key: i64, code: &'static str, is_valid: bool, at: DateTime<Utc>) {
        let mut batch = self.shard(key).lock();
        if !batch.count(ROOM, key, code, at) {
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
        }
        if is_valid {
            batch.used(ROOM, key, at);
        }
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
        Standing { lag, rows, written: progress.written, failed: progress.failed }
    }

    /// Waits until everything recorded so far is written, or could not be. Blocks: not for threads that serve.
    pub fn flush(&self) {
        let mut state = self.0.state.lock();
        if state.stopping {
            return;
        }
        state.asked += 1;
        let mine = state.asked;
        self.0.wake.notify_all();
        self.0.wake.wait_while(&mut state, |state| state.done < mine && !state.stopping);
    }

    /// Writes everything and ends the writer; waits at most five seconds for Postgres. Later records are lost.
    pub fn stop(&self) {
        self.0.state.lock().stopping = true;
        self.0.wake.notify_all();
        let Some(writer) = self.0.writer.lock().take() else { return };
        let deadline = Instant::now() + Duration::from_secs(5);
        while !writer.is_finished() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
        if writer.is_finished() {
            let _ = writer.join();
        } else {
            tracing::error!(
                "the last second of usage could not be written: Postgres does not answer"
            );
        }
    }

    fn shard(&self, id: i64) -> &Mutex<Batch> {
        &self.0.shards[id.unsigned_abs() as usize % SHARDS]
    }
}

struct Writer {
    shared: Arc<Shared>,
    url: String,
    connection: Option<PgConnection>,
    /// What is not written yet.
    batch: Batch,
    reported_at: Option<Instant>,
    is_away: bool,
}

impl Writer {
    fn run(mut self) {
        loop {
            let (asked, stopping) = self.wait();
            self.flush();
            self.report_dropped();
            let mut state = self.shared.state.lock();
            state.done = asked;
            drop(state);
            self.shared.wake.notify_all();
            if stopping {
                return;
            }
        }
    }

    /// Until the second is over, or somebody cannot wait.
    fn wait(&self) -> (u64, bool) {
        let mut state = self.shared.state.lock();
        let deadline = Instant::now() + INTERVAL;
        while state.asked == state.done && !state.stopping {
            if self.shared.wake.wait_until(&mut state, deadline).timed_out() {
                break;
            }
        }
        (state.asked, state.stopping)
    }

    fn flush(&mut self) {
        let began = Instant::now();
        for shard in &self.shared.shards {
            let counted = mem::take(&mut *shard.lock());
            let lost = self.batch.absorb(counted, ROOM_WHILE_AWAY);
            self.shared.dropped.fetch_add(lost, Ordering::Relaxed);
        }
        let rows = self.batch.len();
        self.shared.progress.lock().taken = rows;
        let outcome = if self.batch.is_empty() { Ok(()) } else { self.write() };
        self.progressed(began, rows, outcome.is_ok());
        match outcome {
            Ok(()) => {
                self.batch = Batch::default();
                self.is_away = false;
            }
            Err(error) => {
                self.connection = None;
                if !mem::replace(&mut self.is_away, true) {
                    tracing::warn!(
                        ?error,
                        "usage cannot be written now; it is kept and tried again"
                    );
                }
            }
        }
    }

    fn progressed(&self, began: Instant, rows: usize, is_written: bool) {
        let mut progress = self.shared.progress.lock();
        if is_written {
            progress.written_until = began;
            progress.taken = 0;
            progress.written += u64::from(rows > 0);
        } else {
            progress.failed += 1;
        }
    }

    fn write(&mut self) -> AppResult<()> {
        if self.connection.is_none() {
            self.connection = Some(db::connect(&self.url)?);
        }
        let conn = self.connection.as_mut().expect("it was put there the line above");
        conn.transaction(|conn| self.batch.write(conn))
    }

    fn report_dropped(&mut self) {
        let due = self.reported_at.is_none_or(|at| at.elapsed() >= REPORT);
        let dropped = self.shared.dropped.load(Ordering::Relaxed);
        if due && dropped > 0 {
            tracing::warn!(
                dropped,
                "requests were not counted: too much happens between two flushes"
            );
            self.reported_at = Some(Instant::now());
        }
    }
}
