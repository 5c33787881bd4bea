//! A Postgres of our own, for those who have not set `DATABASE_URL`: found on the machine, started by us, ended with us.
//!
//! | file | |
//! |---|---|
//! | `mod.rs` | starting, joining, stopping |
//! | `home.rs` | its directories: where they are, whose they are, who holds them |
//! | `binaries.rs` | finding Postgres on this machine |
//! | `server.rs` | the server as a process that cannot outlive ours |
//!
//! It listens on a Unix socket in a directory that only its account may enter; there is no password and no port.

mod binaries;
mod home;
mod server;

use std::fs::File;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use diesel::prelude::*;

use binaries::Binaries;
use home::Home;
use server::Server;

/// How long to wait for whoever had the directory before us: a process that is ending, a command that is running.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long commands that use our server may take to finish once we end.
const FAREWELL: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Survives a power cut. Specs do without, because it costs them time.
    pub durable: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { durable: true }
    }
}

/// A private Postgres started by this process. It ends when this is dropped, or when the process dies.
#[derive(Debug)]
pub struct ManagedPostgres {
    home: Home,
    url: String,
    running: Option<Running>,
}

/// What there is while the server runs. The order is the order of dropping: the server ends before its directory is free.
#[derive(Debug)]
struct Running {
    server: Server,
    _owner: File,
}

/// A private Postgres to talk to for as long as a command takes.
#[derive(Debug)]
pub enum Postgres {
    /// Nobody was running it, so this process does.
    Started(ManagedPostgres),
    /// Another process runs it.
    Joined(Guest),
}

/// Using the server of another process, which waits a little for its guests before it ends.
#[derive(Debug)]
pub struct Guest {
    url: String,
    _presence: File,
}

/// Starts the private Postgres which lives in `dir`, and makes it if there is none yet.
pub fn start(dir: &Path, options: Options) -> Result<ManagedPostgres> {
    let home = Home::at(dir)?;
    let mut owner = None;
    within(PATIENCE, || {
        owner = home.owner().transpose();
        owner.is_some()
    });

    match owner.transpose()? {
        Some(owner) => ManagedPostgres::start(home, owner, options),
        None => bail!(
            "another latchkey is using the private Postgres in {}; end it first",
            dir.display()
        ),
    }
}

