//! Look-ups that wait for their turn.

use std::{
    collections::{HashSet, VecDeque},
    mem,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};

use super::sought::Sought;

/// So many wait in each lane; more are turned away.
const QUEUE: usize = 2048;
/// So many keys are asked for at once: enough that asking costs little a key, few enough that nobody waits long for the
/// others.
const TOGETHER: usize = 64;

/// Who is served first. What was known before goes ahead of what never was, so that a flood of made-up credentials
/// does not delay anyone else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    Known,
    Unknown,
}

/// Something to look up.
pub struct Job {
    /// Afterwards nobody waits for the answer any more.
    pub deadline: Instant,
    /// When Postgres was asked; of many that are asked together only the first is told.
    pub asked_at: Arc<OnceLock<Instant>>,
    pub sought: Sought,
}

/// Both lanes, and whoever waits for something to come.
#[derive(Default)]
pub struct Lanes {
    queues: Mutex<Queues>,
    wake: Condvar,
}

#[derive(Default)]
struct Queues {
    known: VecDeque<Job>,
    unknown: VecDeque<Job>,
    stopping: bool,
}

/// What there is to do.
pub enum Next {
    /// One look-up, or some that can be asked together.
    Ask(Vec<Job>),
    /// Nothing, for as long as one was ready to wait.
    Nothing,
    /// Nothing ever again.
    Stop,
}

impl Lanes {
    /// Queues a job; gives it back when there is no place for it.
    pub fn push(&self, lane: Lane, job: Job) -> Option<Job> {
        let mut queues = self.queues.lock();
        if queues.stopping || queues.of(lane).len() >= QUEUE {
            return Some(job);
        }
        queues.of(lane).push_back(job);
        drop(queues);
        self.wake.notify_one();
        None
    }

    /// Takes what is next, waiting for it; `patience`: no longer than this.
    pub fn next(&self, patience: Option<Duration>) -> Next {
        let until = patience.map(|patience| Instant::now() + patience);
        let mut queues = self.queues.lock();
        loop {
            if queues.stopping {
                return Next::Stop;
            }
            if let Some(jobs) = queues.take() {
                return Next::Ask(jobs);
            }
            match until {
                None => self.wake.wait(&mut queues),
                Some(until) if self.wake.wait_until(&mut queues, until).timed_out() => {
                    return Next::Nothing;
                }
                Some(_) => {}
            }
        }
    }

    /// How many wait in each.
    pub fn waiting(&self) -> [(&'static str, usize); 2] {
        let queues = self.queues.lock();
        [("known", queues.known.len()), ("unknown", queues.unknown.len())]
    }

    /// Lets nobody wait here any longer.
    pub fn stop(&self) {
        let mut queues = self.queues.lock();
        queues.stopping = true;
        let waiting = (mem::take(&mut queues.known), mem::take(&mut queues.unknown));
        drop(queues);
        drop(waiting);
        self.wake.notify_all();
    }
}

impl Queues {
    fn of(&mut self, lane: Lane) -> &mut VecDeque<Job> {
        match lane {
            Lane::Known => &mut self.known,
            Lane::Unknown => &mut self.unknown,
        }
    }

    /// The first in order, and those behind it that can be asked together with it.
    fn take(&mut self) -> Option<Vec<Job>> {
        let queue = if self.known.is_empty() { &mut self.unknown } else { &mut self.known };
        // Whoever asks after a change asks anew, although the same is asked for already: each needs an answer of its own.
        let mut asked = HashSet::new();
        let is_another = |job: &&Job| job.sought.secret_hash().is_some_and(|one| asked.insert(one));
        let together = queue.iter().take(TOGETHER).take_while(is_another).count();
        let jobs: Vec<Job> = queue.drain(..together.max(1).min(queue.len())).collect();
        (!jobs.is_empty()).then_some(jobs)
    }
}
