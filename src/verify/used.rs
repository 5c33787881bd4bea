//! Which keys were accepted since the last flush: each of them once, however often. An entry that is pushed out or
//! forgotten stays until its count is taken.

use std::{mem, sync::Arc};

use chrono::{DateTime, Utc};
use parking_lot::Mutex;

use super::{entry::Entry, facts::KeyFacts};
use crate::usage::{Accepted, Recorder, Source, Then};

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
}
