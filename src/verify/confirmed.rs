//! Until when this process knows of every change. Facts in memory are as true as that, however long ago they were
//! looked up: nobody has to ask Postgres for each of them again.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// The moment up to which every change has been applied. Only moves forward.
pub struct Confirmed {
    started: Instant,
    /// Nanoseconds after `started`.
    at: AtomicU64,
}

impl Confirmed {
    /// Nothing is confirmed yet: facts are as old as their look-up.
    pub fn new(now: Instant) -> Self {
        Self { started: now, at: AtomicU64::new(0) }
    }

    /// Every change that was committed before `at` has been applied here: call it with the moment before Postgres was
    /// asked, once everything it told is forgotten.
    pub fn up_to(&self, at: Instant) {
        let at = at.saturating_duration_since(self.started);
        self.at.fetch_max(u64::try_from(at.as_nanos()).unwrap_or(u64::MAX), Ordering::AcqRel);
    }

    /// How old facts are that were looked up at `asked_at`.
    pub fn age(&self, asked_at: Instant, now: Instant) -> Duration {
        let confirmed = self.started + Duration::from_nanos(self.at.load(Ordering::Acquire));
        now.saturating_duration_since(confirmed.max(asked_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_as_old_as_the_last_time_nothing_had_changed() {
        let start = Instant::now();
        let second = |number| start + Duration::from_secs(number);
        let confirmed = Confirmed::new(start);
        assert_eq!(confirmed.age(second(2), second(5)), Duration::from_secs(3));
        confirmed.up_to(second(4));
        assert_eq!(confirmed.age(second(2), second(5)), Duration::from_secs(1));
        confirmed.up_to(second(3));
        assert_eq!(confirmed.age(second(2), second(5)), Duration::from_secs(1), "only forward");
        assert_eq!(confirmed.age(second(5), second(5)), Duration::ZERO, "newer than that");
    }
}
