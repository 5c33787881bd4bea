//! `latchkey serve`, and what happens before its first start.

use clap::Args;

use super::{Answer, answer::complain, database};
use crate::{
    config::Config,
    db, demo, durability, log, server,
    users::{
        Viewer,
        links::{self, Purpose},
        queries,
    },
};

#[derive(Args, Default)]
pub struct Arguments {
    /// Fill an empty installation with things to look at
    #[arg(long)]
    demo: bool,
}

/// Runs on the main thread: on Linux the private Postgres ends with the thread that started it.
pub fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let config = Config::from_env()?;
    log::begin(&config)?;
    let (url, _private) = database::locate(&config)?;
    prepare(&config, &url, arguments.demo)?;
    server::serve(config, &url, |address| complain(&format!("Latchkey answers at {address}")))?;
    Ok(Answer::silence())
}

/// Refuses a Postgres that may forget, migrates, and makes sure that somebody can sign in, or can make the first administrator.
fn prepare(config: &Config, url: &str, with_demo: bool) -> anyhow::Result<()> {
    let mut conn = db::connect(url)?;
    durability::insist(&mut conn, config)?;
    db::migrate(&mut conn)?;
    if with_demo {
        demo::fill(&mut conn, &Viewer::operator(), &config.data_dir)?;
    }
    if queries::is_anybody_here(&mut conn)? {
        if let Some(sign_ins) = demo::sign_ins(&config.data_dir) {
            complain(&sign_ins);
        }
        return Ok(());
    }
    let token = links::create(&mut conn, Purpose::Setup)?;
    let link = config.base_url().join(&links::setup_path(&token))?;
    complain(&format!("Nobody can sign in yet. Set Latchkey up here, within 24 hours:\n  {link}"));
    Ok(())
}
