//! The command line: the same commands, rules and audit as the pages. Whoever has a shell here is the operator.
//!
//! | file | |
//! |---|---|
//! | `answer.rs` | what a command prints, for people or as JSON |
//! | `database.rs` | finding Postgres and bringing it up to date |
//! | `serve.rs` | the server, and what happens before its first start |
//! | `postgres.rs` | the private Postgres by itself |
//! | `check.rs` | what is unsafe or wrong in the configuration |
//! | the others | one noun each |

mod answer;
mod application;
mod audit;
mod check;
mod database;
mod demo;
mod gateway;
mod key;
mod key_flags;
mod postgres;
mod preset;
mod serve;
mod user;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{audit::guard, config::Config, error::AppError};

use answer::Answer;
use database::Database;

/// A self-hosted console for API keys, and the engine that verifies them.
#[derive(Parser)]
#[command(name = "latchkey", version, about, disable_help_subcommand = true)]
struct Cli {
    /// Without one, serves.
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the pages and the verification engine (the default)
    Serve(serve::Arguments),
    /// Bring the database up to date
    Migrate(MigrateArguments),
    /// Keep the private Postgres running, for several nodes on one machine; prints its DATABASE_URL
    Postgres,
    /// Say what is unsafe or wrong in the configuration; fails when something is wrong
    Check,
    /// Starting points: a catalogue, environments and wording
    #[command(subcommand)]
    Preset(preset::Preset),
    /// Fill in things to look at
    Demo(demo::Arguments),
    /// People
    #[command(subcommand)]
    User(user::User),
    /// What asks us to verify
    #[command(subcommand)]
    Gateway(gateway::Gateway),
    /// What keys belong to
    #[command(subcommand)]
    Application(application::Application),
    /// Keys
    #[command(subcommand)]
    Key(key::Key),
    /// The audit trail
    #[command(subcommand)]
    Audit(audit::Audit),
}

#[derive(clap::Args)]
struct MigrateArguments {
    /// Let this role of Postgres serve: it may use everything, but only add to the audit trail
    #[arg(long, value_name = "ROLE")]
    serve_as: Option<String>,
}

/// Does what the command line asks. Mistakes in it exit 2, everything else that goes wrong 1.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let answer = match cli.command.unwrap_or(Command::Serve(serve::Arguments::default())) {
        Command::Check => return check::run(),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Migrate(arguments) => migrate(&arguments),
        Command::Postgres => postgres::run(),
        Command::Preset(command) => preset::run(&command),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::User(command) => user::run(&command),
        Command::Gateway(command) => gateway::run(&command),
        Command::Application(command) => application::run(&command),
        Command::Key(command) => key::run(&command),
        Command::Audit(command) => audit::run(&command),
    };
    match answer.and_then(|answer| answer.print()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            answer::complain(&sentence(&error));
            ExitCode::FAILURE
        }
    }
}

fn migrate(arguments: &MigrateArguments) -> anyhow::Result<Answer> {
    let config = Config::from_env()?;
    let mut database = Database::open(&config)?;
    let mut text = match database.migrated.len() {
        0 => "The database is up to date.".to_owned(),
        1 => "1 migration was run.".to_owned(),
        count => format!("{count} migrations were run."),
    };
    if let Some(role) = &arguments.serve_as {
        database.write(|conn| guard::let_serve(conn, role))?;
        text.push_str(&format!(" The role {role} may serve, and only add to the audit trail."));
    }
    Ok(Answer::sentence(text))
}

/// The constraint that was violated, in words of its own.
fn named(error: AppError, constraint: &str, sentence: &str) -> anyhow::Error {
    if error.violates(constraint) { anyhow::anyhow!("{sentence}") } else { error.into() }
}

/// What went wrong and, for us who can see behind it, why; on one line.
fn sentence(error: &anyhow::Error) -> String {
    let parts: Vec<String> = error
        .chain()
        .map(|cause| cause.to_string().split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    let mut parts: Vec<&str> = parts
        .iter()
        .map(|part| part.trim_end_matches('.'))
        .filter(|part| !part.is_empty())
        .collect();
    parts.dedup();
    let line = parts.join(": ");
    if line.ends_with(['?', '!']) { line } else { line + "." }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_makes_sense() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_error_is_one_sentence() {
        let error = anyhow!("connection refused\n\tIs the server running?").context("No Postgres.");
        assert_eq!(sentence(&error), "No Postgres: connection refused Is the server running?");
        assert_eq!(sentence(&AppError::NotFound.into()), "There’s nothing here.");
    }
}
