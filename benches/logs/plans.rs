//! What Postgres says it did, told by `auto_explain` in its log.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::PathBuf,
};

use anyhow::Result;
use diesel::connection::SimpleConnection;

use super::site::Site;

/// Where Postgres explains itself.
pub struct Explained(PathBuf);

/// From now on every new connection is explained; those there are end.
pub fn begin(site: &Site) -> Result<Explained> {
    let mut conn = site.connect()?;
    conn.batch_execute(
        "alter database latchkey set session_preload_libraries = 'auto_explain';
         alter database latchkey set auto_explain.log_min_duration = 0;
         alter database latchkey set auto_explain.log_analyze = on;
         alter database latchkey set auto_explain.log_buffers = on;
         select pg_terminate_backend(pid) from pg_stat_activity
             where application_name = 'latchkey' and pid <> pg_backend_pid()",
    )?;
    Ok(Explained(site.postgres_log()))
}

/// Prints the plan of the slowest question about the log since the last time, and forgets the rest.
pub fn print(explained: &Explained, name: &str) -> Result<()> {
    let mut log = File::open(&explained.0)?;
    let mut text = String::new();
    log.read_to_string(&mut text)?;
    File::options().write(true).open(&explained.0)?.set_len(0)?;
    log.seek(SeekFrom::Start(0))?;
    let plans: Vec<&str> = text
        .split("LOG:  duration: ")
        .skip(1)
        .filter(|plan| plan.contains("request_logs") && plan.contains("Limit"))
        .collect();
    let took = |plan: &&&str| {
        let millis = plan.split(' ').next().and_then(|millis| millis.parse::<f64>().ok());
        (millis.unwrap_or_default() * 1_000.0) as u64
    };
    println!("\n— {name}: {} questions; the slowest:", plans.len());
    if let Some(slowest) = plans.iter().max_by_key(took) {
        let lines = slowest.lines().filter(|line| !line.contains("never executed"));
        lines.take(40).for_each(|line| println!("  {line}"));
    }
    Ok(())
}
