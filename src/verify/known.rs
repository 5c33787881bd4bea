//! The memory of what was looked up: recall, look up once however many ask, forget.
//!
//! Two promises hold however threads interleave. A look-up that raced a change is not kept. Who asks after `forget`
//! returned never gets what was looked up before. Both follow from one rule: a look-up may be kept, and joined, only
//! while its flight is listed, and forgetting empties the list under the same lock.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::future::{FutureExt, Shared};
use parking_lot::Mutex;
use quick_cache::{DefaultHashBuilder, Lifecycle, UnitWeighter, sync::Cache};
use tokio::sync::oneshot;

use super::{confirmed::Confirmed, facts::Fact};
use crate::credentials::SecretHash;

/// Older facts are looked up again before they are used.
pub const FRESH: Duration = Duration::from_secs(5);
/// Facts this old are not used even when Postgres is away.
pub const STALE: Duration = Duration::from_secs(60);
/// Nobody joins a look-up that has been under way for longer: it may be stuck.
const PATIENCE: Duration = Duration::from_millis(120);

/// Facts, or that there are none.
pub type Found<T> = Option<Arc<T>>;
/// The answer of a look-up, for everyone who waits for it. An error: it ended without one.
pub type Awaited<T> = Shared<oneshot::Receiver<Found<T>>>;

/// What memory says about a hash.
pub enum Recalled<T> {
    /// As good as asking.
    Fresh(Found<T>),
    /// Known once: to be used only when Postgres cannot be asked.
    Old {
        facts: Arc<T>,
        age: Duration,
    },
    Unknown,
}

/// Either way there is an answer to wait for.
pub enum Joined<T: Fact> {
    /// The caller is first and has the look-up made.
    Lead(Ticket<T>, Awaited<T>),
    /// Somebody's look-up is under way.
    Follow(Awaited<T>),
}

/// Bounded memory of facts by the hash of the credential that finds them. Absence is remembered apart, so that a
/// flood of unknown credentials pushes out nothing but itself.
pub struct Known<T: Fact> {
    present: Cache<SecretHash, Kept<T>, UnitWeighter, DefaultHashBuilder, Evicted>,
    absent: Cache<SecretHash, Instant>,
    pending: Mutex<Pending<T>>,
    /// How often everything was doubted.
    doubts: AtomicU32,
    confirmed: Arc<Confirmed>,
}

struct Kept<T> {
    facts: Arc<T>,
    asked_at: Instant,
    /// What was looked up before the last doubt is old, however young.
    doubts: u32,
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        Self { facts: Arc::clone(&self.facts), ..*self }
    }
}

struct Pending<T> {
    flights: HashMap<SecretHash, Flight<T>>,
    next_number: u64,
    /// Under which hashes a row is remembered.
    hashes: HashMap<i64, Vec<SecretHash>>,
}

struct Flight<T> {
    number: u64,
    asked_at: Instant,
    answer: Awaited<T>,
}

impl<T: Fact> Known<T> {
    /// Remembers at most `present` facts and `absent` absences.
    pub fn new(present: usize, absent: usize, confirmed: Arc<Confirmed>) -> Self {
        Self {
            present: Cache::with(
                present,
                present as u64,
                UnitWeighter,
                DefaultHashBuilder::default(),
                Evicted,
            ),
            absent: Cache::new(absent),
            pending: Mutex::new(Pending {
                flights: HashMap::new(),
                next_number: 0,
                hashes: HashMap::new(),
            }),
            doubts: AtomicU32::new(0),
            confirmed,
        }
    }

    /// What is remembered, without waiting.
    pub fn recall(&self, hash: &SecretHash, now: Instant) -> Recalled<T> {
        if let Some(Kept { facts, asked_at, doubts }) = self.present.get(hash) {
            let age = self.confirmed.age(asked_at, now);
            let is_trusted = doubts == self.doubts.load(Ordering::Acquire);
            return match age {
                age if age < FRESH && is_trusted => Recalled::Fresh(Some(facts)),
                age if age < STALE => Recalled::Old { facts, age },
                _ => Recalled::Unknown,
            };
        }
        let is_absent = self.absent.get(hash).is_some_and(|at| self.confirmed.age(at, now) < FRESH);
        if is_absent { Recalled::Fresh(None) } else { Recalled::Unknown }
    }

