//! A database for each spec, in a Postgres that lives and dies with this run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{
    LazyLock, Mutex, PoisonError,
    mpsc::{self, Receiver, Sender},
};
use std::thread;

use diesel::prelude::*;
use diesel_migrations::MigrationHarness;
use latchkey::db::MIGRATIONS;
use latchkey::managed_postgres::{self, ManagedPostgres, Options};
use rustix::process::{Pid, Signal};

/// A migrated database that nobody else uses. It is gone when this is dropped.
pub struct SpecDatabase {
    pub url: String,
    name: String,
    /// A server for this database alone, which may be frozen.
    alone: Option<Alone>,
}

impl SpecDatabase {
    /// A copy of the template, which takes some 25 ms; migrating each would take longer with every migration.
    pub fn create() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(1);
        let name = format!("spec_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        run(
            &RUN.url("postgres"),
            &format!("create database {name} template {TEMPLATE} strategy file_copy"),
        );
        Self { url: RUN.url(&name), name, alone: None }
    }

    /// In a Postgres of its own. It takes a second or two; only for what would harm other specs.
    pub fn create_alone() -> Self {
        let dir = scratch("alone");
        let postgres = managed_postgres::start(&dir, Options { durable: false })
            .expect("a Postgres for this spec");
        let url = postgres.url().to_owned();
        let mut conn = PgConnection::establish(&url).expect("it answers");
        conn.run_pending_migrations(MIGRATIONS).expect("migrations run on an empty database");
        Self { url, name: "latchkey".into(), alone: Some(Alone { postgres: Some(postgres), dir }) }
    }

    /// Stops every process of this database's own Postgres, without ending any, until what is returned is dropped.
    pub fn freeze(&self) -> Frozen {
        assert!(self.alone.is_some(), "others use this Postgres too");
        Frozen::the_server_of(&mut self.connect())
    }

    pub fn connect(&self) -> PgConnection {
        PgConnection::establish(&self.url).expect("a spec's database answers")
    }
}

impl Drop for SpecDatabase {
    fn drop(&mut self) {
        if self.alone.is_some() {
            return;
        }
        RUN.dropped.send(self.name.clone()).expect("somebody clears up until the run ends");
    }
}

struct Alone {
    postgres: Option<ManagedPostgres>,
    dir: PathBuf,
}

impl Drop for Alone {
    fn drop(&mut self) {
        drop(self.postgres.take());
        let _ = managed_postgres::remove(&self.dir);
    }
}

/// The processes of a Postgres that have been stopped. They go on when this is dropped, whatever became of the spec.
pub struct Frozen(Vec<Pid>);

impl Frozen {
    fn the_server_of(conn: &mut PgConnection) -> Self {
        #[derive(QueryableByName)]
        struct Directory {
            #[diesel(sql_type = diesel::sql_types::Text)]
            setting: String,
        }
        let ask = "select setting from pg_settings where name = 'data_directory'";
        let Directory { setting } =
            diesel::sql_query(ask).get_result(conn).expect("Postgres knows where it lives");
        let noted =
            fs::read_to_string(Path::new(&setting).join("postmaster.pid")).expect("it runs");
        let parent: i32 = noted.lines().next().and_then(|pid| pid.parse().ok()).expect("a number");
        let mut frozen = Self(Vec::new());
        frozen.stop(parent);
        // The parent makes no more of them now.
        for entry in fs::read_dir("/proc").expect("this is Linux").flatten() {
            let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
            let Some((_, rest)) = stat.rsplit_once(") ") else { continue };
            if rest.split(' ').nth(1) == Some(parent.to_string().as_str()) {
                let name = entry.file_name();
                frozen.stop(name.to_str().and_then(|pid| pid.parse().ok()).expect("a number"));
            }
        }
        frozen
    }

    fn stop(&mut self, pid: i32) {
        let pid = Pid::from_raw(pid).expect("a process has a number");
        rustix::process::kill_process(pid, Signal::STOP).expect("it is ours to stop");
        self.0.push(pid);
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        for pid in &self.0 {
            let _ = rustix::process::kill_process(*pid, Signal::CONT);
        }
    }
}

