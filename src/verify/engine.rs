//! The engine: its memories, its threads, and how it is told of changes.

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use ipnet::IpNet;
use parking_lot::Mutex;

use super::{
    confirmed::Confirmed,
    facts::{ApplicationFacts, GatewayFacts, KeyFacts},
    known::Known,
    listener::{Heard, Listener},
    look_ups::LookUps,
};
use crate::{
    changes::Change,
    config::Config,
    limits::{Limiter, Limits},
    metrics::{Memory, Metrics},
    usage::Recorder,
};

/// The longest a question waits for Postgres. Envoy gives up after 200 ms and takes our silence for a no.
pub const PATIENCE: Duration = Duration::from_millis(120);

/// So many credentials are remembered as unknown.
const UNKNOWN: usize = 20_000;
/// So many applications, and so many gateways.
const OTHERS: usize = 10_000;
/// So many keys and windows, or addresses, are counted.
const COUNTED: usize = 1_000_000;

/// Verifies. A clone is the same engine.
#[derive(Clone)]
pub struct Engine(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub keys: Arc<Known<KeyFacts>>,
    pub applications: Arc<Known<ApplicationFacts>>,
    pub gateways: Arc<Known<GatewayFacts>>,
    /// Until when the three above are true.
    pub confirmed: Arc<Confirmed>,
    pub look_ups: LookUps,
    pub limits: Limits,
    pub strangers: Limiter<IpAddr>,
    pub recorder: Recorder,
    metrics: Arc<Metrics>,
    trusted_proxies: Vec<IpNet>,
    listener: Mutex<Option<Listener>>,
}

impl Engine {
    /// Starts the engine's threads. Postgres may still be away: then nothing is known until it comes.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start(config: &Config, database_url: &str, recorder: Recorder) -> anyhow::Result<Self> {
        let confirmed = Arc::new(Confirmed::new(Instant::now()));
        let metrics = Arc::new(Metrics::default());
        let engine = Self(Arc::new(Shared {
            keys: Arc::new(Known::new(config.cached_keys, UNKNOWN, Arc::clone(&confirmed))),
            applications: Arc::new(Known::new(OTHERS, OTHERS, Arc::clone(&confirmed))),
            gateways: Arc::new(Known::new(OTHERS, OTHERS, Arc::clone(&confirmed))),
            confirmed,
            look_ups: LookUps::start(database_url, Arc::clone(&metrics))?,
            limits: Limits::new(COUNTED),
            strangers: Limiter::new(COUNTED),
            recorder,
            metrics,
            trusted_proxies: config.trusted_proxies.clone(),
            listener: Mutex::default(),
        }));
        let shared = Arc::downgrade(&engine.0);
        let listener = Listener::start(database_url, move |heard| {
            let Some(engine) = shared.upgrade().map(Engine) else { return };
            match heard {
                Heard::Change(change) => engine.forget(change),
                Heard::Missed => engine.doubt_everything(),
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
            Change::Catalogue => self.forget_everything(),
        }
    }

    /// Forgets everything, as when what every key may do has changed.
    pub fn forget_everything(&self) {
        self.0.keys.forget_everything();
        self.0.applications.forget_everything();
        self.0.gateways.forget_everything();
    }

    /// Looks everything up again before using it: changes may have been missed.
    fn doubt_everything(&self) {
        self.0.keys.doubt_everything();
        self.0.applications.doubt_everything();
        self.0.gateways.doubt_everything();
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

    /// How many credentials a memory holds.
    pub fn remembered(&self, memory: Memory) -> usize {
        match memory {
            Memory::Keys => self.0.keys.len(),
            Memory::Applications => self.0.applications.len(),
            Memory::Gateways => self.0.gateways.len(),
        }
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

    /// Ends the threads. The recorder is its owner's to stop, afterwards.
    pub fn stop(&self) {
        let listener = self.0.listener.lock().take();
        if let Some(listener) = listener {
            listener.stop();
        }
        self.0.look_ups.stop();
    }

    pub(super) fn trusted_proxies(&self) -> &[IpNet] {
        &self.0.trusted_proxies
    }
}