    /// How many hashes are remembered as somebody's.
    pub fn len(&self) -> usize {
        self.present.len()
    }

    /// Joins the look-up of this hash, or begins one.
    pub fn join(self: &Arc<Self>, hash: SecretHash, now: Instant) -> Joined<T> {
        let mut pending = self.pending.lock();
        if let Some(flight) = pending.flights.get(&hash)
            && now.saturating_duration_since(flight.asked_at) < PATIENCE
        {
            return Joined::Follow(flight.answer.clone());
        }
        let (sender, answer) = oneshot::channel();
        // Whoever did not find it in memory a moment ago may find it now.
        if let Recalled::Fresh(found) = self.recall(&hash, now) {
            let _ = sender.send(found);
            return Joined::Follow(answer.shared());
        }
        let answer = answer.shared();
        let number = pending.next_number;
        pending.next_number += 1;
        pending.flights.insert(hash, Flight { number, asked_at: now, answer: answer.clone() });
        let ticket =
            Ticket { known: Arc::clone(self), hash, number, asked_at: now, sender: Some(sender) };
        Joined::Lead(ticket, answer)
    }

    /// Forgets rows, and every look-up under way: one of them may have read them before they changed. Absences go too,
    /// since a row may have appeared.
    pub fn forget(&self, ids: &[i64]) {
        let mut pending = self.pending.lock();
        pending.flights.clear();
        self.absent.clear();
        for id in ids {
            for hash in pending.hashes.remove(id).unwrap_or_default() {
                self.present.remove(&hash);
            }
        }
    }

    /// Forgets everything.
    pub fn forget_everything(&self) {
        let mut pending = self.pending.lock();
        pending.flights.clear();
        pending.hashes.clear();
        self.absent.clear();
        self.present.clear();
    }

    /// Has everything looked up again before it is used: changes may have been missed. Unlike what is forgotten, it
    /// will still do for a while if Postgres cannot be asked.
    pub fn doubt_everything(&self) {
        let mut pending = self.pending.lock();
        pending.flights.clear();
        self.absent.clear();
        self.doubts.fetch_add(1, Ordering::Release);
    }

    fn remember(
        &self,
        pending: &mut Pending<T>,
        hash: SecretHash,
        asked_at: Instant,
        found: &Found<T>,
    ) {
        let Some(facts) = found else {
            if let Some((_, kept)) = self.present.remove(&hash) {
                pending.unlist(kept.facts.id(), &hash);
            }
            self.absent.insert(hash, asked_at);
            return;
        };
        self.absent.remove(&hash);
        let mut evicted = Vec::new();
        let doubts = self.doubts.load(Ordering::Acquire);
        let kept = Kept { facts: Arc::clone(facts), asked_at, doubts };
        self.present.insert_with_lifecycle(hash, kept, &mut evicted);
        // What is replaced counts as pushed out, under the same hash: listing comes last, or the row could not be
        // forgotten any more.
        for (id, hash) in evicted {
            pending.unlist(id, &hash);
        }
        if self.present.peek(&hash).is_some() {
            pending.list(facts.id(), hash);
        }
    }
}

impl<T> Pending<T> {
    fn list(&mut self, id: i64, hash: SecretHash) {
        let hashes = self.hashes.entry(id).or_default();
        if !hashes.contains(&hash) {
            hashes.push(hash);
        }
    }

    fn unlist(&mut self, id: i64, hash: &SecretHash) {
        if let Some(hashes) = self.hashes.get_mut(&id) {
            hashes.retain(|other| other != hash);
            if hashes.is_empty() {
                self.hashes.remove(&id);
            }
        }
    }
}

/// The right to answer a look-up. Dropped without an answer, it ends the wait of everyone who joined.
pub struct Ticket<T: Fact> {
    known: Arc<Known<T>>,
    hash: SecretHash,
    number: u64,
    asked_at: Instant,
    sender: Option<oneshot::Sender<Found<T>>>,
}

