//! The way to Postgres: the only callers of the pool and of the threads that may block.

use std::time::{Duration, Instant};

use actix_web::web;
use anyhow::{Context, anyhow};
use diesel::{
    Connection, PgConnection, RunQueryDsl,
    connection::SimpleConnection,
    dsl::sql,
    migration::MigrationSource,
    pg::Pg,
    r2d2::{ConnectionManager, Error as ConnectionError, HandleError, Pool, PooledConnection},
    sql_types::{Bool, Text},
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use parking_lot::Mutex;
use url::Url;

use crate::error::{AppError, AppResult};

/// Every change to the schema there has been.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

/// No page waits longer for Postgres. A frozen server keeps its sockets open, so only a clock of ours notices.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often the log repeats that Postgres is away.
const REMIND_EVERY: Duration = Duration::from_secs(10);

/// A pool of connections, shared by all workers.
#[derive(Clone)]
pub struct Db(Pool<ConnectionManager<PgConnection>>);

impl Db {
    /// Opens a pool of at most `size` connections. One that Postgres closed is noticed before it is lent out, so that a
    /// restart of Postgres costs nobody a page.
    ///
    /// # Errors
    /// An address that is not a Postgres URL.
    pub fn open(url: &str, size: u32) -> anyhow::Result<Self> {
        let pool = Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            .connection_timeout(Duration::from_millis(500))
            .error_handler(Box::new(Failures::default()))
            .build_unchecked(ConnectionManager::new(connection_url(url)?));
        Ok(Self(pool))
    }

    /// Asks a question, away from the threads that serve requests.
    ///
    /// # Errors
    /// What `ask` answers, or [`AppError::Unavailable`] when Postgres cannot be asked now.
    pub async fn read<T, F>(&self, ask: F) -> AppResult<T>
    where
        F: FnOnce(&mut PgConnection) -> AppResult<T> + Send + 'static,
        T: Send + 'static,
    {
        let db = self.clone();
        tokio::time::timeout(PATIENCE, web::block(move || db.read_now(ask)))
            .await
            .map_err(|_| too_late())??
    }

    /// As [`Db::read`], for what is found by ids and unique names: see [`plan_once`].
    ///
    /// # Errors
    /// As [`Db::read`].
    pub async fn look_up<T, F>(&self, ask: F) -> AppResult<T>
    where
        F: FnOnce(&mut PgConnection) -> AppResult<T> + Send + 'static,
        T: Send + 'static,
    {
        self.read(move |conn| {
            conn.transaction(|conn| {
                plan_once(conn)?;
                ask(conn)
            })
        })
        .await
    }

    /// Runs `change` in a transaction. An `Err` undoes everything it did, and so does taking so long that nobody waits
    /// for it any more: they were told that nothing was changed.
    ///
    /// # Errors
    /// As [`Db::read`].
    pub async fn write<T, F>(&self, change: F) -> AppResult<T>
    where
        F: FnOnce(&mut PgConnection) -> AppResult<T> + Send + 'static,
        T: Send + 'static,
    {
        let began = Instant::now();
        self.read(move |conn| {
            conn.transaction(|conn| {
                let done = change(conn)?;
                if began.elapsed() < PATIENCE { Ok(done) } else { Err(too_late()) }
            })
        })
        .await
    }

    fn read_now<T>(&self, ask: impl FnOnce(&mut PgConnection) -> AppResult<T>) -> AppResult<T> {
        ask(&mut *self.connection()?)
    }

    fn connection(&self) -> AppResult<PooledConnection<ConnectionManager<PgConnection>>> {
        self.0.get().map_err(|error| AppError::Unavailable(error.into()))
    }
}

fn too_late() -> AppError {
    AppError::Unavailable(anyhow!("Postgres did not answer within {PATIENCE:?}"))
}

/// r2d2 tries again several times a second for as long as it takes. The log says so when it begins, and then now and then.
#[derive(Debug, Default)]
struct Failures(Mutex<Option<Instant>>);

impl HandleError<ConnectionError> for Failures {
    fn handle_error(&self, error: ConnectionError) {
        let mut last = self.0.lock();
        if last.is_none_or(|at| at.elapsed() > REMIND_EVERY) {
            *last = Some(Instant::now());
            tracing::warn!(%error, "Postgres cannot be reached; trying again until it can");
        }
    }
}

/// A connection of its own, outside every pool: for listening, and for the command line.
///
/// # Errors
/// When Postgres cannot be reached.
pub fn connect(url: &str) -> anyhow::Result<PgConnection> {
    PgConnection::establish(&connection_url(url)?)
        .context("Postgres cannot be reached (DATABASE_URL)")
}

/// For the rest of the transaction, Postgres makes a plan once per connection and keeps it, instead of one for each
/// question. Only for what is found by ids and unique names: there one plan is right whatever is asked for, and making
/// it takes longer than the answer. Never for searches and filters, where what is asked for decides (`connection_url`).
/// By index: a plan is kept while a table grows that was small when it was made.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn plan_once(conn: &mut PgConnection) -> AppResult<()> {
    Ok(conn.batch_execute(
        "set local plan_cache_mode = force_generic_plan; set local enable_seqscan = off",
    )?)
}

