//! The one who writes: every second, or when there is enough for a batch.

use std::{
    collections::BTreeMap,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use diesel::{
    Connection, PgConnection,
    prelude::*,
    sql_types::{Array, BigInt, Text, Timestamptz},
};

use super::{budget::Why, days, log::Shared, row::Row};
use crate::{
    db,
    error::{AppError, AppResult},
    schema::{request_logs, settings},
};

/// So many rows are written at once.
pub(super) const BATCH: usize = 5_000;
/// Between two flushes. What is newer than the last one is lost when the process is killed.
const INTERVAL: Duration = Duration::from_secs(1);
/// How often the settings are read.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How often missing partitions are looked for on the same day.
const MAKE_DAYS_EVERY: Duration = Duration::from_secs(3_600);
/// So many attempts find out which rows of a batch Postgres does not take.
const ATTEMPTS: usize = 64;

/// Takes what was noted and writes it.
pub(super) struct Writer {
    shared: Arc<Shared>,
    url: String,
    connection: Option<PgConnection>,
    /// What is being written. It stays as it is until it is known to be written.
    batch: Vec<Row>,
    /// It may have been written without our hearing of it.
    is_in_doubt: bool,
    /// What is missing, by minute and reason.
    gaps: BTreeMap<(i64, Why), u64>,
    looked_at: Option<Instant>,
    days_made: Option<(NaiveDate, Instant)>,
    is_away: bool,
}

impl Writer {
    pub fn new(shared: Arc<Shared>, database_url: &str) -> Self {
        Self {
            shared,
            url: database_url.to_owned(),
            connection: None,
            batch: Vec::new(),
            is_in_doubt: false,
            gaps: BTreeMap::new(),
            looked_at: None,
            days_made: None,
            is_away: false,
        }
    }

    /// Until the log is stopped.
    pub fn run(mut self) {
        loop {
            let (asked, is_asked, stopping) = self.wait();
            let everything = is_asked || stopping;
            match catch_unwind(AssertUnwindSafe(|| self.flush(everything))) {
                Ok(Ok(())) => self.is_away = false,
                Ok(Err(error)) => self.failed(&error),
                Err(_) => self.connection = None,
            }
            self.shared.state.lock().done = asked;
            self.shared.wake.notify_all();
            if stopping {
                return;
            }
        }
    }

    /// Until the second is over, or somebody cannot wait.
    fn wait(&self) -> (u64, bool, bool) {
        let mut state = self.shared.state.lock();
        let deadline = Instant::now() + INTERVAL;
        // While Postgres is away there always is enough for a batch.
        while state.asked == state.done && !state.stopping && (!state.is_due || self.is_away) {
            if self.shared.wake.wait_until(&mut state, deadline).timed_out() {
                break;
            }
        }
        state.is_due = false;
        (state.asked, state.asked != state.done, state.stopping)
    }

    fn failed(&mut self, error: &AppError) {
        self.shared.failed.fetch_add(1, Ordering::Relaxed);
        self.connection = None;
        if !mem::replace(&mut self.is_away, true) {
            tracing::warn!(?error, "requests cannot be logged now; they are kept and tried again");
        }
    }

    fn flush(&mut self, everything: bool) -> AppResult<()> {
        let now = Utc::now();
        let mut put = |row| {
            self.shared.put(row);
        };
        if everything {
            self.shared.sampler.empty(&mut put);
        } else {
            self.shared.sampler.sweep(now.timestamp() as u32, &mut put);
        }
        self.note_missing(now);
        self.look(now)?;
        loop {
            if self.batch.is_empty() {
                self.batch = self.shared.queue.lock().take();
            }
            self.shared.taken.store(self.batch.len() as u64, Ordering::Relaxed);
            if self.batch.is_empty() && self.gaps.is_empty() {
                return Ok(());
            }
            self.write()?;
        }
    }

    fn note_missing(&mut self, now: DateTime<Utc>) {
        let minute = now.timestamp().div_euclid(60);
        for (why, count) in self.shared.missing.take() {
            *self.gaps.entry((minute, why)).or_default() += count;
        }
    }

    /// Reads the settings, and makes the days that are to come, each when it is time.
    fn look(&mut self, now: DateTime<Utc>) -> AppResult<()> {
        let today = now.date_naive();
        let needs_days =
            self.days_made.is_none_or(|(day, at)| day != today || at.elapsed() >= MAKE_DAYS_EVERY);
        if needs_days {
            // Without its day a row is kept with those of no day.
            match days::make_days(self.connection()?, today) {
                Err(error @ AppError::Unavailable(_)) => return Err(error),
                Err(error) => tracing::warn!(?error, "the days to come cannot be made"),
                Ok(()) => {}
            }
            self.days_made = Some((today, Instant::now()));
        }
        if self.looked_at.is_none_or(|at| at.elapsed() >= LOOK_EVERY) {
            let decided = settings::table
                .select((settings::logs_accepted, settings::logs_per_second))
                .first(self.connection()?)
                .map_err(AppError::from);
            match decided {
                Err(error @ AppError::Unavailable(_)) => return Err(error),
                Err(error) => tracing::warn!(?error, "what is to be logged cannot be read"),
                Ok((accepted, per_second)) => self.shared.obey(accepted, per_second),
            }
            self.looked_at = Some(Instant::now());
        }
        Ok(())
    }

    fn connection(&mut self) -> AppResult<&mut PgConnection> {
        if self.connection.is_none() {
            self.connection = Some(db::connect(&self.url).map_err(AppError::Unavailable)?);
        }
        Ok(self.connection.as_mut().expect("it was put there the line above"))
    }

    /// Returns when the batch is written, once, also when the answer to a `COMMIT` was lost.
    fn write(&mut self) -> AppResult<()> {
        let (batch, gaps) = (mem::take(&mut self.batch), mem::take(&mut self.gaps));
        let written = self.connection().and_then(|conn| insert(conn, &batch, &gaps));
        match written {
            // Ids are never used twice: the first of these is there because all of them are.
            Err(error) if self.is_in_doubt && is_there(&error) => {}
            Err(error @ AppError::Unavailable(_)) => {
                (self.batch, self.gaps, self.is_in_doubt) = (batch, gaps, true);
                return Err(error);
            }
            Err(error) => {
                self.gaps = gaps;
                return self.write_by_parts(batch, error);
            }
            Ok(()) => {}
        }
        self.done(batch.len());
        Ok(())
    }

    fn done(&mut self, rows: usize) {
        self.is_in_doubt = false;
        self.shared.written.fetch_add(rows as u64, Ordering::Relaxed);
    }

    /// Finds the rows that Postgres does not take, and leaves them out. When it takes none at all, it is not the rows.
    fn write_by_parts(&mut self, batch: Vec<Row>, mut error: AppError) -> AppResult<()> {
        let (mut parts, mut refused, mut was_written) = (vec![batch], Vec::new(), false);
        let mut attempts = 0;
        while let Some(mut part) = parts.pop() {
            if part.len() == 1 {
                refused.append(&mut part);
                continue;
            }
            let half = part.split_off(part.len() / 2);
            for part in [half, part] {
                attempts += 1;
                let conn = self.connection()?;
                match insert(conn, &part, &BTreeMap::new()) {
                    Ok(()) => {
                        was_written = true;
                        self.done(part.len());
                    }
                    Err(again) => {
                        error = again;
                        parts.push(part);
                    }
                }
            }
            if attempts > ATTEMPTS || matches!(error, AppError::Unavailable(_)) {
                break;
            }
        }
        if was_written && parts.is_empty() {
            tracing::warn!(?error, rows = refused.len(), "Postgres does not take these requests");
            self.shared.missing.add(Why::Unwritable, refused.len() as u64);
            return Ok(());
        }
        self.batch = parts.into_iter().flatten().chain(refused).collect();
        Err(error)
    }
}

fn is_there(error: &AppError) -> bool {
    matches!(error, AppError::Constraint(name, _) if name.ends_with("_pkey"))
}

/// Writes rows and what is missing, all or nothing.
fn insert(
    conn: &mut PgConnection,
    rows: &[Row],
    gaps: &BTreeMap<(i64, Why), u64>,
) -> AppResult<()> {
    conn.transaction(|conn| {
        if !rows.is_empty() {
            diesel::copy_from(request_logs::table).from_insertable(rows).execute(conn)?;
        }
        write_gaps(conn, gaps)
    })
}

fn write_gaps(conn: &mut PgConnection, gaps: &BTreeMap<(i64, Why), u64>) -> AppResult<()> {
    if gaps.is_empty() {
        return Ok(());
    }
    let minutes: Vec<DateTime<Utc>> =
        gaps.keys().map(|(minute, _)| DateTime::UNIX_EPOCH + TimeDelta::minutes(*minute)).collect();
    let reasons: Vec<&str> = gaps.keys().map(|(_, why)| why.slug()).collect();
    let requests: Vec<i64> =
        gaps.values().map(|&count| i64::try_from(count).unwrap_or(i64::MAX)).collect();
    diesel::sql_query(
        "insert into request_log_gaps (minute, reason, requests) \
         select * from unnest($1, $2, $3) order by 1, 2 \
         on conflict (minute, reason) do update set requests = request_log_gaps.requests + excluded.requests",
    )
    .bind::<Array<Timestamptz>, _>(minutes)
    .bind::<Array<Text>, _>(reasons)
    .bind::<Array<BigInt>, _>(requests)
    .execute(conn)?;
    Ok(())
}