impl<T: Fact> Ticket<T> {
    /// Tells everyone who waits, and remembers it unless something was forgotten since the look-up began.
    pub fn answer(mut self, found: Option<T>) {
        let found = found.map(Arc::new);
        let mut pending = self.known.pending.lock();
        if pending.lands(&self.hash, self.number) {
            self.known.remember(&mut pending, self.hash, self.asked_at, &found);
        }
        drop(pending);
        if let Some(sender) = self.sender.take() {
            let _ = sender.send(found);
        }
    }
}

impl<T: Fact> Drop for Ticket<T> {
    fn drop(&mut self) {
        if self.sender.is_some() {
            self.known.pending.lock().lands(&self.hash, self.number);
        }
    }
}

impl<T> Pending<T> {
    /// Takes a flight off the list; `false` when it is no longer on it.
    fn lands(&mut self, hash: &SecretHash, number: u64) -> bool {
        let listed = self.flights.get(hash).is_some_and(|flight| flight.number == number);
        if listed {
            self.flights.remove(hash);
        }
        listed
    }
}

/// Tells an insertion what it pushed out or replaced.
#[derive(Clone)]
struct Evicted;

impl<T: Fact> Lifecycle<SecretHash, Kept<T>> for Evicted {
    type RequestState = Vec<(i64, SecretHash)>;

