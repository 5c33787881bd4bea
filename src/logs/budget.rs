//! How many rows a node writes each second: enough to see what happens, too few for a flood to fill a disk. What goes
//! over that is counted by minute, so that the log can say what is missing.

use std::sync::atomic::{AtomicU64, Ordering};

/// Accepted requests that a node logs each second, whatever the settings allow a single key.
pub const ACCEPTED_A_SECOND: u32 = 2_000;
/// Refusals of known keys that a node logs each second.
pub const REFUSED_A_SECOND: u32 = 1_000;
/// Refusals without a key of ours that a node logs each second: anybody on the internet can make these.
pub const UNKNOWN_A_SECOND: u32 = 200;

/// Why a request is not in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// More were accepted than a node writes.
    Accepted,
    /// More known keys were refused than a node writes.
    Refused,
    /// More requests came without a key of ours than a node writes.
    Unknown,
    /// Postgres was away for so long that memory was full.
    Waiting,
    /// Postgres does not take this row.
    Unwritable,
}

impl Why {
    pub const ALL: [Self; 5] =
        [Self::Accepted, Self::Refused, Self::Unknown, Self::Waiting, Self::Unwritable];

    /// As stored, and as metrics call it.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::Waiting => "waiting",
            Self::Unwritable => "unwritable",
        }
    }
}

/// So many of something in each second.
#[derive(Debug)]
pub struct PerSecond {
    most: u32,
    /// The second, and how many it had.
    now: AtomicU64,
}

impl PerSecond {
    pub fn new(most: u32) -> Self {
        Self { most, now: AtomicU64::new(0) }
    }

    /// Takes one of this second, if there is one left.
    pub fn take(&self, second: u32) -> bool {
        let taken = self.now.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| {
            let (at, count) = ((now >> 32) as u32, now as u32);
            let count = if at == second { count } else { 0 };
            (count < self.most).then_some(u64::from(second) << 32 | u64::from(count + 1))
        });
        taken.is_ok()
    }
}

/// What is not in the log, by reason: since the last time it was taken, and since the start.
#[derive(Debug, Default)]
pub struct Missing {
    new: [AtomicU64; Why::ALL.len()],
    all: [AtomicU64; Why::ALL.len()],
}

impl Missing {
    pub fn add(&self, why: Why, count: u64) {
        self.new[why as usize].fetch_add(count, Ordering::Relaxed);
        self.all[why as usize].fetch_add(count, Ordering::Relaxed);
    }

    /// Takes what is new.
    pub fn take(&self) -> impl Iterator<Item = (Why, u64)> {
        let taken = Why::ALL.map(|why| (why, self.new[why as usize].swap(0, Ordering::Relaxed)));
        taken.into_iter().filter(|(_, count)| *count > 0)
    }

    /// Since the start.
    pub fn since_start(&self, why: Why) -> u64 {
        self.all[why as usize].load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_so_many_and_the_next_as_many_again() {
        let budget = PerSecond::new(3);
        assert_eq!([(); 5].map(|()| budget.take(7)), [true, true, true, false, false]);
        assert_eq!([(); 4].map(|()| budget.take(8)), [true, true, true, false]);
    }

    #[test]
    fn what_is_missing_is_taken_once_and_counted_for_good() {
        let missing = Missing::default();
        missing.add(Why::Unknown, 2);
        missing.add(Why::Unknown, 1);
        assert_eq!(missing.take().collect::<Vec<_>>(), [(Why::Unknown, 3)]);
        assert_eq!(missing.take().count(), 0);
        assert_eq!(missing.since_start(Why::Unknown), 3);
    }
}