/// Uses the private Postgres in `dir`: the one a running latchkey has started, otherwise one of our own.
pub fn connect_or_start(dir: &Path, options: Options) -> Result<Postgres> {
    let home = Home::at(dir)?;
    let began = Instant::now();
    loop {
        if let Some(owner) = home.owner()? {
            return Ok(Postgres::Started(ManagedPostgres::start(home, owner, options)?));
        }
        if let Some(presence) = home.guest()?
            && PgConnection::establish(&home.url(DATABASE)).is_ok()
        {
            return Ok(Postgres::Joined(Guest { url: home.url(DATABASE), _presence: presence }));
        }
        if began.elapsed() > PATIENCE {
            bail!(
                "another latchkey holds the private Postgres in {}, which does not answer",
                dir.display()
            );
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// Deletes the private Postgres of `dir` and all its data, unless somebody is using it.
pub fn remove(dir: &Path) -> Result<()> {
    if !dir.exists() {
        return Ok(());
    }
    let home = Home::at(dir)?;
    let _owner = home.owner()?.with_context(|| format!("{} is in use", dir.display()))?;
    end_leftover(&home)?;
    home.remove()?;
    let _ = std::fs::remove_dir(dir); // there still, if the home was elsewhere
    Ok(())
}

const DATABASE: &str = "latchkey";

impl ManagedPostgres {
    /// The database, for anything that speaks libpq.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ends the server, after the commands that are using it; the data stays. Doing it twice changes nothing.
    pub fn stop(&mut self) {
        let Some(running) = self.running.take() else { return };
        let mut alone = None;
        within(FAREWELL, || {
            alone = self.home.without_guests().ok().flatten();
            alone.is_some()
        });
        running.server.end();
    }

    fn start(home: Home, owner: File, options: Options) -> Result<Self> {
        end_leftover(&home)?;
        let binaries = Binaries::find(home.version().as_deref())?;
        if home.version().is_none() {
            initialise(&home, &binaries, options)?;
        }

        let server = launch(&home, &binaries, options)?;
        await_answer(&home, &server)?;
        ensure_database(&home)?;
        Ok(Self { url: home.url(DATABASE), home, running: Some(Running { server, _owner: owner }) })
    }
}

impl Drop for ManagedPostgres {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Postgres {
    pub fn url(&self) -> &str {
        match self {
            Self::Started(postgres) => postgres.url(),
            Self::Joined(guest) => &guest.url,
        }
    }
}

/// A server whose latchkey has died: on Linux it is already ending, elsewhere it has to be told.
/// Its `postmaster.pid` is the last thing to go; one that stays is stale, and Postgres sees through it by itself.
fn end_leftover(home: &Home) -> Result<()> {
    if home.answers() {
        tracing::info!("waiting for the private Postgres of an earlier run to end");
        if let Some(pid) = home.postmaster() {
            server::interrupt(pid);
        }
    }

    if !within(PATIENCE, || !home.answers()) {
        bail!("an earlier Postgres is still running in {}", home.cluster().display());
    }
    within(Duration::from_secs(2), || !home.postmaster().is_some_and(server::is_alive));
    Ok(())
}

/// Makes the cluster under another name first, so that one which exists is complete.
///
/// Bytes decide the order, as everywhere else in the program; letters are those of Unicode, so that searching
/// knows an É from its é.
fn initialise(home: &Home, binaries: &Binaries, options: Options) -> Result<()> {
    let letters = if cfg!(target_os = "macos") { "en_US.UTF-8" } else { "C.UTF-8" };
    let unfinished = home.prepare_unfinished()?;

    let mut initdb = home.command(&binaries.initdb);
    initdb.args([
        "--username=latchkey",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C",
        "--no-instructions",
    ]);
    initdb.arg(format!("--lc-ctype={letters}")).arg("--pgdata").arg(&unfinished);
    if !options.durable {
        initdb.arg("--no-sync");
    }
    server::end_with_us(&mut initdb);

    let output =
        initdb.output().with_context(|| format!("could not run {}", binaries.initdb.display()))?;
    if !output.status.success() {
        bail!(
            "initdb could not make a database: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    home.finish(&unfinished)
}

fn launch(home: &Home, binaries: &Binaries, options: Options) -> Result<Server> {
    let settings: &[&str] = match options.durable {
        // A million keys with their indexes, so that pages of them are not copied in from the system again and again.
        // Few keys never fill it.
        true => &["shared_buffers=512MB"],
        false => &[
            "fsync=off",
            "synchronous_commit=off",
            "full_page_writes=off",
            "jit=off",
            "max_connections=300",
        ],
    };
    let common =
        ["listen_addresses=", "unix_socket_permissions=0700", "timezone=UTC", "log_timezone=UTC"];

    let mut postgres = home.command(&binaries.postgres);
    postgres.arg("-D").arg(home.cluster()).arg("-k").arg(home.socket()?).args(["-p", home::PORT]);
    for setting in common.iter().chain(settings) {
        postgres.args(["-c", setting]);
    }

    let log = home.log()?;
    postgres.stdout(log.try_clone()?).stderr(log);
    Server::launch(postgres)
        .with_context(|| format!("could not run {}", binaries.postgres.display()))
}

fn await_answer(home: &Home, server: &Server) -> Result<()> {
    let limit = Duration::from_secs(60);
    let answers = || PgConnection::establish(&home.url("postgres")).is_ok();
    within(limit, || server.has_ended() || answers());

    if server.has_ended() || !answers() {
        bail!("the private Postgres did not start; {} says why", home.log_path().display());
    }
    Ok(())
}

fn ensure_database(home: &Home) -> Result<()> {
    let mut conn = PgConnection::establish(&home.url("postgres"))?;
    let databases = "select 1 from pg_database where datname = 'latchkey'";
    if diesel::sql_query(databases).execute(&mut conn)? == 0 {
        diesel::sql_query("create database latchkey").execute(&mut conn)?;
    }
    Ok(())
}

/// Asks until the answer is yes, or it has taken too long.
fn within(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    loop {
        if done() {
            return true;
        }
        if began.elapsed() > limit {
            return false;
        }
        thread::sleep(Duration::from_millis(10));
    }
}
