//! Postgres for a command: the one in `DATABASE_URL`, else the private one, which the server may be running already.

use std::{fs::DirBuilder, os::unix::fs::DirBuilderExt, path::Path};

use anyhow::Context;
use diesel::{Connection, PgConnection};

use crate::{
    config::Config,
    db,
    error::AppResult,
    managed_postgres::{self, Options, Postgres},
};

/// A connection to an up-to-date database.
pub struct Database {
    // Before the server that it speaks to: fields are dropped in this order.
    conn: PgConnection,
    /// The migrations that were run to get here.
    pub migrated: Vec<String>,
    url: String,
    _private: Option<Postgres>,
}

impl Database {
    /// Connects, and runs pending migrations. Call it on the main thread: on Linux the private Postgres ends with the
    /// thread that started it.
    ///
    /// # Errors
    /// When there is no Postgres to use, or a migration fails.
    pub fn open(config: &Config) -> anyhow::Result<Self> {
        let (url, private) = locate(config)?;
        let mut conn = db::connect(&url)?;
        let migrated = db::migrate(&mut conn)?;
        Ok(Self { conn, migrated, url, _private: private })
    }

    /// Runs `act` in a transaction.
    ///
    /// # Errors
    /// What `act` answers; then nothing has been changed.
    pub fn write<T>(
        &mut self,
        act: impl FnOnce(&mut PgConnection) -> AppResult<T>,
    ) -> AppResult<T> {
        self.conn.transaction(act)
    }

    /// For what needs several transactions.
    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.conn
    }

    /// Where it is, for further connections. Good as long as this is kept.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// Where Postgres is, and what to hold on to while using it.
///
/// # Errors
/// When the private Postgres cannot be started.
pub fn locate(config: &Config) -> anyhow::Result<(String, Option<Postgres>)> {
    if let Some(url) = &config.database_url {
        return Ok((url.clone(), None));
    }
    make_data_dir(&config.data_dir)?;
    let private = managed_postgres::connect_or_start(&private_dir(config), Options::default())?;
    Ok((private.url().to_owned(), Some(private)))
}

/// Where the private Postgres lives.
pub fn private_dir(config: &Config) -> std::path::PathBuf {
    config.data_dir.join("postgres")
}

/// Nobody else may look inside. As root the account of the private Postgres has to get through.
///
/// # Errors
/// When it cannot be made.
pub fn make_data_dir(dir: &Path) -> anyhow::Result<()> {
    let mode = if rustix::process::geteuid().is_root() { 0o711 } else { 0o700 };
    DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(dir)
        .with_context(|| format!("LATCHKEY_DATA_DIR: {} cannot be made", dir.display()))
}
