//! The one who writes: every second, or when somebody cannot wait.

use std::{
    mem,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use diesel::{Connection, PgConnection};

use super::{
    accepted::{Accepted, ROWS},
    batch::Batch,
    recorder::{ROOM_WHILE_AWAY, Shared},
};
use crate::{db, error::AppResult};

/// Between two flushes. What is newer than the last one is lost when the process is killed.
const INTERVAL: Duration = Duration::from_secs(1);
/// How often lost requests are mentioned in the log.
const REPORT: Duration = Duration::from_secs(60);

/// Takes what was counted and writes it.
pub(super) struct Writer {
    shared: Arc<Shared>,
    url: String,
    connection: Option<PgConnection>,
    /// What is not written yet.
    batch: Batch,
    accepted: Accepted,
    reported_at: Option<Instant>,
    is_away: bool,
}

impl Writer {
    pub fn new(shared: Arc<Shared>, database_url: &str) -> Self {
        Self {
            shared,
            url: database_url.to_owned(),
            connection: None,
            batch: Batch::default(),
            accepted: Accepted::default(),
            reported_at: None,
            is_away: false,
        }
    }

    /// Until the recorder is stopped.
    pub fn run(mut self) {
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
        if let Some(source) = self.shared.source.get() {
            source.gather();
        }
        // Many keys are many rows: so many at a time that no statement takes long or much memory. What is not taken
        // goes on being counted where it is.
        let mut has_more = true;
        while has_more {
            has_more = self.top_up();
            let rows = self.batch.len() + self.accepted.len();
            self.shared.progress.lock().taken = rows;
            if self.batch.is_empty() && self.accepted.is_empty() {
                break;
            }
            if let Err(error) = self.write() {
                self.shared.progress.lock().failed += 1;
                self.connection = None;
                if !mem::replace(&mut self.is_away, true) {
                    tracing::warn!(
                        ?error,
                        "usage cannot be written now; it is kept and tried again"
                    );
                }
                return;
            }
            self.shared.progress.lock().written += 1;
            self.batch = Batch::default();
            self.accepted.clear();
            self.is_away = false;
        }
        let mut progress = self.shared.progress.lock();
        progress.taken = 0;
        progress.written_until = began;
    }

    /// Takes what was accepted, as far as there is room; `true` when there is more.
    fn top_up(&mut self) -> bool {
        let has_more = self.shared.kept.lock().move_to(&mut self.accepted, ROWS);
        let room = ROWS.saturating_sub(self.accepted.len());
        if room == 0 {
            return true;
        }
        let source = self.shared.source.get();
        source.is_some_and(|source| source.drain(room, &mut self.accepted)) || has_more
    }

    fn write(&mut self) -> AppResult<()> {
        if self.connection.is_none() {
            self.connection = Some(db::connect(&self.url)?);
        }
        let conn = self.connection.as_mut().expect("it was put there the line above");
        conn.transaction(|conn| {
            self.batch.write(conn)?;
            self.accepted.write(conn)
        })
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
