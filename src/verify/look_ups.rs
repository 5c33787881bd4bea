//! Asking Postgres from a few threads of our own, each with its own connection. However long Postgres keeps them
//! waiting (a frozen server keeps its sockets open), no thread that serves requests waits with them, and nobody else's
//! connections are used up.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, OnceLock},
    thread,
    time::{Duration, Instant},
};

use anyhow::anyhow;
use diesel::{PgConnection, connection::SimpleConnection};
use parking_lot::{Condvar, Mutex};

use super::{
    breaker::Breaker,
    entry::{Entry, Told},
    facts::Fact,
    flights::{Awaited, Found, PATIENCE},
    interned::Interned,
    known::{Joined, Known, Recalled, Ticket},
    queries,
};
use crate::{
    credentials::SecretHash,
    db,
    error::{AppError, AppResult},
    metrics::{LookedUp, Metrics, Recall},
};

/// So many questions are asked of Postgres at once.
const THREADS: usize = 4;
/// So many wait in each lane; more are turned away.
const QUEUE: usize = 512;
/// A question that Postgres has had for so long when whoever waits gives up was not only waiting for its turn.
const SLOW: Duration = PATIENCE.checked_div(2).expect("two is not zero");

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

/// Who is served first. What was known before goes ahead of what never was, so that a flood of made-up credentials
/// does not delay anyone else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    Known,
    Unknown,
}

/// The way to Postgres for all who miss something in memory.
pub struct LookUps(Arc<Shared>);

struct Shared {
    url: String,
    metrics: Arc<Metrics>,
    breaker: Breaker,
    lanes: Mutex<Lanes>,
    wake: Condvar,
}

#[derive(Default)]
struct Lanes {
    known: VecDeque<Job>,
    unknown: VecDeque<Job>,
    stopping: bool,
}

struct Job {
    /// Afterwards nobody waits for the answer any more.
    deadline: Instant,
    /// When Postgres was asked.
    asked_at: Arc<OnceLock<Instant>>,
    ask: Box<Ask>,
}

/// Asks, and tells whoever waits; may be asked again after an error.
type Ask = dyn FnMut(&mut PgConnection) -> AppResult<()> + Send;

impl LookUps {
    /// Starts the threads.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start(database_url: &str, metrics: Arc<Metrics>) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared {
            url: database_url.to_owned(),
            metrics,
            breaker: Breaker::default(),
            lanes: Mutex::default(),
            wake: Condvar::new(),
        });
        for number in 1..=THREADS {
            let shared = Arc::clone(&shared);
            thread::Builder::new()
                .name(format!("look-up-{number}"))
                .spawn(move || shared.work())?;
        }
        Ok(Self(shared))
    }

    /// Facts from memory, or looked up if memory is not fresh: once, however many ask. When Postgres does not answer
    /// until the deadline, facts that are not too old will do. `query` is only made when it is needed.
    pub async fn learn<T, Q>(
        &self,
        known: &Arc<Known<T>>,
        wish: Wish,
        query: impl FnOnce() -> Q,
    ) -> Result<Learned<T>, CannotKnow>
    where
        T: Fact,
        Q: Fn(&mut PgConnection) -> AppResult<Option<Told<T>>> + Send + 'static,
    {
        let old = match known.recall(&wish.hash, wish.now) {
            Recalled::Fresh(found) => {
                self.0.metrics.recalled(T::MEMORY, Recall::Hit);
                return Ok(Learned { found, stale: None });
            }
            Recalled::Old { facts, age } => Some((facts, age)),
            Recalled::Unknown => None,
        };
        self.learn_anew(known, wish, old, query()).await
    }

    async fn learn_anew<T, Q>(
        &self,
        known: &Arc<Known<T>>,
        mut wish: Wish,
        old: Option<(Entry<T>, Duration)>,
        query: Q,
    ) -> Result<Learned<T>, CannotKnow>
    where
        T: Fact,
        Q: Fn(&mut PgConnection) -> AppResult<Option<Told<T>>> + Send + 'static,
    {
        if old.is_some() {
            wish.lane = Lane::Known;
        }
        match self.look_up(known, &wish, query).await {
            Ok(found) => Ok(Learned { found, stale: None }),
            Err(CannotKnow) => {
                let (facts, age) = old.ok_or(CannotKnow)?;
                self.0.metrics.recalled(T::MEMORY, Recall::Stale);
                Ok(Learned { found: Some(facts), stale: Some(age) })
            }
        }
    }

    async fn look_up<T, Q>(
        &self,
        known: &Arc<Known<T>>,
        wish: &Wish,
        query: Q,
    ) -> Result<Found<T>, CannotKnow>
    where
        T: Fact,
        Q: Fn(&mut PgConnection) -> AppResult<Option<Told<T>>> + Send + 'static,
    {
        // Another look-up may have come before this one.
        let now = Instant::now();
        if !self.0.breaker.lets_through(now) {
            self.0.metrics.recalled(T::MEMORY, Recall::Miss);
            return Err(CannotKnow);
        }
        let (answer, leads): (Awaited<T>, _) = match known.join(wish.hash, now) {
            Joined::Follow(answer) => (answer, None),
            Joined::Lead(ticket, answer) => {
                let job = job(ticket, wish.deadline, query);
                let asked_at = Arc::clone(&job.asked_at);
                self.0.submit(wish.lane, job);
                (answer, Some(asked_at))
            }
        };
        let how = if leads.is_some() { Recall::Miss } else { Recall::Joined };
        self.0.metrics.recalled(T::MEMORY, how);
        match tokio::time::timeout_at(wish.deadline.into(), answer).await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(_)) => Err(CannotKnow),
            Err(_) => {
                // A flood of what nobody knows waits for its turn, however well Postgres is.
                let was_asked =
                    |at: &OnceLock<Instant>| at.get().is_some_and(|at| at.elapsed() >= SLOW);
                if leads.is_some_and(|at| wish.lane == Lane::Known || was_asked(&at)) {
                    self.0.breaker.failed(Instant::now());
                }
                Err(CannotKnow)
            }
        }
    }

    /// How many wait in each lane.
    pub fn waiting(&self) -> [(&'static str, usize); 2] {
        let lanes = self.0.lanes.lock();
        [("known", lanes.known.len()), ("unknown", lanes.unknown.len())]
    }

    /// Whether Postgres is not asked for the time being, and how often that began.
    pub fn cut_off(&self) -> (bool, u64) {
        self.0.breaker.standing()
    }

    /// Lets the threads end. One that Postgres keeps waiting ends with the process.
    pub fn stop(&self) {
        let mut lanes = self.0.lanes.lock();
        lanes.stopping = true;
        let waiting: Vec<Job> = lanes.take_all();
        drop(lanes);
        drop(waiting);
        self.0.wake.notify_all();
    }
}

