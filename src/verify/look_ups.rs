//! Asking Postgres for what memory lacks: once for each credential, however many ask, and without ever waiting long.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use super::{
    askers::Askers,
    breaker::Breaker,
    entry::Entry,
    facts::Fact,
    flights::{Awaited, Found, PATIENCE},
    known::{Joined, Known, Recalled, Ticket},
    lanes::{Job, Lane},
    sought::Sought,
};
use crate::{
    credentials::SecretHash,
    metrics::{Metrics, Recall},
};

/// A question that Postgres has had for so long when whoever waits gives up was not only waiting for its turn.
pub const SLOW: Duration = PATIENCE.checked_div(2).expect("two is not zero");

/// Postgres did not say in time whether there is such a credential. Never a no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CannotKnow;

/// Facts as good as they can be had now.
pub struct Learned<T> {
    pub found: Found<T>,
    /// How old they are, if Postgres could not be asked.
    pub stale: Option<Duration>,
}

/// What memory lacks, and how much it matters.
pub struct Wish {
    pub hash: SecretHash,
    pub lane: Lane,
    pub now: Instant,
    pub deadline: Instant,
}

/// The way to Postgres for all who miss something in memory.
pub struct LookUps {
    askers: Askers,
    breaker: Arc<Breaker>,
    metrics: Arc<Metrics>,
}

impl LookUps {
    /// Starts the threads that ask.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start(database_url: &str, metrics: Arc<Metrics>) -> anyhow::Result<Self> {
        let breaker = Arc::<Breaker>::default();
        let askers = Askers::start(database_url, Arc::clone(&breaker), Arc::clone(&metrics))?;
        Ok(Self { askers, breaker, metrics })
    }

    /// Facts from memory, or looked up if memory is not fresh: once, however many ask. When Postgres does not answer
    /// until the deadline, facts that are not too old will do. `sought` says what to ask for, if that is needed.
    pub async fn learn<T: Fact>(
        &self,
        known: &Arc<Known<T>>,
        wish: Wish,
        sought: impl Fn(Ticket<T>) -> Sought,
    ) -> Result<Learned<T>, CannotKnow> {
        let old = match known.recall(&wish.hash, wish.now) {
            Recalled::Fresh(found) => {
                self.metrics.recalled(T::MEMORY, Recall::Hit);
                return Ok(Learned { found, stale: None });
            }
            Recalled::Old { facts, age } => Some((facts, age)),
            Recalled::Unknown => None,
        };
        // Apart, so that whoever finds everything in memory does not carry about what those need who wait.
        Box::pin(self.learn_anew(known, wish, old, sought)).await
    }

    async fn learn_anew<T: Fact>(
        &self,
        known: &Arc<Known<T>>,
        mut wish: Wish,
        old: Option<(Entry<T>, Duration)>,
        sought: impl Fn(Ticket<T>) -> Sought,
    ) -> Result<Learned<T>, CannotKnow> {
        if old.is_some() {
            wish.lane = Lane::Known;
        }
        match self.look_up(known, &wish, sought).await {
            Ok(found) => Ok(Learned { found, stale: None }),
            Err(CannotKnow) => {
                let (facts, age) = old.ok_or(CannotKnow)?;
                self.metrics.recalled(T::MEMORY, Recall::Stale);
                Ok(Learned { found: Some(facts), stale: Some(age) })
            }
        }
    }

    async fn look_up<T: Fact>(
        &self,
        known: &Arc<Known<T>>,
        wish: &Wish,
        sought: impl Fn(Ticket<T>) -> Sought,
    ) -> Result<Found<T>, CannotKnow> {
        loop {
            // Another look-up may have come before this one.
            let now = Instant::now();
            if !self.breaker.lets_through(now) {
                self.metrics.recalled(T::MEMORY, Recall::Miss);
                return Err(CannotKnow);
            }
            let (answer, leads): (Awaited<T>, _) = match known.join(wish.hash, now) {
                Joined::Follow(answer) => (answer, None),
                Joined::Lead(ticket, answer) => {
                    let asked_at = Arc::<OnceLock<Instant>>::default();
                    let (deadline, sought) = (wish.deadline, sought(ticket));
                    let job = Job { deadline, asked_at: Arc::clone(&asked_at), sought };
                    self.askers.submit(wish.lane, job);
                    (answer, Some(asked_at))
                }
            };
            let how = if leads.is_some() { Recall::Miss } else { Recall::Joined };
            self.metrics.recalled(T::MEMORY, how);
            match tokio::time::timeout_at(wish.deadline.into(), answer).await {
                Ok(Ok(found)) => return Ok(found),
                // Whoever led had less time, and nobody asks for them any more.
                Ok(Err(_)) if leads.is_none() && Instant::now() < wish.deadline => {}
                Ok(Err(_)) => return Err(CannotKnow),
                Err(_) => {
                    // A flood of what nobody knows waits for its turn, however well Postgres is.
                    let was_asked =
                        |at: &OnceLock<Instant>| at.get().is_some_and(|at| at.elapsed() >= SLOW);
                    if leads.is_some_and(|at| wish.lane == Lane::Known || was_asked(&at)) {
                        self.breaker.failed(Instant::now());
                    }
                    return Err(CannotKnow);
                }
            }
        }
    }

    /// Whether Postgres can be asked at once: a connection stands.
    pub fn can_ask(&self) -> bool {
        self.askers.have_a_connection()
    }

    /// How many wait in each lane.
    pub fn waiting(&self) -> [(&'static str, usize); 2] {
        self.askers.waiting()
    }

    /// Whether Postgres is not asked for the time being, and how often that began.
    pub fn cut_off(&self) -> (bool, u64) {
        self.breaker.standing()
    }

    /// Lets the threads end. One that Postgres keeps waiting ends with the process.
    pub fn stop(&self) {
        self.askers.stop();
    }
}
