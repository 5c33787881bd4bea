//! Noting answers without waiting: what is to be logged goes into a bounded queue, one thread writes it every second.

use std::{
    borrow::Cow,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use chrono::Utc;
use parking_lot::{Condvar, Mutex};
use uuid::Uuid;

use super::{
    budget::{ACCEPTED_A_SECOND, Missing, PerSecond, REFUSED_A_SECOND, UNKNOWN_A_SECOND, Why},
    row::Row,
    sampler::{Sampled, Sampler},
    writer::{BATCH, Writer},
};

/// So much waits for a database that is away: some hundred thousand rows.
const ROOM: usize = 32 << 20;
/// Until the settings are read.
const PER_SECOND: u32 = 50;

/// An answer of ours.
#[derive(Debug)]
pub struct Answered<'a> {
    pub code: &'static str,
    /// Why not; empty for a yes.
    pub detail: &'a str,
    pub key_id: Option<i64>,
    /// Of the key, or the one that identified itself.
    pub application_id: Option<i64>,
    /// The gateway's.
    pub environment_id: i64,
    pub gateway_id: i64,
    /// `verify` or `authorize`.
    pub endpoint: &'static str,
    pub scopes: &'a [Cow<'a, str>],
    pub customer: Option<&'a str>,
    pub ip: Option<IpAddr>,
    pub took: Duration,
}

/// What the gateway told about the request it has from its caller. Empty: it did not.
#[derive(Debug, Default)]
pub struct Told<'a> {
    pub method: Cow<'a, str>,
    pub path: Cow<'a, str>,
    pub agent: Cow<'a, str>,
}

/// How far writing has come.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// Rows that are not written yet.
    pub waiting: usize,
    /// Rows written since the start.
    pub written: u64,
    /// Times that rows could not be written and were kept.
    pub failed: u64,
}

/// The way into the request log. A clone leads to the same place.
#[derive(Clone)]
pub struct Log(Arc<Shared>);

