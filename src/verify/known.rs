//! The memory of what was looked up: recall, look up once however many ask, forget.
//!
//! Two promises hold however threads interleave. A look-up that raced a change is not kept. Who asks after `forget`
//! returned never gets what was looked up before. Both follow from one rule: a look-up may be kept, and joined, only
//! while its flight is listed, and forgetting empties the list under the same lock.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use parking_lot::Mutex;
use quick_cache::sync::Cache;
use tokio::sync::oneshot;

use super::{
    confirmed::{Confirmed, Micros},
    entry::{Entry, Told},
    facts::Fact,
    flights::{Awaited, Flights, Found},
    table::{Index, Table},
};
use crate::credentials::SecretHash;

/// Older facts are looked up again before they are used.
pub const FRESH: Duration = Duration::from_secs(5);
/// Facts this old are not used even when Postgres is away.
pub const STALE: Duration = Duration::from_secs(60);

/// What memory says about a hash.
pub enum Recalled<T> {
    /// As good as asking.
    Fresh(Found<T>),
    /// Known once: to be used only when Postgres cannot be asked.
    Old {
        facts: Entry<T>,
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
    present: Table<T>,
    absent: Cache<SecretHash, Micros>,
    pending: Mutex<Pending<T>>,
    confirmed: Arc<Confirmed>,
}

/// What only those need who look up and who forget.
struct Pending<T> {
    flights: Flights<T>,
    index: Index<T>,
}

impl<T: Fact> Known<T> {
    /// Remembers at most `present` facts and `absent` absences.
    pub fn new(present: usize, absent: usize, confirmed: Arc<Confirmed>) -> Self {
        Self {
            present: Table::new(present),
            absent: Cache::new(absent),
            pending: Mutex::new(Pending {
                flights: Flights::default(),
                index: Index::new(present),
            }),
            confirmed,
        }
    }

    /// What is remembered, without waiting.
    pub fn recall(&self, hash: &SecretHash, now: Instant) -> Recalled<T> {
        if let Some(facts) = self.present.get(hash) {
            let asked_at = self.confirmed.instant(facts.asked_at());
            return match self.confirmed.age(asked_at, now) {
                age if age < FRESH && !self.confirmed.is_doubted(asked_at) => {
                    Recalled::Fresh(Some(facts))
                }
                age if age < STALE => Recalled::Old { facts, age },
                _ => Recalled::Unknown,
            };
        }
        // A new row is no news to those who listen for changes. Nobody presents a credential before it is made, unless
        // it was put there by hand: then it is found within a minute.
        let is_absent = self.absent.get(hash).is_some_and(|asked_at| {
            let asked_at = self.confirmed.instant(asked_at);
            self.confirmed.age(asked_at, now) < FRESH
                && !self.confirmed.is_doubted(asked_at)
                && now.saturating_duration_since(asked_at) < STALE
        });
        if is_absent { Recalled::Fresh(None) } else { Recalled::Unknown }
    }

    /// What would be recalled as fresh, if it is there. Leaves no trace.
    pub fn peek(&self, hash: &SecretHash, now: Instant) -> Option<Entry<T>> {
        self.present.peek(hash).filter(|facts| {
            let asked_at = self.confirmed.instant(facts.asked_at());
            self.confirmed.age(asked_at, now) < FRESH && !self.confirmed.is_doubted(asked_at)
        })
    }

    /// Joins the look-up of this hash, or begins one.
    pub fn join(self: &Arc<Self>, hash: SecretHash, now: Instant) -> Joined<T> {
        let mut pending = self.pending.lock();
        if let Some(answer) = pending.flights.join(&hash, now) {
            return Joined::Follow(answer);
        }
        // Whoever did not find it in memory a moment ago may find it now.
        if let Recalled::Fresh(found) = self.recall(&hash, now) {
            let (sender, answer) = oneshot::channel();
            let _ = sender.send(found);
            return Joined::Follow(answer.shared());
        }
        let (number, sender, answer) = pending.flights.begin(hash, now);
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
            for entry in pending.index.take(*id) {
                self.present.remove(entry.hash());
            }
        }
    }

    /// Forgets everything.
    pub fn forget_everything(&self) {
        let mut pending = self.pending.lock();
        pending.flights.clear();
        pending.index.clear();
        self.absent.clear();
        self.present.clear();
    }

    /// Lets nobody wait for a look-up that began before now: for when everything is doubted.
    pub fn ground(&self) {
        self.pending.lock().flights.clear();
    }

    /// How many facts are remembered.
    pub fn len(&self) -> usize {
        self.pending.lock().index.len()
    }

