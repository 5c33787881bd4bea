//! Bounded memory of entries, laid out so that one of a million is found with two or three cache misses: a table of
//! pointers by hash, in shards so that threads seldom meet; what was not used for longest, roughly, is pushed out.

use hashbrown::HashTable;
use parking_lot::Mutex;

use super::{entry::Entry, facts::Fact};
use crate::credentials::SecretHash;

/// So many entries fill a table of 16 384 places well: seven eighths and it would double.
const SHARD: usize = 13_800;

/// So many entries that were used are passed over before one of them has to go all the same: nobody waits while a
/// whole shard is searched.
const CHANCES: usize = 64;

/// Entries by their hash.
pub struct Table<T> {
    shards: Box<[Aligned<T>]>,
    capacity: usize,
}

/// Locks of different shards do not share a line.
#[repr(align(64))]
struct Aligned<T>(Mutex<Shard<T>>);

struct Shard<T> {
    entries: HashTable<Entry<T>>,
    /// Where the search for something to push out goes on.
    hand: usize,
}

impl<T: Fact> Table<T> {
    /// Keeps at most `capacity` entries.
    pub fn new(capacity: usize) -> Self {
        let capacity = capacity.max(1);
        let shard = || Aligned(Mutex::new(Shard { entries: HashTable::new(), hand: 0 }));
        Self { shards: (0..shards(capacity)).map(|_| shard()).collect(), capacity }
    }

    /// The entry with this hash, which counts as used. All 32 bytes are compared; that this takes longer the more of
    /// them agree tells nobody anything, since nobody can choose the hash of a random secret.
    pub fn get(&self, hash: &SecretHash) -> Option<Entry<T>> {
        let shard = self.shard(hash).lock();
        let entry = shard.entries.find(place(hash), |entry| entry.hash() == hash)?;
        entry.use_it();
        Some(entry.clone())
    }

    /// The entry with this hash, which does not count as used.
    pub fn peek(&self, hash: &SecretHash) -> Option<Entry<T>> {
        let shard = self.shard(hash).lock();
        shard.entries.find(place(hash), |entry| entry.hash() == hash).cloned()
    }

    /// Puts an entry in, and tells what it replaced and what was pushed out for it. Called by one thread at a time.
    pub fn insert(&self, entry: Entry<T>, is_full: bool) -> Vec<Entry<T>> {
        let mut gone = Vec::new();
        let hash = *entry.hash();
        let mut shard = self.shard(&hash).lock();
        if let Some(replaced) = shard.take(&hash) {
            gone.push(replaced);
        } else if is_full {
            gone.extend(shard.push_out());
        }
        shard.entries.insert_unique(place(&hash), entry, |entry| place(entry.hash()));
        drop(shard);
        if is_full && gone.is_empty() {
            // Its own shard was empty.
            let mut others = self.shards.iter().map(|shard| &shard.0);
            gone.extend(others.find_map(|shard| {
                let mut shard = shard.lock();
                if shard.entries.iter().all(|kept| *kept.hash() == hash) {
                    return None;
                }
                shard.push_out()
            }));
        }
        gone
    }

    /// Takes out what is under this hash.
    pub fn remove(&self, hash: &SecretHash) -> Option<Entry<T>> {
        self.shard(hash).lock().take(hash)
    }

    pub fn clear(&self) {
        for shard in &self.shards {
            shard.0.lock().entries.clear();
        }
    }

    pub fn capacity(&self) -> usize {
        self.capacity
    }

    fn shard(&self, hash: &SecretHash) -> &Mutex<Shard<T>> {
        &self.shards[bits(hash, 8) as usize % self.shards.len()].0
    }
}

impl<T: Fact> Shard<T> {
    fn take(&mut self, hash: &SecretHash) -> Option<Entry<T>> {
        let found = self.entries.find_entry(place(hash), |entry| entry.hash() == hash).ok()?;
        Some(found.remove().0)
    }

    /// Second chance: goes round the places and takes the first entry that was not used since the last time round.
    fn push_out(&mut self) -> Option<Entry<T>> {
        if self.entries.is_empty() {
            return None;
        }
        let mut chances = CHANCES;
        loop {
            self.hand = (self.hand + 1) % self.entries.num_buckets();
            if let Ok(entry) = self.entries.get_bucket_entry(self.hand) {
                if chances == 0 || !entry.get().was_used() {
                    return Some(entry.remove().0);
                }
                chances -= 1;
            }
        }
    }
}

/// Entries by the id of their row, for forgetting: a row is remembered under each of its credentials.
pub struct Index<T>(Box<[HashTable<Entry<T>>]>);

impl<T: Fact> Index<T> {
    /// For as many entries as the table has.
    pub fn new(capacity: usize) -> Self {
        Self((0..shards(capacity)).map(|_| HashTable::new()).collect())
    }

    pub fn add(&mut self, entry: Entry<T>) {
        let id = entry.id();
        self.shard(id).insert_unique(spread(id), entry, |entry| spread(entry.id()));
    }

    pub fn remove(&mut self, entry: &Entry<T>) {
        let id = entry.id();
        if let Ok(found) = self.shard(id).find_entry(spread(id), |other| other.is(entry)) {
            found.remove();
        }
    }

    /// Takes out everything of a row.
    pub fn take(&mut self, id: i64) -> Vec<Entry<T>> {
        let shard = self.shard(id);
        let mut taken = Vec::new();
        while let Ok(found) = shard.find_entry(spread(id), |entry| entry.id() == id) {
            taken.push(found.remove().0);
        }
        taken
    }

    pub fn clear(&mut self) {
        self.0.iter_mut().for_each(HashTable::clear);
    }

    pub fn len(&self) -> usize {
        self.0.iter().map(HashTable::len).sum()
    }

    fn shard(&mut self, id: i64) -> &mut HashTable<Entry<T>> {
        let shard = (spread(id) >> 32) as usize % self.0.len();
        &mut self.0[shard]
    }
}

/// Enough for threads not to meet, and so many that none has to double for a few entries.
fn shards(capacity: usize) -> usize {
    capacity.div_ceil(SHARD).max((capacity / 64).min(16)).max(1)
}

/// Hashes are spread already: the table takes them as they are.
fn place(hash: &SecretHash) -> u64 {
    bits(hash, 0)
}

fn bits(hash: &SecretHash, at: usize) -> u64 {
    let bytes = hash.as_bytes()[at..at + 8].try_into().expect("a hash has 32 bytes");
    u64::from_le_bytes(bytes)
}

/// Ids follow each other, and nobody outside chooses them.
fn spread(id: i64) -> u64 {
    id.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
