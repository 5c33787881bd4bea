//! `latchkey demo`

use std::time::Instant;

use clap::Args;

use super::{Answer, Database};
use crate::{config::Config, db, demo, users::Viewer};

#[derive(Args)]
pub struct Arguments {
    /// Add so many keys, quickly
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    keys: Option<u32>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
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
    demo::add_keys(database.conn(), &Viewer::operator(), count, || db::connect(&url))?;
    Ok(Answer::sentence(format!(
        "{count} keys were added in {:.1} s.",
        began.elapsed().as_secs_f64()
    )))
}
