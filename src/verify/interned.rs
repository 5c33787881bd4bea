//! What many keys have in common, kept once: a million keys have few applications and few sets of permissions.

use std::{collections::HashSet, hash::Hash, sync::Arc};

use parking_lot::Mutex;

use super::facts::{Home, Terms};

/// The shared parts of the facts about keys.
#[derive(Default)]
pub struct Interned {
    homes: Pool<Home>,
    terms: Pool<Terms>,
}

impl Interned {
    pub fn home(&self, home: Home) -> Arc<Home> {
        self.homes.share(home)
    }

    pub fn terms(&self, terms: Terms) -> Arc<Terms> {
        self.terms.share(terms)
    }
}

struct Pool<T>(Mutex<Shared<T>>);

struct Shared<T> {
    values: HashSet<Arc<T>>,
    /// Sweeping only when the set has doubled keeps the cost of it constant per value.
    sweep_at: usize,
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self(Mutex::new(Shared { values: HashSet::new(), sweep_at: 1024 }))
    }
}

impl<T: Eq + Hash> Pool<T> {
    /// The value, or one like it that somebody has already.
    fn share(&self, value: T) -> Arc<T> {
        let mut shared = self.0.lock();
        if let Some(known) = shared.values.get(&value) {
            return Arc::clone(known);
        }
        if shared.values.len() >= shared.sweep_at {
            shared.values.retain(|value| Arc::strong_count(value) > 1);
            shared.sweep_at = (shared.values.len() * 2).max(1024);
        }
        let value = Arc::new(value);
        shared.values.insert(Arc::clone(&value));
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_alike_is_kept_once() {
        let pool = Pool::default();
        let (one, same, other) = (pool.share("a"), pool.share("a"), pool.share("b"));
        assert!(Arc::ptr_eq(&one, &same) && !Arc::ptr_eq(&one, &other));
    }

    #[test]
    fn what_nobody_has_any_more_is_not_kept() {
        let pool = Pool::default();
        let kept = pool.share(0);
        (1..100_000).for_each(|value| drop(pool.share(value)));
        assert!(pool.0.lock().values.len() <= 1025);
        assert!(Arc::ptr_eq(&kept, &pool.share(0)));
    }
}
