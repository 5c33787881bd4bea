//! Counting together with other nodes, without ever waiting long for it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use parking_lot::{Mutex, RwLock};
use redis::{RedisError, RedisResult, aio::MultiplexedConnection};
use tokio::{runtime, sync::Notify, time};
use url::Url;

use super::{Limit, spending::Each, store::Store};

/// The longest a verification waits for Redis.
const PATIENCE: Duration = Duration::from_millis(50);
/// So much it may wait even if Postgres has taken all the time there was. Together they stay below 150 ms.
const AT_LEAST: Duration = Duration::from_millis(20);
/// So many failures in a row, and nobody waits any longer.
const FAILURES: u32 = 3;
/// How often somebody looks whether it is there.
const PROBE: Duration = Duration::from_secs(1);
/// So long a start waits for the first connection, so that a restarted node does not begin by itself.
const FIRST: Duration = Duration::from_secs(1);

/// The way to Redis: a thread that keeps one connection, which every worker uses.
pub struct Shared {
    inner: Arc<Inner>,
    keeper: Mutex<Option<JoinHandle<()>>>,
}

struct Inner {
    store: Store,
    /// Nothing while Redis is away.
    connection: RwLock<Option<Connection>>,
    /// While it is away.
    since: Mutex<Option<DateTime<Utc>>>,
    failures: AtomicU32,
    /// The connection was given up, and why.
    lost: Notify,
    why: Mutex<String>,
    ended: Notify,
    shared: AtomicU64,
    fallbacks: AtomicU64,
    errors: AtomicU64,
}

#[derive(Clone)]
struct Connection {
    /// Which one it is: complaints about an earlier one do not concern it.
    number: u64,
    multiplexed: MultiplexedConnection,
}

/// What happened since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Questions that Redis decided.
    pub shared: u64,
    /// Questions that were decided here although Redis should have.
    pub fallbacks: u64,
    /// Those of them that Redis was asked, and did not answer in time or answered with an error.
    pub errors: u64,
}

