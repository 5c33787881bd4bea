//! A thread that takes one job after the other.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::anyhow;
use diesel::PgConnection;

use super::{
    Halt, Kind, Running, Work,
    lease::{self, Ending, Taken},
    runner::Shared,
    running::Live,
};
use crate::{
    db,
    error::{AppError, AppResult},
};

/// A connection that nobody needed for so long is closed.
const IDLE: Duration = Duration::from_secs(30);

pub(super) struct Worker {
    shared: Arc<Shared>,
    kinds: Vec<&'static str>,
    connection: Option<PgConnection>,
    /// What was called before has been looked at.
    heard: u64,
    is_away: bool,
}

impl Worker {
    pub fn new(shared: Arc<Shared>, kinds: Vec<&'static str>) -> Self {
        Self { shared, kinds, connection: None, heard: 0, is_away: false }
    }

    /// Until the runner is stopped.
    pub fn run(mut self) {
        loop {
            self.wait();
            loop {
                if self.shared.is_stopping() {
                    return;
                }
                match self.work() {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => {
                        self.connection = None;
                        if !std::mem::replace(&mut self.is_away, true) {
                            tracing::warn!(?error, "jobs cannot be run now; they wait");
                        }
                        break;
                    }
                }
            }
        }
    }

    /// Until there may be something to do.
    fn wait(&mut self) {
        let mut calls = self.shared.calls.lock();
        let deadline = Instant::now() + IDLE;
        while *calls == self.heard && !self.shared.is_stopping() {
            if self.connection.is_none() {
                self.shared.called.wait(&mut calls);
            } else if self.shared.called.wait_until(&mut calls, deadline).timed_out() {
                self.connection = None;
            }
        }
        self.heard = *calls;
    }

    /// Takes a job and runs it; `false` when there is none. An error: nothing is known of Postgres.
    fn work(&mut self) -> AppResult<bool> {
        let shared = Arc::clone(&self.shared);
        let kinds = self.kinds.clone();
        let taken = lease::take(self.connect()?, shared.id, &shared.node, &kinds)?;
        let Some(job) = taken else { return Ok(false) };
        if std::mem::take(&mut self.is_away) {
            tracing::info!("jobs are run again");
        }
        let live = Arc::new(Live::new(Arc::clone(&shared.is_stopping)));
        shared.held.lock().insert(job.id, (job.attempts, Arc::clone(&live)));
        // Only when its end is written is it let go: until then the lease is kept.
        let ended = self.run_one(&job, live);
        shared.held.lock().remove(&job.id);
        ended?;
        Ok(true)
    }

    fn run_one(&mut self, job: &Taken, live: Arc<Live>) -> AppResult<()> {
        let shared = Arc::clone(&self.shared);
        let conn = self.connect()?;
        let came_to = catch_unwind(AssertUnwindSafe(|| run(conn, &shared, job, live)))
            .unwrap_or_else(|_| Err(AppError::Internal(anyhow!("the job panicked")).into()));
        if matches!(came_to, Err(Halt::Failed(AppError::Internal(_) | AppError::Unavailable(_)))) {
            // What may still be open on it is undone with it.
            self.connection = None;
        }
        end(self.connect()?, &shared, job, came_to)
    }

    fn connect(&mut self) -> AppResult<&mut PgConnection> {
        if self.connection.is_none() {
            self.connection = Some(db::connect(&self.shared.url)?);
        }
        Ok(self.connection.as_mut().expect("it was put there the line above"))
    }
}

fn run(
    conn: &mut PgConnection,
    shared: &Shared,
    job: &Taken,
    live: Arc<Live>,
) -> Result<String, Halt> {
    if job.is_cancelled {
        return Err(Halt::Cancelled);
    }
    let most = Kind::parse(&job.kind).map_or(0, Kind::most_failures);
    if job.failures >= most {
        return Err(Halt::Failed(AppError::Conflict(
            "Each time this ran, its node vanished before it was done. Look at the log and the memory of the nodes it ran on before trying again.".into(),
        )));
    }
    let work = Work::stored(&job.kind, &job.payload)
        .ok_or_else(|| AppError::Internal(anyhow!("the job’s payload is not understood")))?;
    work.run(&mut Running::new(conn, job, &shared.engine, &shared.outside, live))
}

/// Writes how the attempt ended.
fn end(
    conn: &mut PgConnection,
    shared: &Shared,
    job: &Taken,
    came_to: Result<String, Halt>,
) -> AppResult<()> {
    let Some(kind) = Kind::parse(&job.kind) else { return Ok(()) };
    let error;
    let (ending, how) = match &came_to {
        Ok(summary) => (Ending::Done { summary }, "done"),
        Err(Halt::Cancelled) => (Ending::Cancelled, "cancelled"),
        Err(Halt::Stopping) => (Ending::HandedOn, "handed_on"),
        Err(Halt::Lost) => {
            tracing::warn!(job = job.id, kind = job.kind, "a job is another node’s by now");
            return Ok(());
        }
        Err(Halt::Failed(failure)) => {
            tracing::warn!(job = job.id, kind = job.kind, attempt = job.attempts, error = ?failure, "a job failed");
            error = reason(failure);
            let failures = job.failures + 1;
            if is_worth_another_try(failure) && failures < kind.most_failures() {
                (Ending::Again { error: &error, after: kind.pause_after(failures) }, "failed")
            } else {
                (Ending::Failed { error: &error }, "failed")
            }
        }
    };
    if lease::end(conn, job.id, job.attempts, &ending)? {
        let mut standing = shared.standing.lock();
        *standing.ended.entry((kind.slug(), how)).or_default() += 1;
    }
    Ok(())
}

/// Why, for whoever reads it later and is not in the middle of a request.
fn reason(failure: &AppError) -> String {
    match failure {
        AppError::Unavailable(_) => "Postgres could not be asked, or took too long.".into(),
        AppError::Constraint(..) => {
            "What it was about to write conflicts with what is there already.".into()
        }
        AppError::NoApiAccess => "Whoever started it has no API access any more.".into(),
        AppError::Forbidden => "Whoever started it may not do this any more.".into(),
        failure => failure.to_string(),
    }
}

/// What a person was refused stays refused; what a machine could not do may be done the next time.
fn is_worth_another_try(failure: &AppError) -> bool {
    matches!(failure, AppError::Unavailable(_) | AppError::Internal(_) | AppError::Constraint(..))
}
