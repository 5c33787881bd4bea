//! What time it is for whatever ends: as Postgres says, carried on by a clock that nobody can set. A jump of this
//! machine's clock brings nothing back to life.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};

/// The clock of Postgres, as far as it is known here.
pub struct Clock {
    started: Instant,
    /// What it was there at `started`, in nanoseconds since 1970.
    offset: AtomicI64,
}

impl Clock {
    /// Until Postgres has said what time it is, this machine's own time does.
    pub fn new(now: Instant, ours: DateTime<Utc>) -> Self {
        Self { started: now, offset: AtomicI64::new(nanos(ours)) }
    }

    /// Postgres said `theirs` at some moment between the two. What that moment explains is no difference, so that the
    /// clock does not tremble with every answer.
    pub fn set(&self, asked_at: Instant, theirs: DateTime<Utc>, answered_at: Instant) {
        let latest = nanos(theirs).saturating_sub(self.since_start(asked_at));
        let earliest = nanos(theirs).saturating_sub(self.since_start(answered_at));
        let known = self.offset.load(Ordering::Relaxed);
        self.offset.store(known.clamp(earliest, latest), Ordering::Relaxed);
    }

    /// What time it is there.
    pub fn at(&self, now: Instant) -> DateTime<Utc> {
        let offset = self.offset.load(Ordering::Relaxed);
        DateTime::from_timestamp_nanos(offset.saturating_add(self.since_start(now)))
    }

    fn since_start(&self, at: Instant) -> i64 {
        let since: Duration = at.saturating_duration_since(self.started);
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    }
}

fn nanos(at: DateTime<Utc>) -> i64 {
    at.timestamp_nanos_opt().unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: Duration = Duration::from_millis(1);

    fn at(millis: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(millis).unwrap()
    }

    #[test]
    fn time_goes_on_by_itself() {
        let start = Instant::now();
        let clock = Clock::new(start, at(1_000));
        assert_eq!(clock.at(start + 250 * MILLI), at(1_250));
    }

    #[test]
    fn postgres_is_right_and_slow_answers_prove_nothing() {
        let start = Instant::now();
        let clock = Clock::new(start, at(3_600_000));
        clock.set(start + 100 * MILLI, at(10_000), start + 140 * MILLI);
        let known = clock.at(start + 140 * MILLI);
        assert_eq!(known, at(10_040), "an hour fast, and as little as can be after it");
        clock.set(start + 1_000 * MILLI, at(10_920), start + 5_000 * MILLI);
        assert_eq!(clock.at(start + 1_000 * MILLI), at(10_900), "nothing is known better by that");
        clock.set(start + 6_000 * MILLI, at(20_000), start + 6_010 * MILLI);
        assert_eq!(clock.at(start + 6_010 * MILLI), at(20_000));
    }
}
