//! Facts as memory keeps them: with the hash that finds them and the texts that name them in one piece, so that a
//! verification touches one stretch of memory, and a key costs one allocation.

use std::{
    fmt,
    ops::Deref,
    sync::atomic::{AtomicBool, Ordering, fence},
};

use triomphe::ThinArc;

use super::{confirmed::Micros, facts::Fact};
use crate::credentials::SecretHash;

/// Facts as Postgres told them, before they are kept.
#[derive(Debug)]
pub struct Told<T> {
    pub facts: T,
    /// What it is called outside the database: public key, App ID, an environment's slug. At most 255 bytes.
    pub public_id: String,
    pub name: String,
}

/// Facts in memory. A clone is the same facts.
pub struct Entry<T>(ThinArc<Head<T>, u8>);

struct Head<T> {
    hash: SecretHash,
    asked_at: Micros,
    /// Since it last came up for being pushed out.
    was_used: AtomicBool,
    /// Where in the text the public id ends and the name begins.
    name_at: u8,
    facts: T,
}

impl<T: Fact> Entry<T> {
    pub fn new(hash: SecretHash, asked_at: Micros, told: Told<T>) -> Self {
        let Told { facts, public_id, name } = told;
        let name_at = u8::try_from(public_id.len()).expect("ids and slugs are short");
        let text = public_id + name.as_str();
        let head = Head { hash, asked_at, was_used: AtomicBool::new(false), name_at, facts };
        Self(ThinArc::from_header_and_slice(head, text.as_bytes()))
    }

    pub fn hash(&self) -> &SecretHash {
        &self.0.header.header.hash
    }

    pub fn asked_at(&self) -> Micros {
        self.0.header.header.asked_at
    }

    /// Keeps it from being pushed out the next time it comes up.
    pub fn use_it(&self) {
        let was_used = &self.0.header.header.was_used;
        // Writing would take the line from whoever else reads it.
        if !was_used.load(Ordering::Relaxed) {
            was_used.store(true, Ordering::Relaxed);
        }
    }

    /// Whether it was used since it was last asked that.
    pub fn was_used(&self) -> bool {
        self.0.header.header.was_used.swap(false, Ordering::Relaxed)
    }

    pub fn is(&self, other: &Self) -> bool {
        std::ptr::eq(self.hash(), other.hash())
    }

    /// Whether anyone else has it: a memory, or somebody who is being answered.
    pub fn is_shared(&self) -> bool {
        let is_shared = ThinArc::strong_count(&self.0) > 1;
        // What the last of the others did with it is seen by whoever has it alone.
        fence(Ordering::Acquire);
        is_shared
    }

    pub fn public_id(&self) -> &str {
        self.text(..usize::from(self.0.header.header.name_at))
    }

    pub fn name(&self) -> &str {
        self.text(usize::from(self.0.header.header.name_at)..)
    }

    fn text(&self, part: impl std::slice::SliceIndex<[u8], Output = [u8]>) -> &str {
        str::from_utf8(&self.0.slice[part]).expect("it was put together from two texts")
    }
}

impl<T> Clone for Entry<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Deref for Entry<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.header.header.facts
    }
}

impl<T: Fact> fmt::Debug for Entry<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("id", &self.id()).finish_non_exhaustive()
    }
}
