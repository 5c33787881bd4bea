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
    /// What was looked up before this may be wrong although it was confirmed since: changes may have been missed.
    doubted_at: AtomicU64,
    /// Until when that was known to be true.
    before_doubt: AtomicU64,
    /// The doubt before the last: what was looked up before that was not known to be true afterwards.
    earlier_doubt: AtomicU64,
}

/// Microseconds after the start, rounded down, in the six bytes that are free in what memory keeps of a key: enough for
/// nine years.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Micros([u16; 3]);

impl Confirmed {
    /// Nothing is confirmed yet: facts are as old as their look-up.
    pub fn new(now: Instant) -> Self {
        Self {
            started: now,
            at: AtomicU64::new(0),
            doubted_at: AtomicU64::new(0),
            before_doubt: AtomicU64::new(0),
            earlier_doubt: AtomicU64::new(0),
        }
    }

    /// Every change that was committed before `at` has been applied here: call it with the moment before Postgres was
    /// asked, once everything it told is forgotten.
    pub fn up_to(&self, at: Instant) {
        self.at.fetch_max(self.nanos(at), Ordering::AcqRel);
    }

    /// Any change until now may have been missed: what was looked up before has to be looked up again. If that is not
    /// possible it does for a while, as old as it was known to be true.
    pub fn doubt(&self, now: Instant) {
        self.earlier_doubt.store(self.doubted_at.load(Ordering::Acquire), Ordering::Release);
        self.before_doubt.store(self.at.load(Ordering::Acquire), Ordering::Release);
        self.doubted_at.fetch_max(self.nanos(now), Ordering::AcqRel);
    }

    /// How old facts are that were looked up at `asked_at`.
    pub fn age(&self, asked_at: Instant, now: Instant) -> Duration {
        // In this order: whoever sees what was confirmed after a doubt sees the doubt.
        let at = self.at.load(Ordering::Acquire);
        let confirmed = if self.is_doubted(asked_at) { self.until_doubt(asked_at) } else { at };
        let confirmed = self.started + Duration::from_nanos(confirmed);
        now.saturating_duration_since(confirmed.max(asked_at))
    }

    fn until_doubt(&self, asked_at: Instant) -> u64 {
        let before_doubt = self.before_doubt.load(Ordering::Acquire);
        let earlier_doubt = self.earlier_doubt.load(Ordering::Acquire);
        if self.nanos(asked_at) < earlier_doubt { 0 } else { before_doubt }
    }

    /// Whether changes may have been missed since facts were looked up at `asked_at`.
    pub fn is_doubted(&self, asked_at: Instant) -> bool {
        self.nanos(asked_at) < self.doubted_at.load(Ordering::Acquire)
    }

    /// In which second since the start it is; the first has the number 1.
    pub fn second(&self, now: Instant) -> i64 {
        let seconds = now.saturating_duration_since(self.started).as_secs();
        i64::try_from(seconds).unwrap_or(i64::MAX).saturating_add(1)
    }

    /// A moment as it is kept: never later than it was.
    pub fn compact(&self, at: Instant) -> Micros {
        let micros = at.saturating_duration_since(self.started).as_micros();
        let micros = u64::try_from(micros).unwrap_or(u64::MAX).min((1 << 48) - 1);
        Micros([0, 16, 32].map(|shift| (micros >> shift) as u16))
    }

    /// A moment that was kept.
    pub fn instant(&self, kept: Micros) -> Instant {
        let [low, middle, high] = kept.0.map(u64::from);
        self.started + Duration::from_micros(low | middle << 16 | high << 32)
    }

    fn nanos(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.started).as_nanos()).unwrap_or(u64::MAX)
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

    #[test]
    fn what_is_doubted_grows_old_however_often_the_rest_is_confirmed() {
        let start = Instant::now();
        let second = |number| start + Duration::from_secs(number);
        let confirmed = Confirmed::new(start);
        confirmed.up_to(second(4));
        confirmed.doubt(second(6));
        confirmed.up_to(second(8));
        assert!(confirmed.is_doubted(second(5)) && !confirmed.is_doubted(second(6)));
        assert_eq!(confirmed.age(second(2), second(9)), Duration::from_secs(5));
        assert_eq!(confirmed.age(second(5), second(9)), Duration::from_secs(4));
        assert_eq!(confirmed.age(second(6), second(9)), Duration::from_secs(1));
    }

    #[test]
    fn what_was_doubted_twice_is_as_old_as_its_look_up() {
        let start = Instant::now();
        let second = |number| start + Duration::from_secs(number);
        let confirmed = Confirmed::new(start);
        confirmed.doubt(second(3));
        confirmed.up_to(second(1_000));
        confirmed.doubt(second(1_000));
        assert_eq!(confirmed.age(second(2), second(1_001)), Duration::from_secs(999));
        assert_eq!(confirmed.age(second(4), second(1_001)), Duration::from_secs(1));
    }

    #[test]
    fn a_moment_that_is_kept_is_never_later_than_it_was() {
        let start = Instant::now();
        let confirmed = Confirmed::new(start);
        for nanos in [0, 999, 1_000, 123_456_789_123, 31_536_000_000_000_000] {
            let at = start + Duration::from_nanos(nanos);
            let kept = confirmed.instant(confirmed.compact(at));
            assert!(kept <= at && at - kept < Duration::from_micros(1), "{nanos}");
        }
    }
}