impl Shared {
    /// Begins to keep a connection, and waits a moment for it.
    ///
    /// # Errors
    /// When the address cannot be understood or the thread cannot be started.
    pub fn start(url: &Url) -> anyhow::Result<Self> {
        let inner = Arc::new(Inner {
            store: Store::at(url)?,
            connection: RwLock::default(),
            since: Mutex::new(Some(Utc::now())),
            failures: AtomicU32::new(0),
            lost: Notify::new(),
            why: Mutex::default(),
            ended: Notify::new(),
            shared: AtomicU64::new(0),
            fallbacks: AtomicU64::new(0),
            errors: AtomicU64::new(0),
        });
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let (tried, first) = mpsc::channel();
        let keeping = Arc::clone(&inner);
        let keeper = thread::Builder::new().name("limits".into()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = keeping.keep_connected(tried) => {}
                    () = keeping.ended.notified() => {}
                }
            });
            // Looking up a host's name can take longer than ending may.
            runtime.shutdown_background();
        })?;
        let _ = first.recv_timeout(FIRST);
        Ok(Self { inner, keeper: Mutex::new(Some(keeper)) })
    }

    /// Spends, if every limit admits it, and answers with the backlogs from before. Nothing when Redis could not be
    /// asked, or did not answer in time.
    pub async fn spend(
        &self,
        key: &str,
        limits: &[Limit],
        known: &[u64],
        cost: u32,
        deadline: Instant,
    ) -> Option<Each<u64>> {
        let inner = &*self.inner;
        let Some(connection) = inner.connection.read().clone() else {
            inner.fallbacks.fetch_add(1, Ordering::Relaxed);
            return None;
        };
        let wait = deadline.saturating_duration_since(Instant::now()).clamp(AT_LEAST, PATIENCE);
        let number = connection.number;
        let asked = inner.store.spend(connection.multiplexed, key, limits, known, cost);
        let answer = time::timeout(wait, asked).await.unwrap_or_else(|_| Err(too_late()));
        inner.note(number, &answer);
        answer.ok()
    }

    /// How far each limit of a key is from being whole, without spending: a cost that no limit admits spends nothing.
    /// Nothing when Redis could not be asked; neither is counted.
    pub async fn peek(&self, key: &str, limits: &[Limit]) -> Option<Each<u64>> {
        let inner = &*self.inner;
        let multiplexed = inner.connection.read().as_ref()?.multiplexed.clone();
        let unknown: Each<u64> = limits.iter().map(|_| 0).collect();
        let asked = inner.store.spend(multiplexed, key, limits, &unknown, u32::MAX);
        time::timeout(PATIENCE, asked).await.ok()?.ok()
    }

    /// Since when Redis is away, if it is.
    pub fn away_since(&self) -> Option<DateTime<Utc>> {
        *self.inner.since.lock()
    }

    pub fn counts(&self) -> Counts {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Inner { shared, fallbacks, errors, .. } = &*self.inner;
        Counts { shared: count(shared), fallbacks: count(fallbacks), errors: count(errors) }
    }

    /// Lets the thread end.
    pub fn stop(&self) {
        self.inner.ended.notify_one();
        if let Some(keeper) = self.keeper.lock().take() {
            let _ = keeper.join();
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Inner {
    async fn keep_connected(&self, tried: mpsc::Sender<()>) {
        for number in 0.. {
            let tried_at = time::Instant::now();
            match self.connect().await {
                Ok(multiplexed) => {
                    self.came(Connection { number, multiplexed: multiplexed.clone() });
                    let _ = tried.send(());
                    let why = self.until_lost(number, multiplexed).await;
                    self.went(&why);
                }
                Err(error) => {
                    if number == 0 {
                        self.went(&error.to_string());
                    }
                    let _ = tried.send(());
                }
            }
            // Not again at once what has just failed.
            time::sleep_until(tried_at + PROBE).await;
        }
    }

    /// A connection that answers as fast as verifications need it.
    async fn connect(&self) -> RedisResult<MultiplexedConnection> {
        let mut connection = self.store.connect().await?;
        match time::timeout(PATIENCE, self.store.prove(&mut connection)).await {
            Ok(proof) => proof.map(|()| connection),
            Err(_) => Err(too_late()),
        }
    }

    /// Why the connection is of no use any more, once it is.
    async fn until_lost(&self, number: u64, mut connection: MultiplexedConnection) -> String {
        loop {
            tokio::select! {
                () = self.lost.notified() => {}
                () = time::sleep(PROBE) => {}
            }
            if self.connection.read().as_ref().is_none_or(|current| current.number != number) {
                return std::mem::take(&mut *self.why.lock());
            }
            if let Err(error) = self.store.prove(&mut connection).await {
                return error.to_string();
            }
        }
    }

    fn came(&self, connection: Connection) {
        self.failures.store(0, Ordering::Relaxed);
        *self.connection.write() = Some(connection);
        *self.since.lock() = None;
        tracing::info!("limits are counted in Redis, together with every node that does so");
    }

    fn went(&self, why: &str) {
        *self.connection.write() = None;
        self.since.lock().get_or_insert_with(Utc::now);
        tracing::warn!(
            error = why,
            "Redis is away: this node counts limits for itself until it answers"
        );
    }

    fn note(&self, number: u64, answer: &RedisResult<Each<u64>>) {
        let Err(error) = answer else {
            self.failures.store(0, Ordering::Relaxed);
            self.shared.fetch_add(1, Ordering::Relaxed);
            return;
        };
        tracing::debug!(%error, "Redis did not count");
        self.errors.fetch_add(1, Ordering::Relaxed);
        self.fallbacks.fetch_add(1, Ordering::Relaxed);
        let mut connection = self.connection.write();
        if connection.as_ref().is_none_or(|current| current.number != number) {
            return;
        }
        let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
        if failures >= FAILURES || error.is_connection_dropped() {
            // From now on nobody waits. The keeper says so, and tries again.
            *connection = None;
            self.since.lock().get_or_insert_with(Utc::now);
            *self.why.lock() = error.to_string();
            self.lost.notify_one();
        }
    }
}

fn too_late() -> RedisError {
    (redis::ErrorKind::Io, "it did not answer in time").into()
}
