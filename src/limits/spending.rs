//! A wish to spend of several limits at once: of all of them, or of none.

use smallvec::SmallVec;

use super::{Decision, Limit, decide};

const SECOND: u64 = 1_000_000_000;

/// A value for each limit of a key. There are four windows, so it stays off the heap.
pub type Each<T> = SmallVec<[T; 4]>;

/// How one limit stands after the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub limit: Limit,
    pub remaining: u32,
    /// Until the whole allowance is there again, rounded up.
    pub reset_seconds: u64,
}

/// What came of a wish to spend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spending {
    pub admitted: bool,
    /// After a refusal: when the same question can be admitted, rounded up, at least 1.
    pub retry_after_seconds: u64,
    /// The limit that is smaller than the cost, if there is one: waiting does not help.
    pub never: Option<Limit>,
    /// In the order of the limits.
    pub standings: Each<Standing>,
}

impl Spending {
    /// Spends `cost` of every limit, which moves its arrival time in `tats`, or of none when one of them refuses.
    pub fn settle(limits: &[Limit], tats: &mut [u64], now: u64, cost: u32) -> Self {
        let both = || limits.iter().zip(tats.iter());
        let decisions = || both().map(|(&limit, &tat)| (limit, decide(tat, now, cost, limit)));
        let admitted = decisions().all(|(_, decision)| decision.is_admitted());
        let retry_after_seconds = match admitted {
            true => 0,
            false => decisions().map(|(limit, decision)| wait(limit, decision)).max().unwrap_or(1),
        };
        if admitted {
            for (&limit, tat) in limits.iter().zip(tats.iter_mut()) {
                if let Decision::Admit { new_tat, .. } = decide(*tat, now, cost, limit) {
                    *tat = new_tat;
                }
            }
        }
        let stand = |(&limit, &tat): (&Limit, &u64)| Standing {
            limit,
            remaining: limit.remaining(tat, now),
            reset_seconds: tat.saturating_sub(now).div_ceil(SECOND),
        };
        Self {
            admitted,
            retry_after_seconds,
            never: limits.iter().copied().find(|limit| cost > limit.requests),
            standings: limits.iter().zip(tats.iter()).map(stand).collect(),
        }
    }

    /// The limit that will be hit first.
    pub fn tightest(&self) -> Option<&Standing> {
        self.standings
            .iter()
            .min_by_key(|standing| (standing.remaining, u64::MAX - standing.reset_seconds))
    }
}

fn wait(limit: Limit, decision: Decision) -> u64 {
    match decision {
        Decision::Admit { .. } => 0,
        Decision::Refuse { retry_after, .. } => retry_after.div_ceil(SECOND).max(1),
        Decision::TooMuch { .. } => u64::from(limit.per_seconds),
    }
}