/// Everything of this run: made by the first spec that wants a database, taken away when the process exits.
/// A process that is killed leaves its directory (never its server), which the next run removes.
static RUN: LazyLock<Run> = LazyLock::new(Run::begin);

const TEMPLATE: &str = "template_latchkey";

struct Run {
    dir: PathBuf,
    url: String,
    postgres: Mutex<Option<ManagedPostgres>>,
    /// Names of databases that nobody needs any more.
    dropped: Sender<String>,
}

impl Run {
    fn begin() -> Self {
        remove_leftovers();

        let dir = in_memory("postgres").unwrap_or_else(|| scratch("postgres"));
        let postgres = managed_postgres::start(&dir, Options { durable: false })
            .expect("a Postgres for this run");
        let (dropped, drops) = mpsc::channel();
        let url = postgres.url().to_owned();
        let run = Self { dir, url, postgres: Mutex::new(Some(postgres)), dropped };
        run.make_template();
        let url = run.url("postgres");
        thread::spawn(move || drop_databases(&url, &drops));
        // SAFETY: `end` is a function of this program, which is still there when the program exits.
        unsafe { atexit(end) };
        run
    }

    fn url(&self, database: &str) -> String {
        self.url.replacen("latchkey", database, 1)
    }

    fn make_template(&self) {
        run(&self.url("postgres"), &format!("create database {TEMPLATE}"));
        let mut conn = PgConnection::establish(&self.url(TEMPLATE)).expect("the template answers");
        conn.run_pending_migrations(MIGRATIONS).expect("migrations run on an empty database");
    }
}

/// Postgres waits for whoever is still connected before it drops a database. No spec waits for Postgres then.
fn drop_databases(url: &str, names: &Receiver<String>) {
    let mut conn = PgConnection::establish(url).expect("the run's Postgres answers");
    for name in names {
        // The run may be over meanwhile, and its Postgres with it.
        let _ = diesel::sql_query(format!("drop database {name} with (force)")).execute(&mut conn);
    }
}

extern "C" fn end() {
    drop(RUN.postgres.lock().unwrap_or_else(PoisonError::into_inner).take());
    let _ = managed_postgres::remove(&RUN.dir);
    let _ = fs::remove_dir(scratches_in_memory()); // unless others are at work
}

unsafe extern "C" {
    fn atexit(end: extern "C" fn()) -> i32;
}

/// A path that nobody else has, for one of a `kind`. What a killed run leaves there, the next one removes.
pub fn scratch(kind: &str) -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(1);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    scratches().join(format!("{}-{kind}-{number}", process::id()))
}

fn scratches() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("specs")
}

/// Likewise in memory, where making and dropping hundreds of databases of hundreds of files takes half the time; if
/// there is enough of it.
fn in_memory(name: &str) -> Option<PathBuf> {
    const ENOUGH: u64 = 4 << 30;
    let free = rustix::fs::statvfs("/dev/shm").ok().map(|shm| shm.f_bavail * shm.f_frsize)?;
    let path = scratches_in_memory().join(format!("{}-{name}", process::id()));
    (free >= ENOUGH && fs::create_dir_all(&path).is_ok()).then_some(path)
}

/// Each checkout has its own: what stands in the way of one account is another's.
fn scratches_in_memory() -> PathBuf {
    let name = scratches().to_string_lossy().replace('/', "-");
    Path::new("/dev/shm").join(format!("latchkey{name}"))
}

fn remove_leftovers() {
    let left = [scratches(), scratches_in_memory()];
    for entry in left.iter().filter_map(|dir| fs::read_dir(dir).ok()).flatten().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.split('-').next()?.parse().ok());
        let owner = pid.and_then(Pid::from_raw);
        if owner.is_some_and(|pid| rustix::process::test_kill_process(pid).is_err()) {
            let _ = managed_postgres::remove(&entry.path());
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn run(url: &str, sql: &str) {
    let mut conn = PgConnection::establish(url).expect("the run's Postgres answers");
    diesel::sql_query(sql).execute(&mut conn).unwrap_or_else(|error| panic!("{sql}: {error}"));
}
