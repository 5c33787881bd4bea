//! Not asking Postgres while it does not answer.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// So many failures in a row, and nobody waits any longer.
const FAILURES: u32 = 3;
/// How often one question is let through to see whether it is back.
const PROBE: Duration = Duration::from_secs(1);

/// Counts failures; open after three in a row, closed by the first answer.
#[derive(Default)]
pub struct Breaker(Mutex<State>);

#[derive(Default)]
struct State {
    failures: u32,
    openings: u64,
    probe_at: Option<Instant>,
}

impl Breaker {
    /// Whether asking makes sense now. While open, one caller a second is told to try.
    pub fn lets_through(&self, now: Instant) -> bool {
        let mut state = self.0.lock();
        if state.failures < FAILURES {
            return true;
        }
        let due = state.probe_at.is_none_or(|at| now >= at);
        if due {
            state.probe_at = Some(now + PROBE);
        }
        due
    }

    /// An answer came in time.
    pub fn succeeded(&self) {
        let mut state = self.0.lock();
        if state.failures >= FAILURES {
            tracing::info!("Postgres answers look-ups again");
        }
        *state = State { openings: state.openings, ..State::default() };
    }

    /// No answer, or none in time.
    pub fn failed(&self, now: Instant) {
        let mut state = self.0.lock();
        state.failures = state.failures.saturating_add(1);
        if state.failures == FAILURES {
            tracing::warn!(
                "Postgres does not answer look-ups; known keys are answered from memory"
            );
            state.probe_at = Some(now + PROBE);
            state.openings += 1;
        }
    }

    /// Whether it is open, and how often it has opened.
    pub fn standing(&self) -> (bool, u64) {
        let state = self.0.lock();
        (state.failures >= FAILURES, state.openings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_three_failures_and_probes_each_second() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        for _ in 0..3 {
            assert!(breaker.lets_through(start));
            breaker.failed(start);
        }
        assert!(!breaker.lets_through(start + Duration::from_millis(999)));
        assert!(breaker.lets_through(start + PROBE));
        assert!(!breaker.lets_through(start + PROBE), "one probe, not a crowd");
        assert!(breaker.lets_through(start + PROBE * 2));
    }

    #[test]
    fn one_answer_closes_it() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        (0..9).for_each(|_| breaker.failed(now));
        breaker.succeeded();
        assert!(breaker.lets_through(now));
        breaker.failed(now);
        breaker.failed(now);
        assert!(breaker.lets_through(now), "failures must follow each other");
    }
}
