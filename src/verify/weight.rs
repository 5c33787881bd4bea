//! What a key in memory weighs, by the allocator's own count.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use super::rehearsal::Rehearsal;
use crate::credentials::SecretHash;

thread_local! {
    /// What this thread holds: tests beside this one do not count.
    static HELD: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: everything is the system allocator's doing; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = HELD.try_with(|held| held.set(held.get().wrapping_add(real(layout))));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let _ = HELD.try_with(|held| held.set(held.get().wrapping_sub(real(layout))));
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// What an allocator takes for it: sizes are rounded up, and something is noted beside each.
fn real(layout: Layout) -> usize {
    (layout.size() + 8).next_multiple_of(16)
}

#[test]
fn a_key_in_memory_weighs_less_than_three_hundred_bytes() {
    const KEYS: usize = 60_000;
    let before = HELD.get();
    let memory = Rehearsal::new(KEYS);
    for id in 0..KEYS {
        memory.learn(id as i64, SecretHash::of(&id.to_string()));
    }
    let held = HELD.get().wrapping_sub(before);
    assert_eq!(memory.known_keys(), KEYS);
    let each = held / KEYS;
    assert!((150..=220).contains(&each), "{each} bytes a key");

    // It is full: what comes now comes instead of something else.
    for id in KEYS..KEYS * 2 {
        memory.learn(id as i64, SecretHash::of(&id.to_string()));
    }
    assert_eq!(memory.known_keys(), KEYS);
    let grown = HELD.get().wrapping_sub(before).saturating_sub(held);
    assert!(grown < held / 20, "{grown} bytes more for as many keys");
}
