//! A few threads that ask Postgres, each with a connection of its own. However long Postgres keeps them waiting (a
//! frozen server keeps its sockets open), no thread that serves requests waits with them, and nobody else's
//! connections are used up.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::anyhow;
use diesel::{PgConnection, connection::SimpleConnection};

use super::{
    breaker::Breaker,
    flights::PATIENCE,
    interned::Interned,
    known::Ticket,
    lanes::{Job, Lane, Lanes, Next},
    look_ups::SLOW,
    queries,
    sought::ask_together,
};
use crate::{
    db,
    error::{AppError, AppResult},
    metrics::{LookedUp, Metrics},
};

/// So many questions are asked of Postgres at once. Where everything shares two busy cores, two of them get too little of
/// Postgres: at a cold start some of ten thousand first uses were not answered in time.
const THREADS: usize = 4;
/// Between two attempts to connect while nobody asks.
const RETRY: Duration = Duration::from_millis(250);
/// The plans of look-ups do not depend on what is looked for, and are made once for a connection: making them takes
/// longer than answering. An empty table may be full a minute later, so none of them is to read a table from end to end.
const SETTINGS: &str = "set statement_timeout = 1000; set lock_timeout = 500; \
    set plan_cache_mode = force_generic_plan; set enable_seqscan = off";

/// The threads, until they are stopped.
pub struct Askers(Arc<Shared>);

struct Shared {
    url: String,
    lanes: Lanes,
    interned: Interned,
    breaker: Arc<Breaker>,
    metrics: Arc<Metrics>,
    /// So many connections stand.
    connections: AtomicUsize,
}

impl Askers {
    /// Starts the threads.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start(
        database_url: &str,
        breaker: Arc<Breaker>,
        metrics: Arc<Metrics>,
    ) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared {
            url: database_url.to_owned(),
            lanes: Lanes::default(),
            interned: Interned::default(),
            breaker,
            metrics,
            connections: AtomicUsize::new(0),
        });
        for number in 1..=THREADS {
            let asker = Asker { shared: Arc::clone(&shared), connection: None };
            thread::Builder::new().name(format!("look-up-{number}")).spawn(move || asker.work())?;
        }
        Ok(Self(shared))
    }

    /// Has something asked. What finds no place is dropped, which tells whoever waits for it.
    pub fn submit(&self, lane: Lane, job: Job) {
        if self.0.lanes.push(lane, job).is_some() {
            self.0.metrics.looked_up(LookedUp::TurnedAway);
        }
    }

    /// Whether any of them could ask at once.
    pub fn have_a_connection(&self) -> bool {
        self.0.connections.load(Ordering::Acquire) > 0
    }

    /// How many wait in each lane.
    pub fn waiting(&self) -> [(&'static str, usize); 2] {
        self.0.lanes.waiting()
    }

    /// Lets the threads end. One that Postgres keeps waiting ends with the process.
    pub fn stop(&self) {
        self.0.lanes.stop();
    }
}

impl Drop for Askers {
    fn drop(&mut self) {
        self.stop();
    }
}

struct Asker {
    shared: Arc<Shared>,
    connection: Option<PgConnection>,
}

impl Asker {
    fn work(mut self) {
        // A connection in reserve: whoever asks first need not wait for one to be made.
        let _ = self.connect();
        loop {
            let patience = self.connection.is_none().then_some(RETRY);
            match self.shared.lanes.next(patience) {
                Next::Ask(jobs) => self.serve(jobs),
                Next::Nothing => {
                    let _ = self.connect();
                }
                Next::Stop => return,
            }
        }
    }

    fn serve(&mut self, mut jobs: Vec<Job>) {
        let metrics = Arc::clone(&self.shared.metrics);
        let began = Instant::now();
        jobs.retain(|job| {
            let is_late = began >= job.deadline;
            if is_late {
                metrics.looked_up(LookedUp::Late);
            }
            !is_late
        });
        let Some(first) = jobs.first() else { return };
        // If it takes too long that is one failure of Postgres, however many wait for it.
        let _ = first.asked_at.set(began);
        let mut asked = self.try_to_ask(&mut jobs);
        if jobs.len() > 1 && matches!(asked, Err(ref error) if !is_outage(error)) {
            // What is wrong with one of them is not to be the others' fault.
            for job in jobs.iter_mut().filter(|job| !job.sought.is_answered()) {
                asked = self.try_to_ask(std::slice::from_mut(job));
            }
        }
        let took = began.elapsed();
        for job in &jobs {
            let is_answered = job.sought.is_answered();
            metrics.looked_up(match is_answered {
                true => LookedUp::Answered(took),
                false => LookedUp::Failed,
            });
        }
        self.judge(&jobs, asked, began);
    }

    /// Postgres is judged by its own time, not by how long a question had waited for its turn.
    fn judge(&self, jobs: &[Job], asked: AppResult<()>, began: Instant) {
        let breaker = &self.shared.breaker;
        match asked {
            Ok(()) if began.elapsed() < PATIENCE => breaker.succeeded(),
            // Whoever gave up so soon has not counted it.
            Ok(()) if jobs.iter().all(|job| job.deadline < began + SLOW) => {
                breaker.failed(Instant::now());
            }
            Ok(()) => {}
            Err(error) => {
                tracing::debug!(?error, "a look-up failed");
                breaker.failed(Instant::now());
            }
        }
    }

    /// One row that nobody thought of must not take the thread from all others.
    fn try_to_ask(&mut self, jobs: &mut [Job]) -> AppResult<()> {
        catch_unwind(AssertUnwindSafe(|| self.ask(jobs))).unwrap_or_else(|_| {
            self.disconnect();
            Err(AppError::Internal(anyhow!("a look-up panicked")))
        })
    }

    /// A connection may have died while nobody used it; then a new one is tried before giving up.
    fn ask(&mut self, jobs: &mut [Job]) -> AppResult<()> {
        let interned = &self.shared.interned;
        if let Some(conn) = &mut self.connection {
            match ask_for(jobs, conn, interned) {
                Err(error) if is_outage(&error) => self.disconnect(),
                answer => return answer,
            }
        }
        self.connect()?;
        let conn = self.connection.as_mut().expect("it was put there the line above");
        let answer = ask_for(jobs, conn, &self.shared.interned);
        if answer.as_ref().is_err_and(is_outage) {
            self.disconnect();
        }
        answer
    }

    /// A new connection of Postgres knows nothing of our tables yet; it learns by looking for nobody, so that the
    /// first caller does not wait for that.
    fn connect(&mut self) -> AppResult<()> {
        let mut conn = db::connect(&self.shared.url).map_err(AppError::Unavailable)?;
        conn.batch_execute(SETTINGS)?;
        queries::rehearse(&mut conn, &self.shared.interned)?;
        self.connection = Some(conn);
        self.shared.connections.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    fn disconnect(&mut self) {
        if self.connection.take().is_some() {
            self.shared.connections.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

fn ask_for(jobs: &mut [Job], conn: &mut PgConnection, interned: &Interned) -> AppResult<()> {
    if let [job] = jobs {
        return job.sought.ask(conn, interned);
    }
    let mut tickets: Vec<&mut Ticket<_>> =
        jobs.iter_mut().filter_map(|job| job.sought.secret()).collect();
    ask_together(&mut tickets, conn, interned)
}

fn is_outage(error: &AppError) -> bool {
    matches!(error, AppError::Unavailable(_))
}