    fn on_evict(&self, evicted: &mut Self::RequestState, hash: SecretHash, kept: Kept<T>) {
        evicted.push((kept.facts.id(), hash));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::facts::GatewayFacts;

    type Memory = Arc<Known<GatewayFacts>>;

    fn memory() -> Memory {
        Arc::new(Known::new(100, 100, Arc::new(Confirmed::new(Instant::now()))))
    }

    fn hash(text: &str) -> SecretHash {
        SecretHash::of(text)
    }

    fn facts(id: i64) -> GatewayFacts {
        GatewayFacts { id, environment_id: 1, environment: "production".into() }
    }

    fn lead(memory: &Memory, text: &str) -> (Ticket<GatewayFacts>, Awaited<GatewayFacts>) {
        match memory.join(hash(text), Instant::now()) {
            Joined::Lead(ticket, answer) => (ticket, answer),
            Joined::Follow(_) => panic!("somebody else leads"),
        }
    }

    fn learn(memory: &Memory, text: &str, id: i64) {
        lead(memory, text).0.answer(Some(facts(id)));
    }

    fn is_fresh(memory: &Memory, text: &str) -> bool {
        matches!(memory.recall(&hash(text), Instant::now()), Recalled::Fresh(Some(_)))
    }

    fn is_unknown(memory: &Memory, text: &str) -> bool {
        matches!(memory.recall(&hash(text), Instant::now()), Recalled::Unknown)
    }

    fn now(answer: Awaited<GatewayFacts>) -> Option<Result<Option<i64>, ()>> {
        let answer = answer.now_or_never()?;
        Some(answer.map(|found| found.map(|facts| facts.id)).map_err(|_| ()))
    }

    #[test]
    fn a_look_up_that_raced_a_change_is_not_kept() {
        let memory = memory();
        let (ticket, answer) = lead(&memory, "a");
        memory.forget(&[7]);
        ticket.answer(Some(facts(7)));
        assert!(is_unknown(&memory, "a"));
        assert_eq!(
            now(answer),
            Some(Ok(Some(7))),
            "but whoever asked before the change is answered"
        );
    }

    #[test]
    fn who_asks_after_a_change_does_not_join_an_older_look_up() {
        let memory = memory();
        let (older, _) = lead(&memory, "a");
        memory.forget(&[7]);
        let (newer, answer) = lead(&memory, "a");
        older.answer(Some(facts(7)));
        assert_eq!(now(answer.clone()), None, "the older answer is not theirs");
        assert!(is_unknown(&memory, "a"));
        newer.answer(None);
        assert_eq!(now(answer), Some(Ok(None)));
    }

    #[test]
    fn an_absence_that_raced_a_change_is_not_kept_either() {
        let memory = memory();
        let (ticket, _) = lead(&memory, "a");
        memory.forget(&[7]);
        ticket.answer(None);
        assert!(is_unknown(&memory, "a"));
    }

    #[test]
    fn however_many_ask_there_is_one_look_up() {
        let memory = memory();
        let (ticket, answer) = lead(&memory, "a");
        let followers: Vec<_> = (0..100)
            .map(|_| match memory.join(hash("a"), Instant::now()) {
                Joined::Follow(answer) => answer,
                Joined::Lead(..) => panic!("a second look-up"),
            })
            .collect();
        ticket.answer(Some(facts(7)));
        assert!(followers.into_iter().chain([answer]).all(|a| now(a) == Some(Ok(Some(7)))));
    }

    #[test]
    fn a_look_up_that_ends_without_an_answer_lets_the_next_one_try() {
        let memory = memory();
        let (ticket, answer) = lead(&memory, "a");
        drop(ticket);
        assert_eq!(now(answer), Some(Err(())));
        learn(&memory, "a", 7);
        assert!(is_fresh(&memory, "a"));
    }

    #[test]
    fn nobody_joins_a_look_up_that_is_stuck() {
        let memory = memory();
        let (stuck, _) = lead(&memory, "a");
        let Joined::Lead(next, _) = memory.join(hash("a"), Instant::now() + PATIENCE) else {
            panic!("joined");
        };
        next.answer(Some(facts(8)));
        stuck.answer(Some(facts(7)));
        let Recalled::Fresh(Some(found)) = memory.recall(&hash("a"), Instant::now()) else {
            panic!("forgotten");
        };
        assert_eq!(found.id, 8);
    }

    #[test]
    fn forgetting_a_row_forgets_it_under_every_credential_and_nothing_else() {
        let memory = memory();
        learn(&memory, "secret", 7);
        learn(&memory, "public key", 7);
        learn(&memory, "other", 8);
        memory.forget(&[7]);
        assert!(is_unknown(&memory, "secret") && is_unknown(&memory, "public key"));
        assert!(is_fresh(&memory, "other"));
    }

    #[test]
    fn what_was_looked_up_again_is_forgotten_all_the_same() {
        let memory = memory();
        learn(&memory, "a", 7);
        memory.doubt_everything();
        learn(&memory, "a", 7);
        memory.forget(&[7]);
        assert!(is_unknown(&memory, "a"));
    }

    #[test]
    fn facts_grow_old_and_then_useless() {
        let memory = memory();
        learn(&memory, "a", 7);
        let at = |age| memory.recall(&hash("a"), Instant::now() + age);
        assert!(matches!(at(FRESH - Duration::from_secs(1)), Recalled::Fresh(Some(_))));
        assert!(matches!(at(FRESH), Recalled::Old { .. }));
        assert!(matches!(at(STALE - Duration::from_secs(1)), Recalled::Old { .. }));
        assert!(matches!(at(STALE), Recalled::Unknown));
    }

    #[test]
    fn what_is_doubted_is_old_until_it_is_looked_up_again() {
        let memory = memory();
        learn(&memory, "a", 7);
        memory.doubt_everything();
        assert!(matches!(memory.recall(&hash("a"), Instant::now()), Recalled::Old { .. }));
        learn(&memory, "a", 7);
        assert!(is_fresh(&memory, "a"));
    }

    #[test]
    fn a_flood_of_unknown_credentials_pushes_out_nothing_else() {
        let memory = memory();
        (0..50).for_each(|id| learn(&memory, &format!("good {id}"), id));
        for number in 0..10_000 {
            lead(&memory, &format!("flood {number}")).0.answer(None);
        }
        assert!((0..50).all(|id| is_fresh(&memory, &format!("good {id}"))));
        assert!(memory.absent.len() <= 110, "{}", memory.absent.len());
    }

    #[test]
    fn what_is_pushed_out_leaves_nothing_behind() {
        let memory = memory();
        (0..10_000).for_each(|id| learn(&memory, &id.to_string(), id));
        let pending = memory.pending.lock();
        let listed: usize = pending.hashes.values().map(Vec::len).sum();
        assert_eq!(listed, memory.present.len());
        assert!(listed <= 110, "{listed}");
    }
}
