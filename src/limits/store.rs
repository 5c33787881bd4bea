//! Counting in Redis or Valkey: one question, one answer, one atomic script.

use std::time::{Duration, Instant};

use redis::{Client, RedisResult, Script, aio::MultiplexedConnection};
use url::Url;

use super::{Limit, spending::Each};

/// How long a connection may take to be made, and how long any answer may take.
const CONNECTING: Duration = Duration::from_millis(500);

/// What a Redis is like.
#[derive(Debug, PartialEq, Eq)]
pub struct Examined {
    /// How long it takes to ask it something.
    pub round_trip: Duration,
    /// It throws counters away when its memory is full, by that policy.
    pub evicts: Option<String>,
}

/// Asks a Redis as a node would.
///
/// # Errors
/// When it cannot be used; the error does not show the address.
pub fn examine(url: &Url) -> anyhow::Result<Examined> {
    let store = Store::at(url)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut connection = store.connect().await?;
        let asked_at = Instant::now();
        store.prove(&mut connection).await?;
        let round_trip = asked_at.elapsed();
        let memory: String =
            redis::cmd("INFO").arg("memory").query_async(&mut connection).await.unwrap_or_default();
        let setting =
            |name: &str| memory.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let evicts = setting("maxmemory_policy")
            .filter(|policy| *policy != "noeviction" && setting("maxmemory") != Some("0"));
        Ok(Examined { round_trip, evicts: evicts.map(str::to_owned) })
    })
}

/// What counts.
pub struct Store {
    client: Client,
    script: Script,
}

impl Store {
    /// A store that is not connected yet.
    ///
    /// # Errors
    /// When the address cannot be understood. The error does not show it: it may hold a password.
    pub fn at(url: &Url) -> anyhow::Result<Self> {
        if matches!(url.scheme(), "rediss" | "valkeys") {
            // Somebody else in this process may have chosen already; then it is that.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let client = Client::open(url.as_str())
            .map_err(|error| anyhow::anyhow!("REDIS_URL cannot be used: {error}"))?;
        Ok(Self { client, script: Script::new(include_str!("spend.lua")) })
    }

    /// A connection, to a server that knows the script.
    ///
    /// # Errors
    /// When there is no answer in time, or the answer is a no.
    pub async fn connect(&self) -> RedisResult<MultiplexedConnection> {
        let config = redis::AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECTING))
            .set_response_timeout(Some(CONNECTING));
        let mut connection =
            self.client.get_multiplexed_async_connection_with_config(&config).await?;
        self.script.load_async(&mut connection).await?;
        Ok(connection)
    }

    /// Whether it can be counted there: a replica, or a server whose disk is full, answers but does not write.
    ///
    /// # Errors
    /// When it cannot.
    pub async fn prove(&self, connection: &mut MultiplexedConnection) -> RedisResult<()> {
        redis::cmd("SET")
            .arg("latchkey:limit:proof")
            .arg(1)
            .arg("PX")
            .arg(1000)
            .query_async(connection)
            .await
    }

    /// Spends, if every limit admits it. Answers with the backlogs from before. `known` are those the asking node knows.
    /// A server that has forgotten the script, as after a restart, is told it again.
    ///
    /// # Errors
    /// When the server is gone, or cannot.
    pub async fn spend(
        &self,
        mut connection: MultiplexedConnection,
        key: &str,
        limits: &[Limit],
        known: &[u64],
        cost: u32,
    ) -> RedisResult<Each<u64>> {
        let mut question = self.script.prepare_invoke();
        question.arg(cost);
        for (limit, known) in limits.iter().zip(known) {
            // What is between the braces decides where in a cluster a counter is: a key's are together.
            question
                .key(format!("latchkey:limit:{{{key}}}:{}", limit.per_seconds))
                .arg(limit.requests)
                .arg(limit.interval())
                .arg(*known);
        }
        let backlogs: Vec<u64> = question.invoke_async(&mut connection).await?;
        if backlogs.len() != limits.len() {
            return Err((redis::ErrorKind::Parse, "it answered for other limits").into());
        }
        Ok(Each::from_vec(backlogs))
    }
}
