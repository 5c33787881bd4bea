//! Which of the accepted requests of a key are logged: the first of each second, as many as the settings say, and of the
//! others one for a hundred, which says how many it stands for. Nothing is left out of these sums.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasherDefault, Hasher},
    mem,
};

use parking_lot::Mutex;
use uuid::Uuid;

use super::row::Row;

/// A row stands for so many requests at most.
pub const GROUP: i32 = 100;

/// So many maps share the keys, so that workers seldom meet.
const SHARDS: usize = 16;
/// So many keys a map knows; others are not sampled but logged as far as the node's budget goes.
const KEYS: usize = 4_096;

/// The keys that were accepted in this second or the last.
pub struct Sampler([Mutex<Keys>; SHARDS]);

type Keys = HashMap<i64, Seen, BuildHasherDefault<Mixed>>;

#[derive(Default)]
struct Seen {
    second: u32,
    /// Accepted in that second.
    count: u32,
    /// The row that stands for the next ones too.
    held: Option<Box<Row>>,
    held_since: u32,
}

/// What becomes of a request.
pub enum Sampled {
    /// It has a row of its own.
    Write(Row),
    /// It is part of what another row stands for, which can be written now.
    Full(Row),
    /// It is the first of those that its row will stand for.
    Held(Uuid),
    /// It is part of what another row will stand for.
    Counted,
    /// The node has no room for its row.
    NoRoom,
}

impl Default for Sampler {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl Sampler {
    /// Decides about an accepted request. `take` takes a row out of the node's budget; `row` is asked only if there is to
    /// be one.
    pub fn decide(
        &self,
        key: i64,
        second: u32,
        per_second: u32,
        take: impl Fn() -> bool,
        row: impl FnOnce() -> Row,
    ) -> Sampled {
        let mut keys = self.0[key.unsigned_abs() as usize % SHARDS].lock();
        let is_full = keys.len() >= KEYS;
        let seen = match keys.entry(key) {
            Entry::Occupied(seen) => seen.into_mut(),
            Entry::Vacant(_) if is_full => {
                drop(keys);
                return if take() { Sampled::Write(row()) } else { Sampled::NoRoom };
            }
            Entry::Vacant(place) => place.insert(Seen::default()),
        };
        if seen.second != second {
            (seen.second, seen.count) = (second, 0);
        }
        seen.count += 1;
        if seen.count <= per_second && take() {
            drop(keys);
            return Sampled::Write(row());
        }
        if let Some(held) = &mut seen.held {
            held.stands_for += 1;
            if held.stands_for < GROUP {
                return Sampled::Counted;
            }
            return seen.held.take().map_or(Sampled::Counted, |held| Sampled::Full(*held));
        }
        // Whoever is still within its share came here because there is no room.
        if seen.count <= per_second || !take() {
            return Sampled::NoRoom;
        }
        let held = Box::new(row());
        let id = held.id;
        (seen.held, seen.held_since) = (Some(held), second);
        Sampled::Held(id)
    }

    /// Hands over the rows that were held since before this second, and forgets who was not seen since.
    pub fn sweep(&self, second: u32, write: &mut dyn FnMut(Row)) {
        for shard in &self.0 {
            shard.lock().retain(|_, seen| {
                if seen.held_since < second
                    && let Some(held) = seen.held.take()
                {
                    write(*held);
                }
                seen.held.is_some() || seen.second.saturating_add(1) >= second
            });
        }
    }

    /// Hands over everything that is held, to end.
    pub fn empty(&self, write: &mut dyn FnMut(Row)) {
        for shard in &self.0 {
            let keys = mem::take(&mut *shard.lock());
            keys.into_values().filter_map(|seen| seen.held).for_each(|held| write(*held));
        }
    }
}

/// Ids count up; multiplying spreads them well enough, and they are ours.
#[derive(Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_i64(i64::from(*byte));
        }
    }

    fn write_i64(&mut self, id: i64) {
        let mixed = (self.0 ^ id as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use chrono::Utc;

    use super::*;

    fn row() -> Row {
        Row {
            at: Utc::now(),
            id: Uuid::new_v4(),
            key_id: Some(1),
            application_id: Some(1),
            environment_id: 1,
            gateway_id: 1,
            stands_for: 1,
            took_micros: 1,
            code: "VALID",
            ip: None,
            endpoint: "verify",
            method: String::new(),
            path: String::new(),
            customer: None,
            agent: String::new(),
            detail: String::new(),
            scopes: Vec::new(),
        }
    }

    /// The rows of so many requests of a key in a second, and how many found no room.
    fn send(sampler: &Sampler, second: u32, count: u32, budget: &Cell<u32>) -> (Vec<i32>, u32) {
        let (mut rows, mut lost) = (Vec::new(), 0);
        for _ in 0..count {
            let take = || {
                let has_room = budget.get() > 0;
                budget.set(budget.get().saturating_sub(1));
                has_room
            };
            match sampler.decide(1, second, 50, take, row) {
                Sampled::Write(row) | Sampled::Full(row) => rows.push(row.stands_for),
                Sampled::Held(_) | Sampled::Counted => {}
                Sampled::NoRoom => lost += 1,
            }
        }
        (rows, lost)
    }

    fn sweep(sampler: &Sampler, second: u32) -> Vec<i32> {
        let mut rows = Vec::new();
        sampler.sweep(second, &mut |row| rows.push(row.stands_for));
        rows
    }

    #[test]
    fn rows_stand_for_exactly_what_there_was() {
        for count in [1, 49, 50, 51, 149, 150, 151, 4_321] {
            let sampler = Sampler::default();
            let (mut rows, lost) = send(&sampler, 7, count, &Cell::new(u32::MAX));
            assert!(rows.len() as u32 <= count.min(50) + count / 100);
            rows.extend(sweep(&sampler, 8));
            assert_eq!((rows.iter().sum::<i32>(), lost), (count as i32, 0));
            assert!(rows.iter().all(|&stands_for| stands_for <= GROUP));
        }
    }

    #[test]
    fn each_second_begins_anew() {
        let sampler = Sampler::default();
        for second in 1..4 {
            assert_eq!(send(&sampler, second, 50, &Cell::new(u32::MAX)).0, [1; 50]);
            assert_eq!(sweep(&sampler, second + 1), Vec::<i32>::new());
        }
    }

    #[test]
    fn what_finds_no_room_is_said_to_be_lost() {
        let sampler = Sampler::default();
        let (rows, lost) = send(&sampler, 7, 80, &Cell::new(10));
        assert_eq!((rows, lost), (vec![1; 10], 70));
        // A row that is held has had its room; everything after it is part of it.
        let (rows, lost) = send(&sampler, 8, 151, &Cell::new(51));
        assert_eq!((rows.len(), rows.last(), lost), (51, Some(&100), 1));
    }

    #[test]
    fn who_is_not_seen_any_more_is_forgotten() {
        let sampler = Sampler::default();
        send(&sampler, 7, 60, &Cell::new(u32::MAX));
        assert_eq!(sweep(&sampler, 8), [10]);
        sweep(&sampler, 9);
        assert!(sampler.0.iter().all(|shard| shard.lock().is_empty()));
    }

    #[test]
    fn memory_is_bounded() {
        let sampler = Sampler::default();
        for key in 0..200_000 {
            assert!(matches!(sampler.decide(key, 1, 50, || true, row), Sampled::Write(_)));
        }
        let known: usize = sampler.0.iter().map(|shard| shard.lock().len()).sum();
        assert_eq!(known, SHARDS * KEYS);
    }
}
