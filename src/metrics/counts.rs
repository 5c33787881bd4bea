//! Counting on the path of every request.

use std::{
    cell::Cell,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::Duration,
};

use actix_web::http::StatusCode;

use super::timings::{OF_ANSWERS, OF_CHANGES, Read, Timings};
use crate::verify::{Code, PROBLEM_CODES};

/// So many threads count without meeting each other.
const STRIPES: usize = 16;

/// Which address answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    Verify,
    Authorize,
}

/// Which memory was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    Keys,
    Applications,
    Gateways,
    Catalogue,
}

/// What a memory knew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recall {
    /// All that was needed.
    Hit,
    /// Nothing, or nothing fresh: Postgres is asked.
    Miss,
    /// As a miss, but somebody asks Postgres for the same already.
    Joined,
    /// Postgres could not be asked, and what was known will still do.
    Stale,
}

/// How a look-up in Postgres ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookedUp {
    /// After so long.
    Answered(Duration),
    /// With an error.
    Failed,
    /// Before it was its turn: nobody waited for it any more.
    Late,
    /// At once: too many were waiting.
    TurnedAway,
}

/// What a request that is not about verification was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Area {
    Pages,
    /// What else is under `/v1`: proofs, reports of leaks, applications with their own keys.
    Api,
    Static,
    Health,
}

impl Endpoint {
    pub const ALL: [(Self, &str); 2] = [(Self::Verify, "verify"), (Self::Authorize, "authorize")];
}

impl Memory {
    pub const ALL: [(Self, &str); 4] = [
        (Self::Keys, "keys"),
        (Self::Applications, "applications"),
        (Self::Gateways, "gateways"),
        (Self::Catalogue, "catalogue"),
    ];
}

impl Recall {
    pub const ALL: [(Self, &str); 4] = [
        (Self::Hit, "hit"),
        (Self::Miss, "miss"),
        (Self::Joined, "joined"),
        (Self::Stale, "stale"),
    ];
}

/// The names of [`LookedUp`], in its order.
const LOOKED_UP: [&str; 4] = ["answered", "failed", "late", "turned_away"];

impl Area {
    pub const ALL: [(Self, &str); 4] = [
        (Self::Pages, "pages"),
        (Self::Api, "api"),
        (Self::Static, "static"),
        (Self::Health, "health"),
    ];

    /// Of an address; `None` for those of verification, which are counted by their verdicts.
    pub fn of(path: &str) -> Option<Self> {
        match path {
            "/healthz" | "/readyz" => Some(Self::Health),
            "/v1/verify" | "/v1/authorize" => None,
            path if path.starts_with("/v1/") => Some(Self::Api),
            path if path.starts_with("/static/") => Some(Self::Static),
            _ => Some(Self::Pages),
        }
    }
}

/// What is counted as it happens, one for each engine.
pub struct Metrics {
    stripes: Vec<Stripe>,
    look_ups: [AtomicU64; LOOKED_UP.len()],
    look_up_seconds: Timings,
    propagation: Timings,
}

/// The counts of some threads, on lines of memory of their own.
#[derive(Default)]
#[repr(align(128))]
struct Stripe {
    codes: [[AtomicU64; CODES]; Endpoint::ALL.len()],
    seconds: [Timings; Endpoint::ALL.len()],
    recalls: [[AtomicU64; Recall::ALL.len()]; Memory::ALL.len()],
    requests: [[AtomicU64; CLASSES]; Area::ALL.len()],
}

/// The verdicts' first, then the problems'.
const CODES: usize = Code::ALL.len() + PROBLEM_CODES.len();
/// 1xx to 5xx.
const CLASSES: usize = 5;

impl Default for Metrics {
    fn default() -> Self {
        Self {
            stripes: (0..STRIPES).map(|_| Stripe::default()).collect(),
            look_ups: Default::default(),
            look_up_seconds: Timings::default(),
            propagation: Timings::default(),
        }
    }
}

impl Metrics {
    /// A verdict, and how long it took us.
    pub fn verdict(&self, endpoint: Endpoint, code: Code, took: Duration) {
        let stripe = self.stripe();
        stripe.codes[endpoint as usize][code as usize].fetch_add(1, Ordering::Relaxed);
        stripe.seconds[endpoint as usize].add(OF_ANSWERS, took);
    }

    /// An answer without a verdict. Its time is not counted: it is that of whoever sends a slow body.
    pub fn problem(&self, endpoint: Endpoint, code: &str) {
        let Some(slot) = PROBLEM_CODES.iter().position(|known| *known == code) else { return };
        let slot = &self.stripe().codes[endpoint as usize][Code::ALL.len() + slot];
        slot.fetch_add(1, Ordering::Relaxed);
    }

