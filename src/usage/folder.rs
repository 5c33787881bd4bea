//! The one who adds what is in the journal: when it is due, when somebody cannot wait, and as far as there is time at
//! the end. What is left is added by another node, or after the next start.

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use diesel::{Connection, PgConnection, connection::SimpleConnection};
use parking_lot::Mutex;

use super::{
    journal,
    turns::{Turn, Turns},
};
use crate::{db, error::AppResult};

/// How often it looks whether something is due, while there is something now and then.
const INTERVAL: Duration = Duration::from_millis(200);
/// And while there is nothing.
const IDLE: Duration = Duration::from_secs(1);
/// How long it looks for more at the end.
const END: Duration = Duration::from_millis(1500);

/// Adds what was written down.
pub(super) struct Folder {
    turns: Arc<Turns>,
    /// What was due before is added.
    added_until: Arc<Mutex<Instant>>,
    url: String,
    connection: Option<PgConnection>,
    is_away: bool,
}

impl Folder {
    pub fn new(turns: Arc<Turns>, added_until: Arc<Mutex<Instant>>, database_url: &str) -> Self {
        Self { turns, added_until, url: database_url.to_owned(), connection: None, is_away: false }
    }

    /// Until it is stopped.
    pub fn run(mut self) {
        let mut patience = IDLE;
        loop {
            let turn = self.turns.wait(patience);
            match catch_unwind(AssertUnwindSafe(|| self.take(turn))) {
                Ok(Ok(found)) => {
                    self.is_away = false;
                    patience = if found { INTERVAL } else { IDLE };
                }
                Ok(Err(error)) => {
                    self.connection = None;
                    if !mem::replace(&mut self.is_away, true) {
                        tracing::warn!(
                            ?error,
                            "the journal of usage cannot be added now; it is kept and tried again"
                        );
                    }
                }
                Err(_) => self.connection = None,
            }
            self.turns.end(turn);
            if turn.is_last {
                return;
            }
        }
    }

    /// `true` when there was something to add.
    fn take(&mut self, turn: Turn) -> AppResult<bool> {
        let began = Instant::now();
        let early = turn.is_asked_for || turn.is_last;
        let mut found = false;
        loop {
            let since = Instant::now();
            let overdue = self.fold(early)?;
            let late = overdue.unwrap_or_default();
            *self.added_until.lock() = since.checked_sub(late).unwrap_or(since);
            if overdue.is_none() {
                return Ok(found);
            }
            found = true;
            if turn.is_last && began.elapsed() > END || !early && self.turns.are_over() {
                return Ok(found);
            }
            if !early {
                // Nobody waits for it, and others need the processor.
                thread::sleep(since.elapsed());
            }
        }
    }

    fn fold(&mut self, early: bool) -> AppResult<Option<Duration>> {
        if self.connection.is_none() {
            let mut conn = db::connect(&self.url)?;
            // If Postgres loses the end of it in a power cut, it is in the journal as before.
            conn.batch_execute("set synchronous_commit = off")?;
            self.connection = Some(conn);
        }
        let conn = self.connection.as_mut().expect("it was put there the line above");
        conn.transaction(if early { journal::fold_early } else { journal::fold_due })
    }
}
