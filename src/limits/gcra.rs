//! The generic cell rate algorithm: one number per limit says everything about what was spent.
//!
//! The number is the *theoretical arrival time*: when the allowance will be whole again if nothing more is spent.
//! Times are nanoseconds of a clock that only goes forward.

const SECOND: u64 = 1_000_000_000;

/// So many requests in so many seconds.
///
/// The burst is the whole allowance: a key that rested for a window may spend all `requests` at once. From then on one
/// request comes back every `per_seconds / requests` seconds, so a stretch of time `t` never admits more than
/// `requests × (1 + t / per_seconds)`. There is no calendar: nothing becomes free at the full minute.
/// The interval is rounded up to whole nanoseconds, so that rounding never admits more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// At least 1.
    pub requests: u32,
    /// At least 1.
    pub per_seconds: u32,
}

impl Limit {
    /// How the rate limit fields and the pages call the window.
    pub fn window(self) -> &'static str {
        match self.per_seconds {
            1 => "second",
            60 => "minute",
            3600 => "hour",
            86_400 => "day",
            _ => "window",
        }
    }

    /// Until one request comes back.
    pub fn interval(self) -> u64 {
        (u64::from(self.per_seconds) * SECOND).div_ceil(u64::from(self.requests.max(1)))
    }

    /// Until all of them have.
    pub fn capacity(self) -> u64 {
        self.interval() * u64::from(self.requests)
    }

    /// What of the allowance is left at `now`.
    pub fn remaining(self, tat: u64, now: u64) -> u32 {
        let used = tat.saturating_sub(now).div_ceil(self.interval());
        self.requests.saturating_sub(u32::try_from(used).unwrap_or(u32::MAX))
    }

    /// What was spent under another limit of the same window, counted under this one: 10 of 10 become 10 of 100.
    pub fn carry_over(self, tat: u64, now: u64, before: Limit) -> u64 {
        now + self.scale(tat.saturating_sub(now), before)
    }

    /// In floating point, as `spend.lua` does it, so that both come to the same.
    fn scale(self, spent: u64, before: Limit) -> u64 {
        let (interval, former) = (self.interval(), before.interval());
        let spent = match interval == former {
            true => spent,
            false => (spent as f64 * interval as f64 / former as f64) as u64,
        };
        spent.min(self.capacity())
    }
}

/// What a limit answers. Times are nanoseconds from `now`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Go ahead and keep `new_tat`; `reset` is when the whole allowance is there again.
    Admit { new_tat: u64, remaining: u32, reset: u64 },
    /// Not now; nothing is spent.
    Refuse { retry_after: u64, remaining: u32, reset: u64 },
    /// Not ever: it costs more than the whole allowance.
    TooMuch { remaining: u32, reset: u64 },
}

impl Decision {
    /// Whether it is a yes.
    pub fn is_admitted(self) -> bool {
        matches!(self, Self::Admit { .. })
    }
}

