//! Which keys were accepted since the last flush: each of them once, however often. An entry that is pushed out or
//! forgotten stays until its count is taken.

use std::{mem, sync::Arc};

use chrono::{DateTime, Utc};
use parking_lot::Mutex;

use super::{entry::Entry, facts::KeyFacts};
use crate::usage::{Accepted, Counted, Recorder, Source, Then};

/// So many lists, so that workers seldom meet.
const SHARDS: usize = 16;

/// The lists. A clone is the same lists.
#[derive(Clone, Default)]
pub struct Used(Arc<Lists>);

#[derive(Default)]
struct Lists {
    new: [Mutex<Vec<Entry<KeyFacts>>>; SHARDS],
    noted: Mutex<Vec<Entry<KeyFacts>>>,
}

impl Used {
    /// Counts that a key was accepted.
    pub fn count(&self, key: &Entry<KeyFacts>, at: DateTime<Utc>, recorder: &Recorder) {
        match key.tally.add(at) {
            Then::Nothing => {}
            Then::List => {
                let shard = key.id.unsigned_abs() as usize % SHARDS;
                self.0.new[shard].lock().push(key.clone());
            }
            Then::Keep(counted) => recorder.keep(key.id, counted),
        }
    }
}

impl Source for Used {
    fn gather(&self) {
        let mut noted = self.0.noted.lock();
        for shard in &self.0.new {
            let mut new = mem::take(&mut *shard.lock());
            noted.append(&mut new);
        }
    }

    fn drain(&self, room: usize, into: &mut Accepted) -> bool {
        let mut noted = self.0.noted.lock();
        let from = noted.len().saturating_sub(room);
        for key in noted.drain(from..) {
            if let Some(counted) = key.tally.take() {
                into.push(key.id, counted);
            }
        }
        if noted.is_empty() {
            *noted = Vec::new();
        }
        !noted.is_empty()
    }

    fn shed(&self, keep: &mut dyn FnMut(i64, Counted)) {
        self.0.noted.lock().retain(|key| {
            if key.is_shared() {
                return true;
            }
            if let Some(counted) = key.tally.take() {
                keep(key.id, counted);
            }
            false
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::{
        credentials::SecretHash,
        verify::{
            catalogue::Granted,
            confirmed::Confirmed,
            entry::Told,
            facts::{Home, Rare, Terms},
        },
    };

    fn key(id: i64) -> Entry<KeyFacts> {
        let now = Instant::now();
        let home =
            Home { application_id: 1, app_id: "app_0123456789abcdef".into(), environment_id: 1 };
        let terms = Terms::new(Granted::default(), [].into());
        let facts = KeyFacts::new(id, home.into(), terms.into(), None, Rare::default());
        let told = Told { facts, public_id: "pk".into(), name: String::new() };
        Entry::new(SecretHash::of(""), Confirmed::new(now).compact(now), told)
    }

    #[test]
    fn what_cannot_be_written_keeps_no_key_in_memory_that_was_forgotten() {
        let (used, [remembered, forgotten]) = (Used::default(), [key(1), key(2)]);
        for entry in [&remembered, &forgotten, &forgotten] {
            match entry.tally.add(Utc::now()) {
                Then::List => used.0.new[0].lock().push(entry.clone()),
                then => assert_eq!(then, Then::Nothing),
            }
        }
        drop(forgotten);
        used.gather();
        let mut kept = Vec::new();
        used.shed(&mut |id, counted| kept.push((id, counted.count)));
        assert_eq!(kept, [(2, 2)]);
        assert_eq!(used.0.noted.lock().len(), 1);
        assert_eq!(remembered.tally.take().unwrap().count, 1, "the other goes on counting");
    }
}
