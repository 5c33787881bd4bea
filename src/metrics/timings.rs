//! How long things took, in buckets.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// So many buckets at most, with the one for all that took longer.
const BUCKETS: usize = 16;

/// Answers, and look-ups in Postgres: from what memory takes to where Envoy gives up.
pub const OF_ANSWERS: &[Duration] = &[
    Duration::from_micros(10),
    Duration::from_micros(20),
    Duration::from_micros(50),
    Duration::from_micros(100),
    Duration::from_micros(200),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_millis(2),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(20),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(150),
];

/// Changes on their way from one node to the other: 1 s is promised, 5 s without notifications, 60 s at the very most.
pub const OF_CHANGES: &[Duration] = &[
    Duration::from_millis(1),
    Duration::from_millis(2),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(20),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(60),
];

/// Counts by bucket, and the sum.
#[derive(Default)]
pub struct Timings {
    buckets: [AtomicU64; BUCKETS],
    nanoseconds: AtomicU64,
}

/// What several of them counted together.
#[derive(Default)]
pub struct Read {
    /// Upper bounds in seconds with the count of each bucket alone; the last is for all that took longer.
    pub buckets: Vec<(f64, u64)>,
    pub count: u64,
    pub seconds: f64,
}

impl Timings {
    /// Counts one; always with the same bounds.
    pub fn add(&self, bounds: &[Duration], took: Duration) {
        debug_assert!(bounds.len() < BUCKETS, "the last bucket is for the rest");
        let bucket = bounds.partition_point(|bound| *bound < took);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }
}

impl Read {
    /// Adds up.
    pub fn of<'a>(bounds: &[Duration], timings: impl Iterator<Item = &'a Timings>) -> Self {
        let bounds = bounds.iter().map(Duration::as_secs_f64).chain([f64::INFINITY]);
        let mut read =
            Self { buckets: bounds.map(|bound| (bound, 0)).collect(), ..Self::default() };
        let mut nanoseconds = 0;
        for one in timings {
            nanoseconds += one.nanoseconds.load(Ordering::Relaxed);
            for ((_, count), bucket) in read.buckets.iter_mut().zip(&one.buckets) {
                *count += bucket.load(Ordering::Relaxed);
            }
        }
        read.count = read.buckets.iter().map(|(_, count)| count).sum();
        read.seconds = Duration::from_nanos(nanoseconds).as_secs_f64();
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_exactly_as_long_as_a_bound_belongs_to_it() {
        let (one, other) = (Timings::default(), Timings::default());
        one.add(OF_ANSWERS, Duration::from_micros(10));
        one.add(OF_ANSWERS, Duration::from_micros(11));
        other.add(OF_ANSWERS, Duration::from_secs(1));
        let read = Read::of(OF_ANSWERS, [&one, &other].into_iter());
        assert_eq!(read.buckets[0], (0.000_01, 1));
        assert_eq!(read.buckets[1], (0.000_02, 1));
        assert_eq!(read.buckets.last(), Some(&(f64::INFINITY, 1)));
        assert_eq!((read.count, read.seconds), (3, 1.000_021));
    }

    #[test]
    fn every_bound_has_a_bucket() {
        for bounds in [OF_ANSWERS, OF_CHANGES] {
            assert!(bounds.len() < BUCKETS);
            assert!(bounds.is_sorted());
        }
    }
}
