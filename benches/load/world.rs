//! An installation of its own for the time of the benchmark: Postgres, keys, gateways, and what was counted.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use diesel::{
    Connection, PgConnection, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{BigInt, Text},
};
use latchkey::managed_postgres::{self, ManagedPostgres, Options};
use serde_json::Value;

use crate::{
    process::{self, Server},
    requests::{Pool, Requests},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_latchkey");

/// Everything in it is gone when this is dropped.
pub struct World {
    conn: PgConnection,
    url: String,
    _postgres: ManagedPostgres,
    dir: Dir,
    logs_accepted: Option<bool>,
}

struct Dir(PathBuf);

impl Dir {
    /// What an interrupted run has left goes first.
    fn make(path: PathBuf) -> anyhow::Result<Self> {
        managed_postgres::remove(&path.join("postgres"))?;
        if path.exists() {
            fs::remove_dir_all(&path)?;
        }
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = managed_postgres::remove(&self.0.join("postgres"));
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// What the pages would say of a key.
#[derive(QueryableByName)]
pub struct Counted {
    #[diesel(sql_type = Text)]
    pub public_key: String,
    #[diesel(sql_type = Text)]
    pub code: String,
    #[diesel(sql_type = BigInt)]
    pub requests: i64,
}

/// What the request log has of one kind of answers.
#[derive(QueryableByName)]
pub struct Logged {
    /// `accepted`, `refused`, `unknown`; or why else something is missing.
    #[diesel(sql_type = Text)]
    pub kind: String,
    #[diesel(sql_type = BigInt)]
    pub rows: i64,
    /// As many requests as the rows stand for.
    #[diesel(sql_type = BigInt)]
    pub stand_for: i64,
    /// As many as the log says it left out.
    #[diesel(sql_type = BigInt)]
    pub missing: i64,
}

impl World {
    /// Postgres without keys. On the main thread: it ends with the thread that started it.
    pub fn make() -> anyhow::Result<Self> {
        let dir = Dir::make(Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench"))?;
        let postgres = managed_postgres::start(&dir.0.join("postgres"), Options::default())?;
        let url = postgres.url().to_owned();
        let conn = PgConnection::establish(&url)?;
        Ok(Self { conn, url, _postgres: postgres, dir, logs_accepted: None })
    }

    /// So many keys that work, and some with limits.
    pub fn add_keys(&mut self, count: usize) -> anyhow::Result<Pool> {
        let file = self.dir.0.join("secrets.tsv");
        // One in ten is limited.
        let made = (count * 23 / 20 + 100).to_string();
        self.latchkey(&["demo", "--keys", &made, "--secrets", &file.to_string_lossy()])?;
        let pool = Pool::read(&file)?;
        fs::remove_file(&file)?;
        self.run("checkpoint")?;
        Ok(pool)
    }

    /// A gateway for each environment of the pool.
    pub fn add_gateways(&self, pool: &Pool) -> anyhow::Result<Requests> {
        let mut tokens = Vec::new();
        for slug in &pool.environments {
            let add = ["gateway", "add", "--name", "Benchmark", "--environment", slug, "--json"];
            let made: Value = serde_json::from_str(&self.latchkey(&add)?)?;
            tokens.push(made["token"].as_str().context("there is no token")?.to_owned());
        }
        Ok(Requests::new(&tokens))
    }

    /// A server of ours, which begins with nothing in memory.
    pub fn start(&self, name: &str, settings: &[(&str, &str)]) -> anyhow::Result<Server> {
        let mut command = process::pinned(Path::new(PROGRAM));
        command
            .arg("serve")
            .env("DATABASE_URL", &self.url)
            .env("LATCHKEY_DATA_DIR", self.dir.0.join(name))
            .env("LATCHKEY_TRUSTED_PROXIES", "127.0.0.1/32")
            .envs(settings.iter().copied());
        Server::start(command, "LATCHKEY_LISTEN", "/readyz", &self.log(name))
    }

    /// Where a server writes its log.
    pub fn log(&self, name: &str) -> PathBuf {
        self.dir.0.join(format!("{name}.log"))
    }

    /// Waits until what the last round has left to be written is written, and what it has left in the journal is added:
    /// it is not the next round's.
    pub fn settle(&mut self) -> anyhow::Result<()> {
        const BUSY: &str = "select count(*) as number from pg_stat_activity \
            where backend_type = 'client backend' and state <> 'idle' and pid <> pg_backend_pid()";
        const LEFT: &str = "select count(*) as number from usage_journal";
        // The writer wakes once a second.
        thread::sleep(Duration::from_millis(1050));
        let began = Instant::now();
        let mut quiet = 0;
        while quiet < 5 && began.elapsed() < Duration::from_secs(60) {
            self.run("update usage_journal set due_at = now() where due_at > now()")?;
            let is_quiet = self.number(LEFT)? == 0 && self.number(BUSY)? == 0;
            quiet = if is_quiet { quiet + 1 } else { 0 };
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Whether accepted requests go into the request log from now on. Servers look every five seconds.
    pub fn log_accepted(&mut self, yes: bool) -> anyhow::Result<()> {
        if self.logs_accepted.replace(yes) != Some(yes) {
            self.run(&format!("update settings set logs_accepted = {yes}"))?;
            thread::sleep(Duration::from_secs(6));
        }
        Ok(())
    }

    /// The database's clock, in microseconds.
    pub fn clock(&mut self) -> anyhow::Result<i64> {
        self.number("select (extract(epoch from clock_timestamp()) * 1e6)::bigint as number")
    }

    /// On how many connections a secret has been looked up since then. What a connection did last is known at once,
    /// while the statistics of Postgres come late.
    pub fn look_ups_since(&mut self, clock: i64) -> anyhow::Result<i64> {
        self.number(&format!(
            "select count(*) as number from pg_stat_activity where pid <> pg_backend_pid() \
             and query_start > to_timestamp({clock} / 1e6) and query like '%key_secrets%'"
        ))
    }

    /// What the servers have counted, by key and verdict.
    pub fn counted(&mut self) -> anyhow::Result<Vec<Counted>> {
        let counted = sql_query(
            "select public_key, code, sum(requests)::bigint as requests \
             from (select key_id, code, requests from usage_counts union all \
                select one.key_id, code, one.requests from usage_journal, \
                    unnest(key_ids, requests) as one (key_id, requests)) counted \
             join keys on keys.id = key_id group by public_key, code",
        );
        Ok(counted.load(&mut self.conn)?)
    }

    /// Takes what the demo has written into the request log out of it.
    pub fn empty_log(&mut self) -> anyhow::Result<()> {
        self.run("truncate request_logs, request_log_gaps")
    }

    /// What the request log says it has, and what it has not.
    pub fn logged(&mut self) -> anyhow::Result<Vec<Logged>> {
        let query = "select kind, sum(rows)::bigint as rows, sum(stand_for)::bigint as stand_for, \
                sum(missing)::bigint as missing \
            from (select case when code = 'VALID' then 'accepted' when key_id is null then 'unknown' \
                    else 'refused' end as kind, 1 as rows, stands_for as stand_for, 0 as missing from request_logs \
                union all select reason, 0, 0, requests from request_log_gaps) as logged \
            group by 1 order by 1";
        Ok(sql_query(query).load(&mut self.conn)?)
    }

    fn number(&mut self, query: &str) -> anyhow::Result<i64> {
        Ok(sql_query(query).get_result::<Number>(&mut self.conn)?.number)
    }

    fn run(&mut self, statement: &str) -> anyhow::Result<()> {
        sql_query(statement).execute(&mut self.conn)?;
        Ok(())
    }

    fn latchkey(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = Command::new(PROGRAM)
            .args(arguments)
            .env("DATABASE_URL", &self.url)
            .env("LATCHKEY_DATA_DIR", self.dir.0.join("data"))
            .output()?;
        if !output.status.success() {
            bail!("latchkey {}: {}", arguments[0], String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8(output.stdout)?)
    }
}

/// What was sent to our servers: how often each key was accepted, and how often one was refused.
pub struct Sent {
    pub valid: Vec<u64>,
    pub refused: u64,
}

impl Sent {
    /// By how many requests the counts differ from it, key by key.
    pub fn differs(&self, pool: &Pool, counted: &[Counted]) -> u64 {
        let places: HashMap<&str, usize> =
            (0..pool.len()).map(|place| (pool.public_key(place), place)).collect();
        let (mut left, mut refused, mut off) = (self.valid.clone(), 0, 0);
        for Counted { public_key, code, requests } in counted {
            let Some(place) = places.get(public_key.as_str()) else { continue };
            let requests = requests.unsigned_abs();
            if code == "VALID" {
                off += std::mem::take(&mut left[*place]).abs_diff(requests);
            } else {
                refused += requests;
            }
        }
        off + left.iter().sum::<u64>() + self.refused.abs_diff(refused)
    }
}
