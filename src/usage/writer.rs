//! The one who writes: every second, or when somebody cannot wait.

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use anyhow::anyhow;
use diesel::{
    Connection, PgConnection, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{Nullable, Text},
};

use super::{
    accepted::{Accepted, ROWS},
    batch::Batch,
    counts::{self, Count},
    journal,
    recorder::{ROOM_WHILE_AWAY, Shared},
};
use crate::{
    db,
    error::{AppError, AppResult},
};

/// Between two flushes. What is newer than the last one is lost when the process is killed.
const INTERVAL: Duration = Duration::from_secs(1);
/// So many counts are added to where they belong at once; more are written down first, which costs Postgres a fraction.
const FEW: usize = 100;
/// How often lost requests are mentioned in the log.
const REPORT: Duration = Duration::from_secs(60);

/// Takes what was counted and writes it.
pub(super) struct Writer {
    shared: Arc<Shared>,
    url: String,
    connection: Option<PgConnection>,
    /// What waits to be written.
    batch: Batch,
    /// What one transaction writes. It stays as it is until it is known to be written.
    sending: Sending,
    reported_at: Option<Instant>,
    is_away: bool,
}

#[derive(Default)]
struct Sending {
    batch: Batch,
    accepted: Accepted,
    /// The transaction that may have been committed without our hearing of it.
    in_doubt: Option<String>,
}

#[derive(QueryableByName)]
struct Said {
    #[diesel(sql_type = Nullable<Text>)]
    text: Option<String>,
}

impl Writer {
    pub fn new(shared: Arc<Shared>, database_url: &str) -> Self {
        Self {
            shared,
            url: database_url.to_owned(),
            connection: None,
            batch: Batch::default(),
            sending: Sending::default(),
            reported_at: None,
            is_away: false,
        }
    }

    /// Until the recorder is stopped.
    pub fn run(mut self) {
        let turns = Arc::clone(&self.shared.writing);
        loop {
            let turn = turns.wait(INTERVAL);
            if catch_unwind(AssertUnwindSafe(|| self.flush())).is_err() {
                self.connection = None;
                self.shared.progress.lock().failed += 1;
            }
            self.report_dropped();
            turns.end(turn);
            if turn.is_last {
                return;
            }
        }
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
            if self.sending.is_empty() {
                has_more = self.load();
            }
            let rows = self.batch.len() + self.sending.len();
            self.shared.progress.lock().taken = rows;
            if self.sending.is_empty() {
                break;
            }
            if let Err(error) = self.write() {
                self.failed(error);
                return;
            }
            self.shared.progress.lock().written += 1;
            self.sending.clear();
            self.is_away = false;
        }
        let mut progress = self.shared.progress.lock();
        progress.taken = 0;
        progress.written_until = began;
    }

    fn failed(&mut self, error: AppError) {
        self.shared.progress.lock().failed += 1;
        self.connection = None;
        if !mem::replace(&mut self.is_away, true) {
            tracing::warn!(?error, "usage cannot be written now; it is kept and tried again");
        }
        if let Some(source) = self.shared.source.get() {
            source.shed(&mut |key, counted| self.shared.keep(key, counted));
        }
    }

    /// Takes what fits into one transaction; `true` when there is more.
    fn load(&mut self) -> bool {
        self.sending.batch = self.batch.take(ROWS);
        let accepted = &mut self.sending.accepted;
        let has_more = self.shared.kept.lock().move_to(accepted, ROWS) || !self.batch.is_empty();
        let room = ROWS.saturating_sub(accepted.len());
        if room == 0 {
            return true;
        }
        let source = self.shared.source.get();
        source.is_some_and(|source| source.drain(room, accepted)) || has_more
    }

    /// Returns when what is being sent is written: exactly once, also when the answer to a `COMMIT` was lost.
    fn write(&mut self) -> AppResult<()> {
        if self.connection.is_none() {
            self.connection = Some(db::connect(&self.url)?);
        }
        let conn = self.connection.as_mut().expect("it was put there the line above");
        let Sending { batch, accepted, in_doubt } = &mut self.sending;
        if let Some(transaction) = in_doubt {
            if was_committed(conn, transaction)? {
                return Ok(());
            }
            *in_doubt = None;
        }
        let mut ready = None;
        let written = conn.transaction(|conn| {
            let said: Said =
                sql_query("select pg_current_xact_id()::text as text").get_result(conn)?;
            let counts: Vec<Count> = batch.counts().chain(accepted.counts()).collect();
            if counts.len() <= FEW {
                counts::add(conn, counts)?;
            } else {
                journal::append(conn, &counts)?;
            }
            batch.write(conn)?;
            ready = said.text;
            Ok(())
        });
        if written.is_err() {
            *in_doubt = ready;
        }
        written
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

impl Sending {
    fn len(&self) -> usize {
        self.batch.len() + self.accepted.len()
    }

    fn is_empty(&self) -> bool {
        self.batch.is_empty() && self.accepted.is_empty()
    }

    /// It is written.
    fn clear(&mut self) {
        self.batch = Batch::default();
        self.accepted.clear();
        self.in_doubt = None;
    }
}

/// An error: it cannot be known yet.
fn was_committed(conn: &mut PgConnection, transaction: &str) -> AppResult<bool> {
    let said = sql_query("select pg_xact_status($1::xid8) as text")
        .bind::<Text, _>(transaction)
        .get_result(conn)
        .map_err(AppError::from);
    let status = match said {
        Ok(Said { text }) => text,
        Err(error @ AppError::Unavailable(_)) => return Err(error),
        // A server that took over may have never heard of it.
        Err(_) => None,
    };
    match status.as_deref() {
        Some("committed") => Ok(true),
        Some("in progress") => {
            Err(AppError::Unavailable(anyhow!("the last transaction has not ended yet")))
        }
        _ => Ok(false),
    }
}
