//! Who has spent how much: a bounded table that never needs a pause.

use std::{
    hash::{BuildHasher, Hash},
    num::NonZeroU64,
};

use super::Limit;

/// So many places are looked at for each counter that comes, and given back if their allowance is whole again.
const SWEPT: usize = 8;
/// Among so many counters the least spent one goes when the table is full.
const COMPARED: usize = 16;
/// So many places a table begins with.
const FEW: usize = 16;

/// One spender's count against one limit. For a key it takes 24 bytes, also as an empty place.
struct Counter<K> {
    who: K,
    tat: NonZeroU64,
    limit: Limit,
}

/// Some of a limiter's counters, by open addressing: a counter is at its place, or at the next free one after it.
/// Removing one moves those up that had to go further, so nothing is left behind that would have to be tidied up later.
pub struct Counters<K> {
    /// A power of two.
    places: Box<[Option<Counter<K>>]>,
    count: usize,
    capacity: usize,
    /// The place that is swept next.
    hand: usize,
}

impl<K: Copy + Eq + Hash> Counters<K> {
    /// A table that remembers at most `capacity` counters.
    pub fn new(capacity: usize) -> Self {
        Self { places: empty(FEW), count: 0, capacity, hand: 0 }
    }

    /// When the allowance is whole again, 0 if nothing was spent.
    pub fn tat(&self, hasher: &impl BuildHasher, who: K, limit: Limit, now: u64) -> u64 {
        match &self.places[self.find(hasher, who, limit)] {
            Some(counter) => limit.carry_over(counter.tat.get(), now, counter.limit),
            None => 0,
        }
    }

    /// Counts so that the allowance is whole at `tat`. If that makes too many counters, one that has little to remember
    /// is forgotten.
    pub fn set(&mut self, hasher: &impl BuildHasher, who: K, limit: Limit, tat: u64, now: u64) {
        let Some(tat) = NonZeroU64::new(tat) else { return };
        let at = self.find(hasher, who, limit);
        if let Some(counter) = &mut self.places[at] {
            (counter.tat, counter.limit) = (tat, limit);
            return;
        }
        self.make_room(hasher, now);
        let at = self.find(hasher, who, limit);
        self.places[at] = Some(Counter { who, tat, limit });
        self.count += 1;
    }

    /// Where that counter is, or would be.
    fn find(&self, hasher: &impl BuildHasher, who: K, limit: Limit) -> usize {
        let mut at = self.place(hasher, who, limit);
        while self.places[at].as_ref().is_some_and(|counter| !counter.is(who, limit)) {
            at = self.after(at);
        }
        at
    }

    /// The limiter chooses among tables by the hash's upper bits; these are the lower ones.
    fn place(&self, hasher: &impl BuildHasher, who: K, limit: Limit) -> usize {
        let hash = hasher.hash_one(who) ^ u64::from(limit.per_seconds);
        hash as usize & (self.places.len() - 1)
    }

    fn after(&self, at: usize) -> usize {
        (at + 1) & (self.places.len() - 1)
    }

    /// One place in five stays free, so that nobody has to go far.
    fn make_room(&mut self, hasher: &impl BuildHasher, now: u64) {
        for _ in 0..SWEPT {
            self.hand = self.after(self.hand);
            // Forgetting what is whole again changes nothing.
            if self.places[self.hand].as_ref().is_some_and(|counter| counter.tat.get() <= now) {
                self.remove(hasher, self.hand);
            }
        }
        if self.count >= self.capacity {
            self.forget_one(hasher);
        }
        if (self.count + 1) * 5 > self.places.len() * 4 {
            self.grow(hasher);
        }
    }

    fn grow(&mut self, hasher: &impl BuildHasher) {
        let more = empty(self.places.len() * 2);
        for counter in std::mem::replace(&mut self.places, more).into_iter().flatten() {
            let at = self.find(hasher, counter.who, counter.limit);
            self.places[at] = Some(counter);
        }
    }

    /// Forgets the nearest to being whole among the next few.
    fn forget_one(&mut self, hasher: &impl BuildHasher) {
        let (mut least, mut compared) = (None, 0);
        for _ in 0..self.places.len() {
            self.hand = self.after(self.hand);
            let Some(counter) = &self.places[self.hand] else { continue };
            if least.is_none_or(|(tat, _)| counter.tat < tat) {
                least = Some((counter.tat, self.hand));
            }
            compared += 1;
            if compared == COMPARED {
                break;
            }
        }
        if let Some((_, at)) = least {
            self.remove(hasher, at);
        }
    }

    fn remove(&mut self, hasher: &impl BuildHasher, at: usize) {
        let mask = self.places.len() - 1;
        let distance = |from: usize, to: usize| to.wrapping_sub(from) & mask;
        let (mut gap, mut next) = (at, self.after(at));
        self.places[at] = None;
        self.count -= 1;
        while let Some(counter) = &self.places[next] {
            let home = self.place(hasher, counter.who, counter.limit);
            if distance(home, next) >= distance(gap, next) {
                self.places[gap] = self.places[next].take();
                gap = next;
            }
            next = self.after(next);
        }
    }
}

impl<K: Copy + Eq> Counter<K> {
    fn is(&self, who: K, limit: Limit) -> bool {
        self.who == who && self.limit.per_seconds == limit.per_seconds
    }
}

fn empty<K>(places: usize) -> Box<[Option<Counter<K>>]> {
    (0..places).map(|_| None).collect()
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, hash::RandomState};

    use super::*;

    const DAY: u32 = 86_400;

    fn limit(per_seconds: u32) -> Limit {
        Limit { requests: 1000, per_seconds }
    }

    impl<K> Counters<K> {
        pub fn count(&self) -> usize {
            self.count
        }
    }

    /// A map that forgets nothing knows what must be found, as long as there is room.
    #[test]
    fn what_is_not_whole_yet_is_found() {
        let (hasher, mut counters) = (RandomState::new(), Counters::new(3276));
        let (mut expected, mut seed) = (HashMap::new(), 42_u64);
        for now in 1..40_000_u64 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let who = seed >> 33 & 0xFFF;
            let limit = limit(if seed >> 60 == 0 { 60 } else { DAY });
            let tat = now + (seed >> 50) % 2000;
            counters.set(&hasher, who, limit, tat, now);
            expected.insert((who, limit.per_seconds), tat);
            let who = seed >> 21 & 0xFFF;
            let tat = expected.get(&(who, DAY)).copied().unwrap_or(0);
            let found = counters.tat(&hasher, who, self::limit(DAY), now);
            assert_eq!(found.max(now), tat.max(now));
        }
        assert!(counters.count() < 3276, "nobody had to go");
    }

    #[test]
    fn a_full_table_takes_32_bytes_a_counter() {
        let (hasher, mut counters) = (RandomState::new(), Counters::new(3276));
        for key in 0..10_000_i64 {
            counters.set(&hasher, key, limit(DAY), 1000, 0);
        }
        assert_eq!(counters.count(), 3276);
        assert!(size_of_val(&*counters.places) <= 32 * 3276);
    }
}
