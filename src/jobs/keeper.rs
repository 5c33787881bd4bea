//! The thread that hears of jobs, says every second that this node still runs those it has, and asks for what is due.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::anyhow;
use diesel::{PgConnection, connection::SimpleConnection};

use super::{
    Kind,
    lease::{self, CHANNEL, Ending, Held},
    runner::Shared,
    schedules,
};
use crate::db;

/// diesel's notifications never wait, so they are asked for.
const GLANCE: Duration = Duration::from_millis(20);
/// How often it is said that a job still runs, and looked for those that nobody told of.
const BEAT: Duration = Duration::from_secs(1);
/// How often it is looked whether it is time for something, and how the queue stands.
const ROUND: Duration = Duration::from_secs(5);
/// Between two attempts to connect.
const RETRY: Duration = Duration::from_millis(500);

pub(super) struct Keeper {
    shared: Arc<Shared>,
    is_away: bool,
    /// Until then what runs here is this node's, as far as it knows.
    kept_until: Instant,
}

impl Keeper {
    pub fn new(shared: Arc<Shared>) -> Self {
        Self { shared, is_away: false, kept_until: Instant::now() + lease::LASTS }
    }

    /// Until the runner is stopped.
    pub fn run(mut self) {
        while !self.is_over() {
            let kept = catch_unwind(AssertUnwindSafe(|| self.keep()))
                .unwrap_or_else(|_| Err(anyhow!("keeping jobs panicked")));
            let Err(error) = kept else { return };
            if !std::mem::replace(&mut self.is_away, true) {
                tracing::warn!(?error, "jobs cannot be kept now");
            }
            self.doubt();
            thread::sleep(RETRY);
        }
    }

    fn keep(&mut self) -> anyhow::Result<()> {
        let mut conn: PgConnection = db::connect(&self.shared.url)?;
        conn.batch_execute(&format!(
            "set application_name = 'latchkey jobs'; set statement_timeout = 5000; listen {CHANNEL}"
        ))?;
        let (mut beat_at, mut round_at) = (None, None);
        while !self.is_over() {
            if self.hears(&mut conn)? {
                self.shared.call();
            }
            if is_time(&mut beat_at, BEAT) {
                self.beat(&mut conn)?;
            }
            if is_time(&mut round_at, ROUND) && !self.shared.is_stopping() {
                schedules::run_due(&mut conn)?;
                let mut standing = self.shared.standing.lock().clone();
                standing.read(&mut conn)?;
                let mut now = self.shared.standing.lock();
                (now.open, now.oldest_waiting) = (standing.open, standing.oldest_waiting);
            }
            if std::mem::take(&mut self.is_away) {
                tracing::info!("jobs are kept again");
            }
            thread::sleep(GLANCE);
        }
        self.give_up(&mut conn)
    }

    fn hears(&self, conn: &mut PgConnection) -> anyhow::Result<bool> {
        let mut heard = false;
        for notification in conn.notifications_iter() {
            notification?;
            heard = true;
        }
        Ok(heard)
    }

    /// What runs here still does; what is not this node's any more stops after its step.
    fn beat(&mut self, conn: &mut PgConnection) -> anyhow::Result<()> {
        let began = Instant::now();
        let held = self.held();
        if !held.is_empty() {
            let kept = lease::keep(conn, self.shared.id, &held)?;
            let known = self.shared.held.lock();
            for job in &held {
                let Some((_, live)) = known.get(&job.id) else { continue };
                match kept.iter().find(|kept| kept.id == job.id) {
                    None => live.is_lost.store(true, Ordering::Relaxed),
                    Some(kept) => live.is_cancelled.store(kept.is_cancelled, Ordering::Relaxed),
                }
            }
        }
        self.kept_until = began + lease::LASTS;
        let kinds: Vec<&str> = Kind::ALL.iter().map(|(_, slug, _)| *slug).collect();
        if !self.shared.is_stopping() && lease::is_any_due(conn, &kinds)? {
            self.shared.call();
        }
        Ok(())
    }

    /// Postgres could not be told for so long that another node may have begun what runs here.
    fn doubt(&self) {
        if Instant::now() > self.kept_until {
            for (_, live) in self.shared.held.lock().values() {
                live.is_lost.store(true, Ordering::Relaxed);
            }
        }
    }

    /// The node ends, and a step takes too long: what it does is undone when it wants to commit.
    fn give_up(&self, conn: &mut PgConnection) -> anyhow::Result<()> {
        for job in self.held() {
            lease::end(conn, job.id, job.attempt, &Ending::HandedOn)?;
        }
        Ok(())
    }

    fn held(&self) -> Vec<Held> {
        let held = self.shared.held.lock();
        let told = |(id, (attempt, live)): (&i64, &(i32, Arc<super::running::Live>))| Held {
            id: *id,
            attempt: *attempt,
            done: live.done(),
        };
        held.iter().map(told).collect()
    }

    fn is_over(&self) -> bool {
        self.shared.is_over.load(Ordering::Relaxed)
    }
}

fn is_time(last: &mut Option<Instant>, every: Duration) -> bool {
    let is_due = last.is_none_or(|at| at.elapsed() >= every);
    if is_due {
        *last = Some(Instant::now());
    }
    is_due
}