    /// What memory knew.
    pub fn recalled(&self, memory: Memory, recall: Recall) {
        self.stripe().recalls[memory as usize][recall as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How a look-up ended.
    pub fn looked_up(&self, how: LookedUp) {
        let slot = match how {
            LookedUp::Answered(took) => {
                self.look_up_seconds.add(OF_ANSWERS, took);
                0
            }
            LookedUp::Failed => 1,
            LookedUp::Late => 2,
            LookedUp::TurnedAway => 3,
        };
        self.look_ups[slot].fetch_add(1, Ordering::Relaxed);
    }

    /// A change of another node was applied here so long after it was committed there.
    pub fn propagation(&self, took: Duration) {
        self.propagation.add(OF_CHANGES, took);
    }

    /// An answer of anything but verification.
    pub fn request(&self, area: Area, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES) - 1;
        self.stripe().requests[area as usize][class].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn verdicts(&self, endpoint: Endpoint) -> impl Iterator<Item = (&'static str, u64)> {
        let verdicts = Code::ALL.into_iter().map(|code| (code.slug(), code as usize));
        let problems = PROBLEM_CODES.into_iter().zip(Code::ALL.len()..);
        verdicts.chain(problems).map(move |(slug, slot)| {
            (slug, self.sum(|stripe| &stripe.codes[endpoint as usize][slot]))
        })
    }

    pub(super) fn answer_seconds(&self, endpoint: Endpoint) -> Read {
        let timings = self.stripes.iter().map(|stripe| &stripe.seconds[endpoint as usize]);
        Read::of(OF_ANSWERS, timings)
    }

    pub(super) fn recalls(&self, memory: Memory, recall: Recall) -> u64 {
        self.sum(|stripe| &stripe.recalls[memory as usize][recall as usize])
    }

    /// By class: the first is 1xx.
    pub(super) fn requests(&self, area: Area) -> [u64; CLASSES] {
        std::array::from_fn(|class| self.sum(|stripe| &stripe.requests[area as usize][class]))
    }

    pub(super) fn look_ups(&self) -> impl Iterator<Item = (&'static str, u64)> {
        LOOKED_UP.into_iter().zip(self.look_ups.iter().map(|count| count.load(Ordering::Relaxed)))
    }

    pub(super) fn look_up_seconds(&self) -> Read {
        Read::of(OF_ANSWERS, [&self.look_up_seconds].into_iter())
    }

    pub(super) fn propagation_seconds(&self) -> Read {
        Read::of(OF_CHANGES, [&self.propagation].into_iter())
    }

    fn sum(&self, count: impl Fn(&Stripe) -> &AtomicU64) -> u64 {
        self.stripes.iter().map(|stripe| count(stripe).load(Ordering::Relaxed)).sum()
    }

    /// The stripe of this thread.
    fn stripe(&self) -> &Stripe {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static NUMBER: Cell<Option<usize>> = const { Cell::new(None) };
        }
        let number = NUMBER.get().unwrap_or_else(|| {
            let number = THREADS.fetch_add(1, Ordering::Relaxed) % STRIPES;
            NUMBER.set(Some(number));
            number
        });
        &self.stripes[number]
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn what_many_threads_count_is_counted_once_each() {
        let metrics = Metrics::default();
        thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        metrics.verdict(Endpoint::Verify, Code::Revoked, Duration::from_micros(30));
                    }
                    metrics.problem(Endpoint::Authorize, "UNAVAILABLE");
                });
            }
        });
        let count = |endpoint, wanted: &str| {
            metrics.verdicts(endpoint).find(|(code, _)| *code == wanted).unwrap().1
        };
        assert_eq!(count(Endpoint::Verify, "REVOKED"), 2000);
        assert_eq!(count(Endpoint::Authorize, "REVOKED"), 0);
        assert_eq!(count(Endpoint::Authorize, "UNAVAILABLE"), 20);
        assert_eq!(metrics.answer_seconds(Endpoint::Verify).count, 2000);
    }

    #[test]
    fn every_code_has_a_place_of_its_own() {
        let mut slots: Vec<usize> = Code::ALL.into_iter().map(|code| code as usize).collect();
        slots.sort_unstable();
        assert_eq!(slots, (0..Code::ALL.len()).collect::<Vec<_>>());
    }

    #[test]
    fn requests_are_counted_by_what_they_were_for() {
        assert_eq!(Area::of("/v1/verify"), None);
        assert_eq!(Area::of("/v1/leaks"), Some(Area::Api));
        assert_eq!(Area::of("/keys"), Some(Area::Pages));
        assert_eq!(Area::of("/readyz"), Some(Area::Health));
        assert_eq!(Area::of("/static/css/app.css"), Some(Area::Static));
    }
}
