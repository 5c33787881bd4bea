//! `latchkey demo`

use std::{
    fs::OpenOptions,
    io::{Write, stdout},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Mutex,
    time::Instant,
};

use anyhow::Context;
use clap::Args;

use super::{Answer, Database, answer::complain};
use crate::{
    config::Config,
    db,
    demo::{self, Sink},
    users::Viewer,
};

#[derive(Args)]
pub struct Arguments {
    /// Add so many keys, quickly
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    keys: Option<u32>,
    /// Add keys that all work, and write their secrets to this new file (-: to standard output). A line each, with tabs
    /// between: secret, public key, environment, rate limit such as 100/s or -, scopes with blanks between
    #[arg(long, value_name = "FILE", requires = "keys")]
    secrets: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    // First of all: what cannot be written down must not be made.
    let secrets = arguments.secrets.as_deref().map(sink).transpose()?;
    let config = Config::from_env()?;
    let mut database = Database::open(&config)?;
    let filled = demo::fill(database.conn(), &Viewer::operator(), &config.data_dir)?;
    let Some(count) = arguments.keys else {
        return Ok(Answer::sentence(match (filled, demo::sign_ins(&config.data_dir)) {
            (true, Some(sign_ins)) => sign_ins,
            _ => "This installation is in use already, so nothing was filled in.".into(),
        }));
    };
    let began = Instant::now();
    let url = database.url().to_owned();
    let connect = || db::connect(&url);
    demo::add_keys(database.conn(), &Viewer::operator(), count, secrets.as_ref(), connect)?;
    let done = format!("{count} keys were added in {:.1} s.", began.elapsed().as_secs_f64());
    if arguments.secrets.as_deref().is_some_and(is_standard_output) {
        complain(&done);
        return Ok(Answer::silence());
    }
    Ok(Answer::sentence(done))
}

/// A file that only we can read, and that was not there before.
fn sink(path: &Path) -> anyhow::Result<Sink> {
    let sink: Box<dyn Write + Send> = if is_standard_output(path) {
        Box::new(stdout())
    } else {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        Box::new(file.with_context(|| format!("{} cannot be made", path.display()))?)
    };
    Ok(Mutex::new(sink))
}

fn is_standard_output(path: &Path) -> bool {
    path == Path::new("-")
}
