//! What everyone has spent, in memory.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash, RandomState},
    time::Instant,
};

use parking_lot::Mutex;

use super::{Decision, Limit, decide};

const SHARDS: usize = 64;
const SECOND: u64 = 1_000_000_000;

/// Counts against limits, for whatever is limited: a key's id, an address. Bounded: what is whole again is forgotten,
/// which changes nothing, and beyond `capacity` also what is nearest to being whole.
/// Time is monotonic, so a jump of the wall clock neither locks nor frees anyone.
pub struct Limiter<K> {
    started: Instant,
    hasher: RandomState,
    shards: Vec<Mutex<Shard<K>>>,
    capacity: usize,
}

struct Shard<K> {
    spent: HashMap<(K, u32), Spent>,
    sweep_at: usize,
}

#[derive(Clone, Copy)]
struct Spent {
    tat: u64,
    limit: Limit,
}

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
    pub standings: Vec<Standing>,
}

impl Spending {
    /// The limit that will be hit first.
    pub fn tightest(&self) -> Option<&Standing> {
        self.standings
            .iter()
            .min_by_key(|standing| (standing.remaining, u64::MAX - standing.reset_seconds))
    }
}

impl<K: Copy + Eq + Hash> Limiter<K> {
    /// A limiter that remembers about `capacity` spenders and windows.
    pub fn new(capacity: usize) -> Self {
        let shard = || Mutex::new(Shard { spent: HashMap::new(), sweep_at: 1024 });
        Self {
            started: Instant::now(),
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(|_| shard()).collect(),
            capacity: capacity.div_ceil(SHARDS).max(1),
        }
    }

    /// Spends `cost` of every limit, or of none when one of them refuses. `None` when there is no limit.
    pub fn spend(&self, who: K, limits: &[Limit], cost: u32) -> Option<Spending> {
        if limits.is_empty() {
            return None;
        }
        let now = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        Some(self.spend_at(now, who, limits, cost))
    }

    fn spend_at(&self, now: u64, who: K, limits: &[Limit], cost: u32) -> Spending {
        let shard = self.hasher.hash_one(who) as usize % SHARDS;
        let mut shard = self.shards[shard].lock();
        let decisions: Vec<Decision> = limits
            .iter()
            .map(|&limit| decide(shard.tat(who, limit, now), now, cost, limit))
            .collect();

        let admitted = decisions.iter().all(|decision| matches!(decision, Decision::Admit { .. }));
        if admitted {
            for (&limit, decision) in limits.iter().zip(&decisions) {
                if let Decision::Admit { new_tat: tat, .. } = *decision {
                    shard.spent.insert((who, limit.per_seconds), Spent { tat, limit });
                }
            }
            shard.stay_within(self.capacity, now);
            return Spending {
                admitted,
                retry_after_seconds: 0,
                never: None,
                standings: limits.iter().zip(&decisions).map(|(l, d)| standing(*l, d)).collect(),
            };
        }

        let wait = |decision: &Decision, limit: &Limit| match *decision {
            Decision::Admit { .. } => 0,
            Decision::Refuse { retry_after, .. } => retry_after.div_ceil(SECOND).max(1),
            Decision::TooMuch { .. } => u64::from(limit.per_seconds),
        };
        Spending {
            admitted,
            retry_after_seconds: decisions
                .iter()
                .zip(limits)
                .map(|(d, l)| wait(d, l))
                .max()
                .unwrap_or(1),
            never: limits.iter().copied().find(|limit| cost > limit.requests),
            standings: limits
                .iter()
                .map(|&limit| {
                    let tat = shard.tat(who, limit, now);
                    Standing {
                        limit,
                        remaining: limit.remaining(tat, now),
                        reset_seconds: tat.saturating_sub(now).div_ceil(SECOND),
                    }
                })
                .collect(),
        }
    }
}

fn standing(limit: Limit, decision: &Decision) -> Standing {
    let (Decision::Admit { remaining, reset, .. }
    | Decision::Refuse { remaining, reset, .. }
    | Decision::TooMuch { remaining, reset }) = *decision;
    Standing { limit, remaining, reset_seconds: reset.div_ceil(SECOND) }
}

impl<K: Copy + Eq + Hash> Shard<K> {
    fn tat(&self, who: K, limit: Limit, now: u64) -> u64 {
        self.spent
            .get(&(who, limit.per_seconds))
            .map_or(0, |spent| limit.carry_over(spent.tat, now, spent.limit))
    }

