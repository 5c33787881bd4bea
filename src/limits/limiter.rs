//! What everyone has spent, in memory.

use std::{
    hash::{BuildHasher, Hash, RandomState},
    time::Instant,
};

use parking_lot::Mutex;

use super::{Limit, Spending, counters::Counters, spending::Each};

/// What a table of 4096 places holds.
const IN_A_SHARD: usize = 3276;

/// Counts against limits, for whatever is limited: a key's id, an address. Bounded: what is whole again is forgotten,
/// which changes nothing, and beyond `capacity` also what is near to being whole.
/// Time is monotonic, so a jump of the wall clock neither locks nor frees anyone.
pub struct Limiter<K> {
    started: Instant,
    hasher: RandomState,
    shards: Box<[Mutex<Counters<K>>]>,
}

/// What is known here of somebody's spending.
#[derive(Debug)]
pub struct Backlog {
    /// On the limiter's clock.
    pub at: u64,
    /// Nanoseconds from then until each allowance is whole.
    pub of_each: Each<u64>,
}

impl<K: Copy + Eq + Hash> Limiter<K> {
    /// A limiter that remembers about `capacity` spenders and windows.
    pub fn new(capacity: usize) -> Self {
        let shards = capacity.div_ceil(IN_A_SHARD).max(1);
        let shard = || Mutex::new(Counters::new(capacity.div_ceil(shards).max(1)));
        Self {
            started: Instant::now(),
            hasher: RandomState::new(),
            shards: (0..shards).map(|_| shard()).collect(),
        }
    }

    /// Spends `cost` of every limit, or of none when one of them refuses. `None` when there is no limit.
    pub fn spend(&self, who: K, limits: &[Limit], cost: u32) -> Option<Spending> {
        if limits.is_empty() {
            return None;
        }
        Some(self.spend_at(self.now(), who, limits, cost))
    }

    /// What was spent, as far as it is known here.
    pub fn backlog(&self, who: K, limits: &[Limit]) -> Backlog {
        let now = self.now();
        let counters = self.shard(who).lock();
        let until = |&limit| counters.tat(&self.hasher, who, limit, now).saturating_sub(now);
        Backlog { at: now, of_each: limits.iter().map(until).collect() }
    }

    /// Learns what was spent elsewhere too. Never less than is known already.
    pub fn learn(&self, who: K, limits: &[Limit], backlog: &Backlog) {
        let now = backlog.at;
        let mut counters = self.shard(who).lock();
        for (&limit, until) in limits.iter().zip(&backlog.of_each) {
            let tat = counters.tat(&self.hasher, who, limit, now).max(now + until);
            if tat > now {
                counters.set(&self.hasher, who, limit, tat, now);
            }
        }
    }

    fn spend_at(&self, now: u64, who: K, limits: &[Limit], cost: u32) -> Spending {
        let mut counters = self.shard(who).lock();
        let mut tats: Each<u64> =
            limits.iter().map(|&limit| counters.tat(&self.hasher, who, limit, now)).collect();
        let spending = Spending::settle(limits, &mut tats, now, cost);
        if spending.admitted {
            for (&limit, tat) in limits.iter().zip(tats) {
                counters.set(&self.hasher, who, limit, tat, now);
            }
        }
        spending
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// All of somebody's counters are in one.
    fn shard(&self, who: K) -> &Mutex<Counters<K>> {
        let hash = u128::from(self.hasher.hash_one(who));
        let at = (hash * self.shards.len() as u128) >> 64;
        &self.shards[at as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;
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
            Some(&crate::limits::Standing { limit: A_SECOND, remaining: 3, reset_seconds: 1 })
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
        let kept: usize = limiter.shards.iter().map(|shard| shard.lock().count()).sum();
        assert!(kept <= 64 * 101, "{kept}");
        assert!(!limiter.spend_at(0, -1_i64, &[day], 1).admitted);
    }

    #[test]
    fn what_is_whole_again_makes_room() {
        let limiter = Limiter::new(100_000);
        let second = Limit { requests: 1, per_seconds: 1 };
        for key in 0..100_000 {
            limiter.spend_at(u64::try_from(key).unwrap() * SECOND / 1000, key, &[second], 1);
        }
        let kept: usize = limiter.shards.iter().map(|shard| shard.lock().count()).sum();
        assert!((1000..3000).contains(&kept), "{kept} of the 1000 that are needed");
    }

    #[test]
    fn what_was_learnt_counts_and_is_never_less() {
        let limiter = Limiter::new(100);
        assert!(limiter.spend_at(0, 1_i64, &[A_MINUTE], 2).admitted);
        let elsewhere = |spent: u64| Backlog {
            at: 0,
            of_each: Each::from_slice(&[spent * A_MINUTE.interval()]),
        };
        limiter.learn(1, &[A_MINUTE], &elsewhere(7));
        limiter.learn(1, &[A_MINUTE], &elsewhere(1));
        assert_eq!(limiter.spend_at(0, 1, &[A_MINUTE], 1).standings[0].remaining, 0);
        assert!(!limiter.spend_at(0, 1, &[A_MINUTE], 1).admitted);
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