/// Decides about spending `cost` at `now`, when the allowance would be whole again at `tat` (0 if nothing was spent).
pub fn decide(tat: u64, now: u64, cost: u32, limit: Limit) -> Decision {
    let whole_at = tat.max(now);
    let (remaining, reset) = (limit.remaining(tat, now), whole_at - now);
    if cost > limit.requests {
        return Decision::TooMuch { remaining, reset };
    }
    let new_tat = whole_at + u64::from(cost) * limit.interval();
    let room_until = now + limit.capacity();
    if new_tat > room_until {
        return Decision::Refuse { retry_after: new_tat - room_until, remaining, reset };
    }
    Decision::Admit { new_tat, remaining: limit.remaining(new_tat, now), reset: new_tat - now }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60 * SECOND;

    fn limit(requests: u32, per_seconds: u32) -> Limit {
        Limit { requests, per_seconds }
    }

    #[test]
    fn a_rested_key_may_spend_everything_at_once_and_no_more() {
        for limit in [limit(1, 1), limit(3, 1), limit(7, 60), limit(1000, 3600), limit(999_999, 1)]
        {
            let now = 5 * SECOND;
            let Decision::Admit { new_tat, remaining, reset } =
                decide(0, now, limit.requests, limit)
            else {
                panic!("{limit:?} refused a first burst");
            };
            assert_eq!(remaining, 0, "{limit:?}");
            assert!(reset >= u64::from(limit.per_seconds) * SECOND, "{limit:?}");
            assert!(matches!(decide(new_tat, now, 1, limit), Decision::Refuse { .. }));
        }
    }

    #[test]
    fn one_request_comes_back_after_each_interval() {
        let limit = limit(60, 60);
        let Decision::Admit { new_tat, .. } = decide(0, 0, 60, limit) else { panic!() };
        assert_eq!(
            decide(new_tat, SECOND - 1, 1, limit),
            Decision::Refuse { retry_after: 1, remaining: 0, reset: 59 * SECOND + 1 }
        );
        assert_eq!(
            decide(new_tat, SECOND, 1, limit),
            Decision::Admit { new_tat: new_tat + SECOND, remaining: 0, reset: MINUTE }
        );
    }

    #[test]
    fn what_can_never_be_admitted_says_so() {
        assert!(matches!(decide(0, 0, 11, limit(10, 1)), Decision::TooMuch { remaining: 10, .. }));
        assert!(matches!(decide(0, 0, 10, limit(10, 1)), Decision::Admit { .. }));
    }

    #[test]
    fn a_refusal_says_exactly_how_long_to_wait() {
        let limit = limit(7, 60);
        let mut tat = 0;
        let mut now = 0;
        for step in 0..200_u64 {
            match decide(tat, now, 1 + (step % 7) as u32, limit) {
                Decision::Admit { new_tat, .. } => tat = new_tat,
                Decision::Refuse { retry_after, .. } => {
                    let cost = 1 + (step % 7) as u32;
                    let early = decide(tat, now + retry_after - 1, cost, limit);
                    assert!(matches!(early, Decision::Refuse { .. }));
                    now += retry_after;
                    assert!(matches!(decide(tat, now, cost, limit), Decision::Admit { .. }));
                }
                Decision::TooMuch { .. } => panic!(),
            }
        }
    }

    /// The oracle keeps every admission and replays a bucket of tokens, in exact fractions.
    #[test]
    fn it_admits_what_a_bucket_of_tokens_admits() {
        for limit in [limit(1, 1), limit(4, 1), limit(10, 60), limit(50, 3600)] {
            let window = u128::from(limit.per_seconds) * u128::from(SECOND);
            let full = u128::from(limit.requests) * window;
            let (mut tokens, mut tat, mut now, mut seed) = (full, 0, 0_u64, 42_u64);
            for _ in 0..5_000 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                // Steps in whole intervals' quarters keep both in exact arithmetic.
                let step = (seed >> 33) % 9 * limit.interval() / 4 / 1000 * 1000;
                let cost = ((seed >> 20) % 3 + 1) as u32;
                now += step;
                tokens = full.min(tokens + u128::from(step) * u128::from(limit.requests));
                let affordable = tokens >= u128::from(cost) * window;
                match decide(tat, now, cost, limit) {
                    Decision::Admit { new_tat, remaining, .. } => {
                        assert!(affordable, "{limit:?} admitted too much");
                        tokens -= u128::from(cost) * window;
                        assert_eq!(u128::from(remaining), tokens / window, "{limit:?}");
                        tat = new_tat;
                    }
                    Decision::Refuse { .. } => assert!(!affordable, "{limit:?} refused too much"),
                    Decision::TooMuch { .. } => assert!(cost > limit.requests),
                }
            }
        }
    }

    #[test]
    fn a_changed_limit_keeps_what_was_spent_and_no_more() {
        let now = 9 * SECOND;
        let spend = |cost, limit| match decide(0, now, cost, limit) {
            Decision::Admit { new_tat, .. } => new_tat,
            other => panic!("{other:?}"),
        };
        let raised = limit(100, 60);
        let tat = raised.carry_over(spend(10, limit(10, 60)), now, limit(10, 60));
        assert_eq!(raised.remaining(tat, now), 90);

        let lowered = limit(10, 60);
        let tat = lowered.carry_over(spend(50, limit(100, 60)), now, limit(100, 60));
        assert_eq!(lowered.remaining(tat, now), 0);
        assert!(tat - now <= MINUTE, "a lowered limit locks for one window at most");
    }
}