impl Drop for LookUps {
    fn drop(&mut self) {
        self.stop();
    }
}

fn job<T, Q>(ticket: Ticket<T>, deadline: Instant, query: Q) -> Job
where
    T: Fact,
    Q: Fn(&mut PgConnection) -> AppResult<Option<Told<T>>> + Send + 'static,
{
    let mut ticket = Some(ticket);
    let ask = move |conn: &mut PgConnection| {
        let found = query(conn)?;
        if let Some(ticket) = ticket.take() {
            ticket.answer(found);
        }
        Ok(())
    };
    Job { deadline, asked_at: Arc::default(), ask: Box::new(ask) }
}

impl Lanes {
    fn next(&mut self) -> Option<Job> {
        self.known.pop_front().or_else(|| self.unknown.pop_front())
    }

    fn take_all(&mut self) -> Vec<Job> {
        self.known.drain(..).chain(self.unknown.drain(..)).collect()
    }
}

impl Shared {
    /// Queues a job. One that finds no place is dropped, which tells whoever waits for it.
    fn submit(&self, lane: Lane, job: Job) {
        let mut lanes = self.lanes.lock();
        let stopping = lanes.stopping;
        let queue = match lane {
            Lane::Known => &mut lanes.known,
            Lane::Unknown => &mut lanes.unknown,
        };
        if queue.len() < QUEUE && !stopping {
            queue.push_back(job);
            drop(lanes);
            self.wake.notify_one();
        } else {
            drop(lanes);
            drop(job);
            self.metrics.looked_up(LookedUp::TurnedAway);
        }
    }

    fn work(&self) {
        // A connection in reserve: the first question need not wait for one to be made.
        let mut connection = self.connect().ok();
        while let Some(mut job) = self.next() {
            let began = Instant::now();
            if began >= job.deadline {
                self.metrics.looked_up(LookedUp::Late);
                continue;
            }
            let _ = job.asked_at.set(began);
            // One row that nobody thought of must not take the thread from all others.
            let asked = catch_unwind(AssertUnwindSafe(|| self.ask(&mut connection, &mut job)));
            let asked = asked.unwrap_or_else(|_| {
                connection = None;
                Err(AppError::Internal(anyhow!("a look-up panicked")))
            });
            let how =
                if asked.is_ok() { LookedUp::Answered(began.elapsed()) } else { LookedUp::Failed };
            self.metrics.looked_up(how);
            match asked {
                // Postgres is judged by its own time, not by how long the question had waited for its turn.
                Ok(()) if began.elapsed() < PATIENCE => self.breaker.succeeded(),
                // Whoever gave up so soon has not counted it.
                Ok(()) if job.deadline < began + SLOW => self.breaker.failed(Instant::now()),
                Ok(()) => {}
                Err(error) => {
                    tracing::debug!(?error, "a look-up failed");
                    self.breaker.failed(Instant::now());
                }
            }
        }
    }

    fn next(&self) -> Option<Job> {
        let mut lanes = self.lanes.lock();
        loop {
            if let Some(job) = lanes.next() {
                return Some(job);
            }
            if lanes.stopping {
                return None;
            }
            self.wake.wait(&mut lanes);
        }
    }

    /// A connection may have died while nobody used it; then a new one is tried before giving up.
    fn ask(&self, connection: &mut Option<PgConnection>, job: &mut Job) -> AppResult<()> {
        if let Some(conn) = connection {
            match (job.ask)(conn) {
                Err(AppError::Unavailable(_)) => *connection = None,
                answer => return answer,
            }
        }
        let mut conn = self.connect()?;
        let answer = (job.ask)(&mut conn);
        if !matches!(answer, Err(AppError::Unavailable(_))) {
            *connection = Some(conn);
        }
        answer
    }

    /// A new connection of Postgres knows nothing of our tables yet; it learns by looking for nobody, so that the
    /// first caller does not wait for that.
    fn connect(&self) -> AppResult<PgConnection> {
        let mut conn = db::connect(&self.url).map_err(AppError::Unavailable)?;
        conn.batch_execute("set statement_timeout = 1000; set lock_timeout = 500")?;
        queries::key_by_secret(&mut conn, &SecretHash::of(""), &Interned::default())?;
        Ok(conn)
    }
}
