//! `latchkey postgres`: the private Postgres by itself, for several nodes on one machine. Kept by a node, it would end
//! with that node.

use anyhow::bail;

use super::{Answer, database};
use crate::{config::Config, db, log, server};

pub fn run() -> anyhow::Result<Answer> {
    let config = Config::from_env()?;
    log::begin(&config)?;
    if config.database_url.is_some() {
        bail!("DATABASE_URL names a Postgres already; there is nothing to run");
    }
    let (url, _private) = database::locate(&config)?;
    db::migrate(&mut db::connect(&url)?)?;
    Answer::sentence(format!("DATABASE_URL={url}")).print()?;
    server::until_asked_to_end();
    Ok(Answer::silence())
}
