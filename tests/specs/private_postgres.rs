//! The Postgres that the program starts for itself.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use diesel::prelude::*;
use diesel::sql_types::Text;
use latchkey::managed_postgres::{self, ManagedPostgres, Options, Postgres};

use crate::support::database::{SpecDatabase, scratch};

#[test]
fn its_data_is_there_again_at_the_next_start() {
    let place = Place::new();
    let mut postgres = place.start();
    run(postgres.url(), "create table kept as select 'here' as word");
    postgres.stop();
    postgres.stop();
    assert!(PgConnection::establish(postgres.url()).is_err());

    assert_eq!(word(place.start().url(), "select word from kept"), "here");
}

#[test]
fn it_knows_letters_beyond_ascii_and_has_trigrams() {
    let database = SpecDatabase::create();
    assert_eq!(word(&database.url, "select lower('ÉCOLE') as word"), "école");
    run(&database.url, "create extension if not exists pg_trgm");
}

#[test]
fn each_spec_has_a_migrated_database_of_its_own() {
    let (one, other) = (SpecDatabase::create(), SpecDatabase::create());
    run(&one.url, "create table only_here ()");
    assert!(diesel::sql_query("select * from only_here").execute(&mut other.connect()).is_err());
    run(&other.url, "select * from __diesel_schema_migrations");
}

#[test]
fn it_is_for_one_process_at_a_time_and_the_next_one_waits() {
    let place = Place::new();
    let mut first = place.start();
    assert!(managed_postgres::remove(&place.dir).unwrap_err().to_string().contains("is in use"));

    thread::scope(|scope| {
        let second = scope.spawn(|| place.start());
        run(first.url(), "create table kept as select 'here' as word");
        first.stop();
        let second = second.join().unwrap();
        assert_eq!(word(second.url(), "select word from kept"), "here");
    });
}

#[test]
fn a_command_uses_the_one_that_is_running_and_starts_it_when_none_is() {
    let place = Place::new();
    let alone = place.connect();
    assert!(matches!(alone, Postgres::Started(_)));
    run(alone.url(), "create table kept as select 'here' as word");

    let guest = place.connect();
    assert!(matches!(guest, Postgres::Joined(_)));
    assert_eq!(word(guest.url(), "select word from kept"), "here");
}

#[test]
fn it_waits_a_moment_for_the_commands_that_use_it() {
    let place = Place::new();
    let mut postgres = place.start();
    let guest = place.connect();
    let command =
        thread::spawn(move || word(guest.url(), "select 'done' as word from pg_sleep(0.5)"));
    postgres.stop();
    assert_eq!(command.join().expect("the command was not cut off"), "done");
}

#[test]
fn it_outlives_the_thread_that_started_it() {
    let place = Place::new();
    let postgres = thread::scope(|scope| scope.spawn(|| place.start()).join()).unwrap();
    thread::sleep(Duration::from_millis(300));
    run(postgres.url(), "select 1");
}

#[test]
fn it_can_live_where_a_socket_could_not() {
    let place = Place::at(&"deep/".repeat(30));
    let postgres = place.start();
    run(postgres.url(), "select 1");
    assert!(postgres.url().len() < 200, "{}", postgres.url());
}

#[test]
fn a_process_that_is_killed_takes_its_server_along() {
    let place = Place::new();
    let (mut process, url) = place.another_process();
    run(&url, "create table kept as select 'here' as word");
    process.kill().unwrap();
    process.wait().unwrap();

    if cfg!(target_os = "linux") {
        eventually(|| PgConnection::establish(&url).is_err());
    }
    assert_eq!(word(place.start().url(), "select word from kept"), "here");
}

#[test]
fn a_command_joins_the_server_of_another_process() {
    let place = Place::new();
    let (mut process, url) = place.another_process();
    let guest = place.connect();
    assert!(matches!(guest, Postgres::Joined(_)));
    assert_eq!(guest.url(), url);
    process.kill().unwrap();
    process.wait().unwrap();
}

/// Not a promise but the other process: it runs a Postgres in the directory it is told, and says where.
#[test]
fn another_process() {
    let Some(dir) = env::var_os("POSTGRES_OF_ANOTHER_PROCESS") else { return };
    let postgres = managed_postgres::start(Path::new(&dir), Options { durable: false }).unwrap();
    println!("\nserving {}", postgres.url());
    thread::sleep(Duration::from_secs(60));
}

/// A directory for a private Postgres, gone at the end of the spec.
struct Place {
    root: PathBuf,
    dir: PathBuf,
}

impl Place {
    fn new() -> Self {
        Self::at("")
    }

    fn at(path: &str) -> Self {
        let root = scratch("place");
        Self { dir: root.join(path), root }
    }

    fn start(&self) -> ManagedPostgres {
        managed_postgres::start(&self.dir, Options { durable: false }).unwrap()
    }

    fn connect(&self) -> Postgres {
        managed_postgres::connect_or_start(&self.dir, Options { durable: false }).unwrap()
    }

    fn another_process(&self) -> (Child, String) {
        let mut process = Command::new(env::current_exe().unwrap())
            .args(["--exact", "private_postgres::another_process", "--nocapture"])
            .env("POSTGRES_OF_ANOTHER_PROCESS", &self.dir)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(process.stdout.take().unwrap()).lines();
        let url = said
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("serving ").map(str::to_owned));
        (process, url.expect("the other process says where it serves"))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = managed_postgres::remove(&self.dir);
        let _ = fs::remove_dir_all(&self.root);
    }
}

#[derive(QueryableByName)]
struct Word {
    #[diesel(sql_type = Text)]
    word: String,
}

fn word(url: &str, sql: &str) -> String {
    let mut conn = PgConnection::establish(url).unwrap();
    diesel::sql_query(sql).get_result::<Word>(&mut conn).unwrap().word
}

fn run(url: &str, sql: &str) {
    let mut conn = PgConnection::establish(url).unwrap();
    diesel::sql_query(sql).execute(&mut conn).unwrap();
}

#[track_caller]
fn eventually(mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(10), "it never came true");
        thread::sleep(Duration::from_millis(20));
    }
}
