//! Counting yeses in the memory of the key itself: one number to change on the way, nothing to look for.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};

/// How often something was accepted in a minute, and when last, in one number: 26 bits of minute, 16 of milliseconds
/// within it, 22 of count. A count of nothing is a number of 0.
#[derive(Debug, Default)]
pub struct Tally(AtomicU64);

/// What was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Minutes since 1970.
    pub minute: u32,
    /// Milliseconds within the minute, of the last of them.
    pub last: u16,
    pub count: u32,
}

/// What has to be done so that nothing is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    Nothing,
    /// It is the first since the count was taken: whoever takes counts must hear of it.
    List,
    /// This found no place beside it and has to be kept elsewhere.
    Keep(Counted),
}

const COUNT_BITS: u32 = 22;
const LAST_BITS: u32 = 16;
const FULL: u32 = (1 << COUNT_BITS) - 1;

impl Tally {
    /// Counts one more.
    pub fn add(&self, at: DateTime<Utc>) -> Then {
        let now = Counted::once(at);
        let mut before = self.0.load(Ordering::Relaxed);
        loop {
            let (after, then) = match Counted::unpack(before) {
                None => (now, Then::List),
                Some(counted) if counted.minute == now.minute && counted.count < FULL => {
                    let last = counted.last.max(now.last);
                    (Counted { last, count: counted.count + 1, ..counted }, Then::Nothing)
                }
                // The minute has turned, or the number is full.
                Some(counted) if counted.minute <= now.minute => (now, Then::Keep(counted)),
                // Somebody's clock was read a little earlier.
                Some(_) => return Then::Keep(now),
            };
            let packed = after.pack();
            match self.0.compare_exchange_weak(before, packed, Ordering::AcqRel, Ordering::Relaxed)
            {
                Ok(_) => return then,
                Err(other) => before = other,
            }
        }
    }

    /// Takes what was counted.
    pub fn take(&self) -> Option<Counted> {
        Counted::unpack(self.0.swap(0, Ordering::AcqRel))
    }
}

impl Counted {
    /// One of this moment.
    pub fn once(at: DateTime<Utc>) -> Self {
        let at = at.timestamp_millis().max(0);
        Self { minute: (at / 60_000) as u32, last: (at % 60_000) as u16, count: 1 }
    }

    /// When the minute began.
    pub fn minute(self) -> DateTime<Utc> {
        DateTime::from_timestamp(i64::from(self.minute) * 60, 0).unwrap_or_default()
    }

    /// When the last of them was.
    pub fn last(self) -> DateTime<Utc> {
        let millis = i64::from(self.minute) * 60_000 + i64::from(self.last);
        DateTime::from_timestamp_millis(millis).unwrap_or_default()
    }

    fn pack(self) -> u64 {
        u64::from(self.minute) << (LAST_BITS + COUNT_BITS)
            | u64::from(self.last) << COUNT_BITS
            | u64::from(self.count)
    }

    fn unpack(packed: u64) -> Option<Self> {
        let count = (packed as u32) & FULL;
        (count > 0).then_some(Self {
            minute: (packed >> (LAST_BITS + COUNT_BITS)) as u32,
            last: (packed >> COUNT_BITS) as u16,
            count,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(millis).unwrap()
    }

    #[test]
    fn requests_of_a_minute_are_one_number() {
        let tally = Tally::default();
        assert_eq!(tally.add(at(120_000)), Then::List);
        assert_eq!(tally.add(at(179_999)), Then::Nothing);
        assert_eq!(tally.add(at(150_000)), Then::Nothing);
        let counted = tally.take().unwrap();
        assert_eq!(counted, Counted { minute: 2, last: 59_999, count: 3 });
        assert_eq!((counted.minute(), counted.last()), (at(120_000), at(179_999)));
        assert_eq!(tally.take(), None);
        assert_eq!(tally.add(at(180_000)), Then::List, "it is to be listed again");
    }

    #[test]
    fn the_turn_of_the_minute_loses_nothing() {
        let tally = Tally::default();
        tally.add(at(59_000));
        tally.add(at(59_500));
        let before = Counted { minute: 0, last: 59_500, count: 2 };
        assert_eq!(tally.add(at(60_000)), Then::Keep(before));
        let late = Counted { minute: 0, last: 59_999, count: 1 };
        assert_eq!(tally.add(at(59_999)), Then::Keep(late));
        assert_eq!(tally.take(), Some(Counted { minute: 1, last: 0, count: 1 }));
    }

    #[test]
    fn a_full_number_is_kept_and_begun_again() {
        let full = Counted { minute: 7, last: 1, count: FULL };
        let tally = Tally(AtomicU64::new(full.pack()));
        assert_eq!(tally.add(at(7 * 60_000 + 2)), Then::Keep(full));
        assert_eq!(tally.take(), Some(Counted { minute: 7, last: 2, count: 1 }));
    }

    #[test]
    fn a_time_far_from_now_fits() {
        let counted = Counted::once("2090-12-31T23:59:59.999Z".parse().unwrap());
        assert_eq!(Counted::unpack(counted.pack()), Some(counted));
    }

    #[test]
    fn whoever_counts_and_whoever_takes_agree_about_the_sum() {
        let tally = Tally::default();
        let sum = std::thread::scope(|scope| {
            let add = |from: i64| {
                let tally = &tally;
                move || {
                    let kept = |n: i64| match tally.add(at(from + n * 7)) {
                        Then::Keep(counted) => u64::from(counted.count),
                        Then::List | Then::Nothing => 0,
                    };
                    (0..50_000).map(kept).sum::<u64>()
                }
            };
            let (one, two) = (scope.spawn(add(0)), scope.spawn(add(3)));
            let mut taken = 0;
            while !(one.is_finished() && two.is_finished()) {
                taken += tally.take().map_or(0, |counted| u64::from(counted.count));
            }
            taken + one.join().unwrap() + two.join().unwrap()
        });
        let rest = tally.take().map_or(0, |counted| u64::from(counted.count));
        assert_eq!(sum + rest, 100_000);
    }
}
