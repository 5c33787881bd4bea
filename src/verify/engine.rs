//! The engine: its memories, its threads, and how it is told of changes.

use std::{
    net::IpAddr,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use chrono::Utc;
use ipnet::IpNet;
use parking_lot::Mutex;
use uuid::Uuid;

use super::{
    catalogue::Catalogue,
    clock::Clock,
    confirmed::Confirmed,
    facts::{ApplicationFacts, GatewayFacts, KeyFacts},
    known::Known,
    listener::{Heard, Listener},
    look_ups::LookUps,
    used::Used,
};
use crate::{
    changes::Change,
    config::Config,
    limits::{self, Limiter, Limits},
    logs::Log,
    metrics::{Memory, Metrics},
    nodes::{Registration, Status},
    usage::Recorder,
};

/// The longest a question waits for Postgres. Envoy gives up after 200 ms and takes our silence for a no.
pub const PATIENCE: Duration = Duration::from_millis(120);

/// So many credentials are remembered as unknown.
const UNKNOWN: usize = 20_000;
/// So many applications, and so many gateways.
const OTHERS: usize = 10_000;
/// So many keys and windows are counted.
const COUNTED: usize = 1_000_000;
/// So many addresses that present unknown keys are counted. Each is whole again a second after its last one, and when
/// there are more those who tried least go first: a flood from everywhere takes 6 MB, not 60.
const STRANGERS: usize = 100_000;

/// Verifies. A clone is the same engine.
#[derive(Clone)]
pub struct Engine(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub keys: Arc<Known<KeyFacts>>,
    pub applications: Arc<Known<ApplicationFacts>>,
    pub gateways: Arc<Known<GatewayFacts>>,
    pub catalogue: Arc<Known<Catalogue>>,
    /// Until when the four above are true.
    pub confirmed: Arc<Confirmed>,
    pub clock: Clock,
    pub look_ups: LookUps,
    pub limits: Limits,
    pub strangers: Limiter<IpAddr>,
    pub recorder: Recorder,
    log: Log,
    pub used: Used,
    metrics: Arc<Metrics>,
    trusted_proxies: Vec<IpNet>,
    listener: Mutex<Option<Listener>>,
}

impl Engine {
    /// Starts the engine's threads. Postgres may still be away: then nothing is known until it comes.
    ///
    /// # Errors
    /// When a thread cannot be started, or `REDIS_URL` cannot be understood.
    pub fn start(
        config: &Config,
        database_url: &str,
        recorder: Recorder,
        log: Log,
    ) -> anyhow::Result<Self> {
        let confirmed = Arc::new(Confirmed::new(Instant::now()));
        let used = Used::default();
        recorder.attach(used.clone());
        let metrics = Arc::new(Metrics::default());
        let engine = Self(Arc::new(Shared {
            keys: Arc::new(Known::new(config.cached_keys, UNKNOWN, Arc::clone(&confirmed))),
            applications: Arc::new(Known::new(OTHERS, OTHERS, Arc::clone(&confirmed))),
            gateways: Arc::new(Known::new(OTHERS, OTHERS, Arc::clone(&confirmed))),
            catalogue: Arc::new(Known::new(1, 1, Arc::clone(&confirmed))),
            confirmed,
            clock: Clock::new(Instant::now(), Utc::now()),
            look_ups: LookUps::start(database_url, Arc::clone(&metrics))?,
            limits: Limits::start(COUNTED, config.redis_url.as_ref())?,
            strangers: Limiter::new(STRANGERS),
            recorder,
            log,
            used,
            metrics,
            trusted_proxies: config.trusted_proxies.clone(),
            listener: Mutex::default(),
        }));
        let shared = Arc::downgrade(&engine.0);
        let told = Weak::clone(&shared);
        let node = Registration::new(config, move || Status {
            cached_keys: told.upgrade().map_or(0, |engine| engine.keys.len()),
            limits: told.upgrade().map(|engine| in_words(engine.limits.mode())).unwrap_or_default(),
        });
        let listener = Listener::start(database_url, node, move |heard| {
            let Some(engine) = shared.upgrade().map(Engine) else { return };
            match heard {
                Heard::Change(change) => engine.forget(change),
                Heard::Missed => engine.doubt_everything(),
                Heard::AllUntil(at) => engine.confirm(at),
                Heard::After(took) => engine.metrics().propagation(took),
                Heard::Time { asked_at, theirs, answered_at } => {
                    engine.0.clock.set(asked_at, theirs, answered_at);
                }
            }
        })?;
        *engine.0.listener.lock() = Some(listener);
        Ok(engine)
    }

    /// Forgets what has changed. Whoever asks after this returned is answered from what is stored now: call it when
    /// the change is committed and before saying so.
    pub fn forget(&self, change: Change) {
        match change {
            Change::Key(id) => self.0.keys.forget(&[id]),
            Change::Keys(ids) => self.0.keys.forget(&ids),
            Change::Gateway(id) => self.0.gateways.forget(&[id]),
            Change::Application(id) => self.0.applications.forget(&[id]),
            // An environment's slug is part of what is known of a gateway, and there are few of those.
            Change::Catalogue => {
                self.0.catalogue.forget_everything();
                self.0.gateways.forget_everything();
            }
            Change::Everything => {
                self.0.catalogue.forget_everything();
                self.0.gateways.forget_everything();
                self.0.applications.forget_everything();
                self.0.keys.forget_everything();
            }
        }
    }

    /// Looks everything up again before using it: changes may have been missed. What is in memory does for as long as
    /// Postgres cannot be asked.
    fn doubt_everything(&self) {
        self.0.confirmed.doubt(Instant::now());
        self.0.keys.ground();
        self.0.applications.ground();
        self.0.gateways.ground();
        self.0.catalogue.ground();
    }

    /// How many keys are in memory.
    pub fn known_keys(&self) -> usize {
        self.0.keys.len()
    }

    /// Every change that was committed before `at` has been applied here.
    pub fn confirm(&self, at: Instant) {
        self.0.confirmed.up_to(at);
    }

    /// What is counted of its work.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// What it counts with.
    pub fn recorder(&self) -> &Recorder {
        &self.0.recorder
    }

    /// Where it notes its answers.
    pub fn log(&self) -> &Log {
        &self.0.log
    }

    /// How many credentials a memory holds.
    pub fn remembered(&self, memory: Memory) -> usize {
        match memory {
            Memory::Keys => self.0.keys.len(),
            Memory::Applications => self.0.applications.len(),
            Memory::Gateways => self.0.gateways.len(),
            Memory::Catalogue => self.0.catalogue.len(),
        }
    }

    /// Whether what is not in memory can be looked up: until then, nothing should be asked of a process that just began.
    pub fn can_look_up(&self) -> bool {
        self.0.look_ups.can_ask()
    }

    /// How many look-ups wait for their turn, by lane.
    pub fn waiting_look_ups(&self) -> [(&'static str, usize); 2] {
        self.0.look_ups.waiting()
    }

    /// Whether Postgres is not asked for the time being, and how often that began.
    pub fn cut_off(&self) -> (bool, u64) {
        self.0.look_ups.cut_off()
    }

    /// Whether changes made by other processes are heard at the moment.
    pub fn hears_changes(&self) -> bool {
        self.0.listener.lock().as_ref().is_some_and(Listener::is_listening)
    }

    /// Under which id this process is among the nodes.
    pub fn node(&self) -> Option<Uuid> {
        self.0.listener.lock().as_ref().map(Listener::node)
    }

    /// Ends the threads. The recorder is its owner's to stop, afterwards.
    pub fn stop(&self) {
        let listener = self.0.listener.lock().take();
        if let Some(listener) = listener {
            listener.stop();
        }
        self.0.look_ups.stop();
        self.0.limits.stop();
    }

    /// Where rate limits are counted at the moment.
    pub fn limits_mode(&self) -> limits::Mode {
        self.0.limits.mode()
    }

    /// How often they were counted in Redis, and how often that was in vain.
    pub fn limits_counts(&self) -> limits::Counts {
        self.0.limits.counts()
    }

    pub(super) fn trusted_proxies(&self) -> &[IpNet] {
        &self.0.trusted_proxies
    }
}

/// For the page of the nodes.
fn in_words(mode: limits::Mode) -> String {
    match mode {
        limits::Mode::Here => "Counted on this node alone".into(),
        limits::Mode::Shared => "Counted together, in Redis".into(),
        limits::Mode::SharedAway { since } => format!(
            "Counted on this node: Redis has not answered for {} s",
            (Utc::now() - since).num_seconds()
        ),
    }
}