/// Brings the schema up to date; returns the names of the migrations that were run. Where there is nothing to do, nothing
/// is written: whoever serves may have no right to.
///
/// # Errors
/// When a migration fails; its transaction is undone.
pub fn migrate(conn: &mut PgConnection) -> anyhow::Result<Vec<String>> {
    if is_up_to_date(conn)? {
        return Ok(Vec::new());
    }
    let run = conn
        .run_pending_migrations(MIGRATIONS)
        .map_err(|error| anyhow!("a migration failed: {error}"))?;
    Ok(run.iter().map(ToString::to_string).collect())
}

/// Whether every migration there is was run.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn is_up_to_date(conn: &mut PgConnection) -> anyhow::Result<bool> {
    let has_list: bool =
        diesel::select(sql::<Bool>("to_regclass('__diesel_schema_migrations') is not null"))
            .get_result(conn)?;
    if !has_list {
        return Ok(false);
    }
    let run: Vec<String> =
        sql::<Text>("select version from __diesel_schema_migrations").load(conn)?;
    let known = MigrationSource::<Pg>::migrations(&MIGRATIONS)
        .map_err(|error| anyhow!("migrations cannot be read: {error}"))?;
    Ok(known.iter().all(|migration| {
        let version = migration.name().version().to_string();
        run.contains(&version)
    }))
}

/// Adds what makes libpq notice a vanished server, and keeps Postgres from settling on one plan for all searches:
/// `$1` in a search decides which plan is right. Compiling a plan takes longer than any question of ours.
fn connection_url(url: &str) -> anyhow::Result<String> {
    let mut parsed: Url = url
        .parse()
        .context("DATABASE_URL is not an address such as postgres://user@host/database")?;
    let given: Vec<String> = parsed.query_pairs().map(|(name, _)| name.into_owned()).collect();
    let wanted = [
        ("connect_timeout", "2"),
        ("tcp_user_timeout", "3000"),
        ("keepalives_idle", "5"),
        ("keepalives_interval", "2"),
        ("keepalives_count", "2"),
        ("application_name", "latchkey"),
        (
            "options",
            "-c plan_cache_mode=force_custom_plan -c jit=off -c lock_timeout=2000 -c idle_in_transaction_session_timeout=10000",
        ),
    ];
    let added: Vec<String> = wanted
        .iter()
        .filter(|(name, _)| !given.iter().any(|known| known == name))
        .map(|(name, value)| {
            format!(
                "{name}={}",
                percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC)
            )
        })
        .collect();
    let query = parsed
        .query()
        .filter(|query| !query.is_empty())
        .map(|query| format!("{query}&"))
        .unwrap_or_default();
    parsed.set_query(Some(&format!("{query}{}", added.join("&"))));
    Ok(parsed.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_operator_asked_of_libpq_is_kept() {
        let url = connection_url("postgres://latchkey@db/latchkey?connect_timeout=9").unwrap();
        assert!(url.contains("connect_timeout=9&tcp_user_timeout=3000"));
        assert!(!url.contains("connect_timeout=2"));
    }

    #[test]
    fn a_socket_directory_survives() {
        let url =
            connection_url("postgresql:///latchkey?host=%2Ftmp%2Fsock&user=latchkey").unwrap();
        assert!(
            url.starts_with("postgresql:///latchkey?host=%2Ftmp%2Fsock&user=latchkey&"),
            "{url}"
        );
    }
}