pub(super) struct Shared {
    pub sampler: Sampler,
    accepted: PerSecond,
    refused: PerSecond,
    unknown: PerSecond,
    pub missing: Missing,
    /// How many accepted requests of a key are logged each second; 0 for none.
    pub per_second: AtomicU32,
    pub queue: Mutex<Queue>,
    pub state: Mutex<State>,
    pub wake: Condvar,
    /// Rows that the writer has taken and not written yet.
    pub taken: AtomicU64,
    pub written: AtomicU64,
    pub failed: AtomicU64,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// What waits for the writer.
#[derive(Default)]
pub(super) struct Queue {
    rows: Vec<Row>,
    weight: usize,
}

#[derive(Default)]
pub(super) struct State {
    /// Flushes asked for, and flushes done since then; a failed one counts as done.
    pub asked: u64,
    pub done: u64,
    /// There is enough for a batch.
    pub is_due: bool,
    pub stopping: bool,
}

impl Log {
    /// Starts the thread that writes.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(database_url: &str) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared {
            sampler: Sampler::default(),
            accepted: PerSecond::new(ACCEPTED_A_SECOND),
            refused: PerSecond::new(REFUSED_A_SECOND),
            unknown: PerSecond::new(UNKNOWN_A_SECOND),
            missing: Missing::default(),
            per_second: AtomicU32::new(PER_SECOND),
            queue: Mutex::default(),
            state: Mutex::default(),
            wake: Condvar::new(),
            taken: AtomicU64::new(0),
            written: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            writer: Mutex::default(),
        });
        let writer = Writer::new(Arc::clone(&shared), database_url);
        let thread = thread::Builder::new().name("logs".into()).spawn(move || writer.run())?;
        *shared.writer.lock() = Some(thread);
        Ok(Self(shared))
    }

    /// Notes an answer; the id under which it is logged, if it has a row of its own. `told` is asked only then: what is
    /// not logged costs no memory.
    pub fn note<'t>(
        &self,
        answered: &Answered<'_>,
        told: impl FnOnce() -> Told<'t>,
    ) -> Option<Uuid> {
        let shared = &*self.0;
        let per_second = shared.per_second.load(Ordering::Relaxed);
        let is_accepted = answered.code == "VALID";
        if is_accepted && per_second == 0 {
            return None;
        }
        let now = Utc::now();
        let second = now.timestamp() as u32;
        let row = || Row::new(now, answered, &told());
        if is_accepted {
            // Applications are sampled too; theirs are the ids below nought.
            let who = answered.key_id.or(answered.application_id.map(|id| -id))?;
            let take = || shared.accepted.take(second);
            return match shared.sampler.decide(who, second, per_second, take, row) {
                Sampled::Write(row) => shared.put(row),
                Sampled::Full(row) => {
                    shared.put(row);
                    None
                }
                Sampled::Held(id) => Some(id),
                Sampled::Counted => None,
                Sampled::NoRoom => shared.leave_out(Why::Accepted),
            };
        }
        let (budget, why) = match answered.key_id {
            Some(_) => (&shared.refused, Why::Refused),
            None => (&shared.unknown, Why::Unknown),
        };
        if budget.take(second) { shared.put(row()) } else { shared.leave_out(why) }
    }

    /// Applies what was decided in the settings on this node, before the writer reads it there.
    pub fn obey(&self, accepted: bool, per_second: i32) {
        self.0.obey(accepted, per_second);
    }

    /// How far writing has come.
    pub fn standing(&self) -> Standing {
        let waiting = self.0.queue.lock().rows.len();
        Standing {
            waiting: waiting + self.0.taken.load(Ordering::Relaxed) as usize,
            written: self.0.written.load(Ordering::Relaxed),
            failed: self.0.failed.load(Ordering::Relaxed),
        }
    }

    /// Requests that are not in the log and should be, since the start.
    pub fn missing(&self, why: Why) -> u64 {
        self.0.missing.since_start(why)
    }

    /// Waits until everything noted so far is written, or could not be. Blocks: not for threads that serve.
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

    /// Writes everything and ends the writer; waits two and a half seconds for Postgres, no longer. Later answers are
    /// not logged.
    pub fn stop(&self) {
        self.0.state.lock().stopping = true;
        self.0.wake.notify_all();
        let Some(writer) = self.0.writer.lock().take() else { return };
        let deadline = Instant::now() + Duration::from_millis(2500);
        while !writer.is_finished() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
        if writer.is_finished() {
            let _ = writer.join();
        } else {
            tracing::error!("the last requests could not be logged: Postgres does not answer");
        }
    }
}

impl Shared {
    pub fn obey(&self, accepted: bool, per_second: i32) {
        let per_second = if accepted { u32::try_from(per_second).unwrap_or(0) } else { 0 };
        self.per_second.store(per_second, Ordering::Relaxed);
    }

    /// Puts a row into the queue; its id, unless there is no room.
    pub fn put(&self, row: Row) -> Option<Uuid> {
        let (id, weight, count) = (row.id, row.weight(), row.stands_for);
        let mut queue = self.queue.lock();
        if queue.weight + weight > ROOM {
            drop(queue);
            self.missing.add(Why::Waiting, u64::try_from(count).unwrap_or(1));
            return None;
        }
        queue.weight += weight;
        queue.rows.push(row);
        let is_due = queue.rows.len() == BATCH;
        drop(queue);
        if is_due {
            self.state.lock().is_due = true;
            self.wake.notify_all();
        }
        Some(id)
    }

    fn leave_out<T>(&self, why: Why) -> Option<T> {
        self.missing.add(why, 1);
        None
    }
}

impl Queue {
    /// Takes a batch, the oldest first.
    pub fn take(&mut self) -> Vec<Row> {
        if self.rows.len() <= BATCH {
            self.weight = 0;
            return std::mem::take(&mut self.rows);
        }
        let rest = self.rows.split_off(BATCH);
        let batch = std::mem::replace(&mut self.rows, rest);
        self.weight -= batch.iter().map(Row::weight).sum::<usize>();
        batch
    }
}