    fn remember(&self, pending: &mut Pending<T>, hash: SecretHash, at: Micros, found: &Found<T>) {
        let Some(facts) = found else {
            if let Some(gone) = self.present.remove(&hash) {
                pending.index.remove(&gone);
            }
            self.absent.insert(hash, at);
            return;
        };
        self.absent.remove(&hash);
        let is_full = pending.index.len() >= self.present.capacity();
        for gone in self.present.insert(facts.clone(), is_full) {
            pending.index.remove(&gone);
        }
        pending.index.add(facts.clone());
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
    pub fn answer(&mut self, told: Option<Told<T>>) {
        let Some(sender) = self.sender.take() else { return };
        let at = self.known.confirmed.compact(self.asked_at);
        let found = told.map(|told| Entry::new(self.hash, at, told));
        let mut pending = self.known.pending.lock();
        if pending.flights.end(&self.hash, self.number) {
            self.known.remember(&mut pending, self.hash, at, &found);
        }
        drop(pending);
        let _ = sender.send(found);
    }

    /// Under what it will be found.
    pub fn hash(&self) -> &SecretHash {
        &self.hash
    }

    /// Whether those who wait have been told.
    pub fn is_answered(&self) -> bool {
        self.sender.is_none()
    }
}

impl<T: Fact> Drop for Ticket<T> {
    fn drop(&mut self) {
        if self.sender.is_some() {
            self.known.pending.lock().flights.end(&self.hash, self.number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::{facts::GatewayFacts, flights::PATIENCE};

    type Memory = Arc<Known<GatewayFacts>>;

    fn memory() -> Memory {
        Arc::new(Known::new(100, 100, Arc::new(Confirmed::new(Instant::now()))))
    }

    fn hash(text: &str) -> SecretHash {
        SecretHash::of(text)
    }

    fn facts(id: i64) -> Told<GatewayFacts> {
        let facts = GatewayFacts { id, environment_id: 1, ..GatewayFacts::default() };
        Told { facts, public_id: "production".into(), name: String::new() }
    }

    fn doubt_everything(memory: &Memory) {
        memory.confirmed.doubt(Instant::now());
        memory.ground();
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
        let (mut ticket, answer) = lead(&memory, "a");
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
        let (mut older, _) = lead(&memory, "a");
        memory.forget(&[7]);
        let (mut newer, answer) = lead(&memory, "a");
        older.answer(Some(facts(7)));
        assert_eq!(now(answer.clone()), None, "the older answer is not theirs");
        assert!(is_unknown(&memory, "a"));
        newer.answer(None);
        assert_eq!(now(answer), Some(Ok(None)));
    }

    #[test]
    fn an_absence_that_raced_a_change_is_not_kept_either() {
        let memory = memory();
        let (mut ticket, _) = lead(&memory, "a");
        memory.forget(&[7]);
        ticket.answer(None);
        assert!(is_unknown(&memory, "a"));
    }

    #[test]
    fn however_many_ask_there_is_one_look_up() {
        let memory = memory();
        let (mut ticket, answer) = lead(&memory, "a");
        let followers: Vec<_> = (0..1_000)
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
        let (mut stuck, _) = lead(&memory, "a");
        let Joined::Lead(mut next, _) = memory.join(hash("a"), Instant::now() + PATIENCE) else {
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
        doubt_everything(&memory);
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
    fn facts_are_good_for_a_minute_after_the_last_time_nothing_had_changed_and_no_longer() {
        let confirmed = Arc::new(Confirmed::new(Instant::now()));
        let memory: Memory = Arc::new(Known::new(100, 100, Arc::clone(&confirmed)));
        learn(&memory, "a", 7);
        let last = Instant::now() + Duration::from_secs(3600);
        confirmed.up_to(last);
        let at = |age| memory.recall(&hash("a"), last + age);
        assert!(matches!(at(Duration::ZERO), Recalled::Fresh(Some(_))));
        assert!(matches!(at(FRESH), Recalled::Old { .. }));
        assert!(matches!(at(STALE - Duration::from_millis(1)), Recalled::Old { .. }));
        assert!(matches!(at(STALE), Recalled::Unknown), "503, never a yes");
    }

    #[test]
    fn what_is_doubted_is_old_until_it_is_looked_up_again() {
        let memory = memory();
        learn(&memory, "a", 7);
        doubt_everything(&memory);
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
        assert_eq!(memory.len(), 100);
        let kept = (0..10_000).filter(|id| is_fresh(&memory, &id.to_string())).count();
        assert_eq!(kept, 100, "what can be forgotten is what can be recalled");
        (0..10_000).for_each(|id| memory.forget(&[id]));
        assert!((0..10_000).all(|id| is_unknown(&memory, &id.to_string())));
        assert_eq!(memory.len(), 0);
    }

    #[test]
    fn what_is_used_is_not_pushed_out() {
        let memory = memory();
        (0..10).for_each(|id| learn(&memory, &id.to_string(), id));
        for id in 10..10_000 {
            learn(&memory, &id.to_string(), id);
            assert!((0..10).all(|id| is_fresh(&memory, &id.to_string())), "{id}");
        }
    }

    #[test]
    fn a_memory_for_one_remembers_the_last() {
        let memory: Memory = Arc::new(Known::new(1, 1, Arc::new(Confirmed::new(Instant::now()))));
        for id in 0..100 {
            learn(&memory, &id.to_string(), id);
            assert!(is_fresh(&memory, &id.to_string()));
            assert_eq!(memory.len(), 1);
        }
    }
}
