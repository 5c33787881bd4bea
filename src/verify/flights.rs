//! Look-ups under way: one for each hash, however many wait for it.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use futures_util::future::{FutureExt, Shared};
use tokio::sync::oneshot;

use super::entry::Entry;
use crate::credentials::SecretHash;

/// Nobody joins a look-up that has been under way for longer: it may be stuck.
pub const PATIENCE: Duration = Duration::from_millis(120);

/// Facts, or that there are none.
pub type Found<T> = Option<Entry<T>>;
/// The answer of a look-up, for everyone who waits for it. An error: it ended without one.
pub type Awaited<T> = Shared<oneshot::Receiver<Found<T>>>;

/// The list of them. What is not on it is nothing to anyone who asks from now on.
pub struct Flights<T> {
    by_hash: HashMap<SecretHash, Flight<T>>,
    next_number: u64,
}

struct Flight<T> {
    number: u64,
    asked_at: Instant,
    answer: Awaited<T>,
}

impl<T> Default for Flights<T> {
    fn default() -> Self {
        Self { by_hash: HashMap::new(), next_number: 0 }
    }
}

impl<T> Flights<T> {
    /// The answer of the look-up under way, if there is one that can be waited for.
    pub fn join(&self, hash: &SecretHash, now: Instant) -> Option<Awaited<T>> {
        let flight = self.by_hash.get(hash)?;
        let takes = now.saturating_duration_since(flight.asked_at);
        (takes < PATIENCE).then(|| flight.answer.clone())
    }

    /// Lists a new one, in place of any other: its number, where to put its answer, and where to wait for it.
    pub fn begin(
        &mut self,
        hash: SecretHash,
        asked_at: Instant,
    ) -> (u64, oneshot::Sender<Found<T>>, Awaited<T>) {
        let (sender, answer) = oneshot::channel();
        let (answer, number) = (answer.shared(), self.next_number);
        self.next_number += 1;
        self.by_hash.insert(hash, Flight { number, asked_at, answer: answer.clone() });
        (number, sender, answer)
    }

    /// Takes one off the list; `false` when it is no longer on it.
    pub fn end(&mut self, hash: &SecretHash, number: u64) -> bool {
        let is_listed = self.by_hash.get(hash).is_some_and(|flight| flight.number == number);
        if is_listed {
            self.by_hash.remove(hash);
        }
        is_listed
    }

    pub fn clear(&mut self) {
        self.by_hash.clear();
    }
}