    /// Sweeping only when the map has doubled keeps the cost of it constant per request.
    fn stay_within(&mut self, capacity: usize, now: u64) {
        if self.spent.len() < self.sweep_at.min(capacity + 1) {
            return;
        }
        self.spent.retain(|_, spent| spent.tat > now);
        if self.spent.len() > capacity {
            let mut too_many = self.spent.len() - (capacity - capacity / 4);
            let mut tats: Vec<u64> = self.spent.values().map(|spent| spent.tat).collect();
            let least_spent = *tats.select_nth_unstable(too_many - 1).1;
            self.spent.retain(|_, spent| {
                let keep = spent.tat > least_spent || too_many == 0;
                too_many -= usize::from(!keep);
                keep
            });
        }
        self.sweep_at = (self.spent.len() * 2).max(1024);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A_SECOND: Limit = Limit { requests: 5, per_seconds: 1 };
    const A_MINUTE: Limit = Limit { requests: 8, per_seconds: 60 };

    #[test]
    fn a_refusal_by_one_limit_spends_nothing_of_the_others() {
        let limiter = Limiter::new(100);
        let limits = [A_SECOND, A_MINUTE];
        let spend = |now| limiter.spend_at(now, 1_i64, &limits, 1);
        for _ in 0..5 {
            assert!(spend(0).admitted);
        }
        for _ in 0..50 {
            let refused = spend(0);
            assert!(!refused.admitted);
            assert_eq!(refused.retry_after_seconds, 1);
            assert_eq!(refused.standings[1].remaining, 3);
        }
        let admitted = (1..=5).filter(|_| spend(SECOND).admitted).count();
        assert_eq!(admitted, 3, "the minute's three that were left");
    }

    #[test]
    fn the_limit_that_is_hit_first_speaks_for_all() {
        let limiter = Limiter::new(100);
        let spent = limiter.spend_at(0, 1_i64, &[A_MINUTE, A_SECOND], 2);
        assert_eq!(
            spent.tightest(),
            Some(&Standing { limit: A_SECOND, remaining: 3, reset_seconds: 1 })
        );
    }

    #[test]
    fn keys_do_not_spend_each_others_allowance() {
        let limiter = Limiter::new(100);
        assert!(limiter.spend_at(0, 1_i64, &[A_SECOND], 5).admitted);
        assert!(!limiter.spend_at(0, 1_i64, &[A_SECOND], 1).admitted);
        assert!(limiter.spend_at(0, 2_i64, &[A_SECOND], 5).admitted);
    }

    #[test]
    fn a_raised_limit_takes_effect_at_once() {
        let limiter = Limiter::new(100);
        assert!(limiter.spend_at(0, 1_i64, &[A_MINUTE], 8).admitted);
        assert!(!limiter.spend_at(0, 1_i64, &[A_MINUTE], 1).admitted);
        let raised = Limit { requests: 80, per_seconds: 60 };
        assert!(limiter.spend_at(0, 1_i64, &[raised], 72).admitted);
        assert!(!limiter.spend_at(0, 1_i64, &[raised], 1).admitted);
    }

    #[test]
    fn a_cost_above_the_limit_is_refused_for_good() {
        let limiter = Limiter::new(100);
        let refused = limiter.spend_at(0, 1_i64, &[A_SECOND], 6);
        assert!(!refused.admitted);
        assert_eq!(refused.never, Some(A_SECOND));
        assert_eq!(refused.standings[0].remaining, 5);
    }

    #[test]
    fn memory_is_bounded_and_the_busiest_are_kept() {
        let limiter = Limiter::new(64 * 100);
        let day = Limit { requests: 1000, per_seconds: 86_400 };
        assert!(limiter.spend_at(0, -1_i64, &[day], 1000).admitted);
        for key in 0..50_000 {
            limiter.spend_at(0, key, &[day], 1);
        }
        let kept: usize = limiter.shards.iter().map(|shard| shard.lock().spent.len()).sum();
        assert!(kept <= 64 * 101, "{kept}");
        assert!(!limiter.spend_at(0, -1_i64, &[day], 1).admitted);
    }

    #[test]
    fn many_at_once_get_exactly_the_allowance() {
        let limiter = Limiter::new(100);
        let hour = Limit { requests: 500, per_seconds: 3600 };
        let admitted: usize = std::thread::scope(|scope| {
            let spend =
                || (0..400).filter(|_| limiter.spend_at(0, 7_i64, &[hour], 1).admitted).count();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(spend)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(admitted, 500);
    }
}
