//! How often keys were accepted, on its way to whoever writes it: a few keys at a time.

use super::{
    counts::{Count, VALID},
    tally::Counted,
};

/// So many rows are written at once.
pub const ROWS: usize = 20_000;

/// Where the counts of keys are until they are written.
pub trait Source: Send + Sync {
    /// Notes what has been counted so far.
    fn gather(&self);

    /// Moves up to `room` of the counts that were noted; `true` when there are more of them.
    fn drain(&self, room: usize, into: &mut Accepted) -> bool;

    /// Hands over the counts of what was noted and is there for nothing but its count: for when they cannot be written.
    fn shed(&self, keep: &mut dyn FnMut(i64, Counted));
}

/// Counts by key.
#[derive(Default)]
pub struct Accepted(Vec<(i64, Counted)>);

impl Accepted {
    /// Adds a count.
    pub fn push(&mut self, key: i64, counted: Counted) {
        self.0.push((key, counted));
    }

    /// Moves counts to where there is room for `room` in all; `true` when some stay.
    pub(super) fn move_to(&mut self, other: &mut Self, room: usize) -> bool {
        let count = room.saturating_sub(other.len()).min(self.len());
        other.0.extend(self.0.drain(self.len() - count..));
        !self.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// What is counted.
    pub(super) fn counts(&self) -> impl Iterator<Item = Count<'static>> {
        self.0.iter().map(|(key, counted)| Count {
            key: *key,
            minute: counted.minute(),
            code: VALID,
            requests: i64::from(counted.count),
            last_millis: i32::from(counted.last),
        })
    }
}
