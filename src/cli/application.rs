//! `latchkey application …`

use clap::Subcommand;

use super::{
    Answer, Database,
    answer::{Field, Format},
    named,
};
use crate::{applications, config::Config, users::Viewer};

#[derive(Subcommand)]
pub enum Application {
    /// Add an application; prints its credentials once
    Add {
        /// 1-100 characters
        #[arg(long)]
        name: String,
        #[command(flatten)]
        format: Format,
    },
}

pub fn run(command: &Application) -> anyhow::Result<Answer> {
    let Application::Add { name, format } = command;
    let mut database = Database::open(&Config::from_env()?)?;
    let (application, secret) = database
        .write(|conn| applications::create(conn, &Viewer::operator(), name))
        .map_err(|error| {
            named(error, "applications_name", "Name is too similar to that of another application.")
        })?;
    Ok(Answer::credentials(
        *format,
        &[
            Field { label: "App ID", name: "app_id", value: &application.app_id },
            Field { label: "App Secret", name: "app_secret", value: secret.reveal() },
        ],
        "Keep the App Secret now: it is not shown again.",
    ))
}
