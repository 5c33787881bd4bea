//! The limits of keys.

use super::{Limit, Limiter, Spending};

/// Counts what keys spend.
pub struct Limits {
    here: Limiter<i64>,
}

impl Limits {
    /// Limits of about `capacity` keys and windows.
    pub fn new(capacity: usize) -> Self {
        Self { here: Limiter::new(capacity) }
    }

    /// Spends `cost` of every limit of a key, or of none when one of them refuses. `None` when there is no limit.
    pub async fn spend(&self, key: i64, limits: &[Limit], cost: u32) -> Option<Spending> {
        self.here.spend(key, limits, cost)
    }
}
