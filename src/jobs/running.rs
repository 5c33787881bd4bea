//! What a job is given while it runs: steps that commit with the place where the next one goes on, and the news that it
//! has to stop.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

use diesel::{Connection, PgConnection};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    Starter,
    lease::{self, Taken},
};
use crate::{
    changes::Change,
    error::{AppError, AppResult},
    notices::Outside,
    users::{Origin, Viewer},
    verify::Engine,
};

/// How far a job has come.
#[derive(Debug, Clone)]
pub struct Progress {
    /// So many of whatever it counts.
    pub done: i64,
    /// `None` as long as nobody knows.
    pub total: Option<i64>,
    /// What it is at, in words; may be empty.
    pub text: String,
    /// Where the next step goes on.
    pub(super) resume: Option<Value>,
    live: Arc<Live>,
}

/// What the keeper of this node and a running job tell each other.
#[derive(Debug, Default)]
pub(super) struct Live {
    /// Further than the last step that was committed, and of how many; -1: nothing to tell.
    done: AtomicI64,
    total: AtomicI64,
    pub is_cancelled: AtomicBool,
    /// Another node has taken it, or may have.
    pub is_lost: AtomicBool,
    /// The node ends.
    pub is_stopping: Arc<AtomicBool>,
}

/// Why a job stops before its end.
#[derive(Debug)]
pub enum Halt {
    /// Somebody asked for it.
    Cancelled,
    /// The node ends; another goes on.
    Stopping,
    /// The job is another node's by now.
    Lost,
    /// It went wrong. What may be different the next time is tried again; what a person was refused is not.
    Failed(AppError),
}

impl From<AppError> for Halt {
    fn from(error: AppError) -> Self {
        Self::Failed(error)
    }
}

impl From<diesel::result::Error> for Halt {
    fn from(error: diesel::result::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<anyhow::Error> for Halt {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// A job that runs.
pub struct Running<'a> {
    conn: &'a mut PgConnection,
    job: &'a Taken,
    engine: &'a Engine,
    outside: &'a Outside,
    progress: Progress,
}

impl<'a> Running<'a> {
    pub(super) fn new(
        conn: &'a mut PgConnection,
        job: &'a Taken,
        engine: &'a Engine,
        outside: &'a Outside,
        live: Arc<Live>,
    ) -> Self {
        let progress = Progress {
            done: job.progress_done,
            total: job.progress_total,
            text: job.progress_text.clone(),
            resume: job.resume.clone(),
            live,
        };
        Self { conn, job, engine, outside, progress }
    }

    /// The job's id.
    pub fn id(&self) -> i64 {
        self.job.id
    }

    /// How far it has come, with all steps that were committed, by whichever node.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Where the next step goes on; `None` before the first one.
    ///
    /// # Errors
    /// When what is stored cannot be understood.
    pub fn resume<T: DeserializeOwned>(&self) -> Result<Option<T>, Halt> {
        let stored = self.progress.resume.clone();
        Ok(stored.map(serde_json::from_value).transpose().map_err(anyhow::Error::from)?)
    }

    /// Does a part of the work in a transaction that also writes how far that has led; with it or not at all. `act`
    /// changes the progress it is given, [`Progress::go_on_at`] above all.
    ///
    /// # Errors
    /// What `act` answers; that the job was cancelled, or has to be handed on, before it was called; that it is
    /// another node's by now: then `act` has done nothing.
    pub fn step<T>(
        &mut self,
        act: impl FnOnce(&mut PgConnection, &mut Progress) -> Result<T, Halt>,
    ) -> Result<T, Halt> {
        self.progress.live.check()?;
        let mut progress = self.progress.clone();
        let (id, attempt) = (self.job.id, self.job.attempts);
        let done = self.conn.transaction(|conn| {
            let done = act(conn, &mut progress)?;
            if lease::note(conn, id, attempt, &progress)? { Ok(done) } else { Err(Halt::Lost) }
        });
        progress.live.done.store(-1, Ordering::Relaxed);
        let done = done?;
        self.progress = progress;
        Ok(done)
    }

    /// Asks without changing anything.
    ///
    /// # Errors
    /// As [`Self::step`].
    pub fn ask<T>(
        &mut self,
        ask: impl FnOnce(&mut PgConnection) -> AppResult<T>,
    ) -> Result<T, Halt> {
        self.progress.live.check()?;
        Ok(ask(self.conn)?)
    }

    /// Whoever asked for it, as they are now: what they may do no longer, their jobs may not do either. Acts are in
    /// the trail as theirs, from where they asked.
    ///
    /// # Errors
    /// [`AppError::Unprocessable`] when they cannot sign in any more, or nobody asked.
    pub fn viewer(&mut self) -> Result<Viewer, Halt> {
        self.progress.live.check()?;
        viewer_of(self.conn, self.job).map_err(Into::into)
    }

    /// The ways to mail servers and webhooks.
    pub fn outside(&self) -> &'a Outside {
        self.outside
    }

    /// Makes this node forget what has just been changed; the others hear of it from Postgres.
    pub fn forget(&self, change: Change) {
        self.engine.forget(change);
    }
}

/// Whoever asked for the job.
pub(super) fn viewer_of(conn: &mut PgConnection, job: &Taken) -> AppResult<Viewer> {
    let origin = Origin { ip: job.ip.map(|ip| ip.addr()), request_id: job.request_id };
    match Starter::stored(&job.starter, job.user_id, job.application_id) {
        Some(Starter::User(id)) => Viewer::load(conn, id, origin).map_err(|error| match error {
            AppError::SignInRequired => AppError::Unprocessable(
                "Whoever started this was disabled meanwhile, so nothing more is done in their name."
                    .into(),
            ),
            error => error,
        }),
        Some(Starter::Operator) => Ok(Viewer { origin, ..Viewer::operator() }),
        _ => Err(AppError::Unprocessable("This is not done in anybody’s name.".into())),
    }
}

impl Progress {
    /// Where the next step goes on.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub fn go_on_at(&mut self, place: impl Serialize) -> Result<(), Halt> {
        self.resume = Some(serde_json::to_value(place).map_err(anyhow::Error::from)?);
        Ok(())
    }

    /// In the middle of a long step: shows how far it is, although nothing is committed yet.
    ///
    /// # Errors
    /// That the job was cancelled, or has to be handed on: the step is to be undone.
    pub fn is_at(&mut self, done: i64) -> Result<(), Halt> {
        self.done = done;
        self.live.done.store(done, Ordering::Relaxed);
        self.live.total.store(self.total.unwrap_or(-1), Ordering::Relaxed);
        self.live.check()
    }
}

impl Live {
    pub fn new(is_stopping: Arc<AtomicBool>) -> Self {
        let (done, total) = (AtomicI64::new(-1), AtomicI64::new(-1));
        Self { done, total, is_stopping, ..Self::default() }
    }

    /// Further than the last step that was committed, and of how many.
    pub fn done(&self) -> (Option<i64>, Option<i64>) {
        let told =
            |number: &AtomicI64| Some(number.load(Ordering::Relaxed)).filter(|number| *number >= 0);
        (told(&self.done), told(&self.done).and_then(|_| told(&self.total)))
    }

    fn check(&self) -> Result<(), Halt> {
        if self.is_lost.load(Ordering::Relaxed) {
            Err(Halt::Lost)
        } else if self.is_cancelled.load(Ordering::Relaxed) {
            Err(Halt::Cancelled)
        } else if self.is_stopping.load(Ordering::Relaxed) {
            Err(Halt::Stopping)
        } else {
            Ok(())
        }
    }
}
