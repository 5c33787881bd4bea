//! The log: one line an event, as text for people or JSON for programs, on standard error.

use std::io::{IsTerminal, stderr};

use anyhow::Context;
use tracing_subscriber::{EnvFilter, fmt};

use crate::config::Config;

/// Begins to log what the settings ask for.
///
/// # Errors
/// When `LATCHKEY_LOG` is not a filter.
pub fn begin(config: &Config) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&config.log)
        .context("LATCHKEY_LOG is not a filter such as info or latchkey=debug,info")?;
    let log = fmt()
        .with_env_filter(filter)
        .with_ansi(stderr().is_terminal())
        .with_writer(stderr)
        // It would be told on standard error, which has just failed: whoever logs would panic.
        .log_internal_errors(false);
    if config.log_json {
        log.json().flatten_event(true).init()
    } else {
        log.with_target(false).init()
    }
    Ok(())
}
