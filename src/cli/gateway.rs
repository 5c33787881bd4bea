//! `latchkey gateway …`

use clap::Subcommand;

use super::{
    Answer, Database,
    answer::{Field, Format},
    named,
};
use crate::{
    config::Config,
    environments::{self, Environment},
    error::{AppError, AppResult},
    gateways, presets,
    users::Viewer,
};

#[derive(Subcommand)]
pub enum Gateway {
    /// Add a gateway; prints its token once
    Add {
        /// 1-100 characters
        #[arg(long)]
        name: String,
        /// The environment of every question it asks
        #[arg(long, value_name = "SLUG")]
        environment: String,
        #[command(flatten)]
        format: Format,
    },
}

pub fn run(command: &Gateway) -> anyhow::Result<Answer> {
    let Gateway::Add { name, environment, format } = command;
    let mut database = Database::open(&Config::from_env()?)?;
    let operator = Viewer::operator();
    let (_, token) = database
        .write(|conn| {
            presets::ensure_default(conn, &operator)?;
            let environment = find_environment(conn, environment)?;
            gateways::create(conn, &operator, name, environment.id)
        })
        .map_err(|error| {
            let sentence = "Name is too similar to that of another gateway of this environment.";
            named(error, "gateways_name", sentence)
        })?;
    Ok(Answer::credentials(
        *format,
        &[Field { label: "Token", name: "token", value: token.reveal() }],
        "Keep the token now: it is not shown again.",
    ))
}

/// The environment of that slug, or the sentence that lists those there are.
pub fn find_environment(conn: &mut diesel::PgConnection, slug: &str) -> AppResult<Environment> {
    if let Some(environment) = environments::find_by_slug(conn, slug)? {
        return Ok(environment);
    }
    let known: Vec<String> =
        environments::list(conn)?.into_iter().map(|environment| environment.slug).collect();
    Err(AppError::Unprocessable(format!(
        "There is no such environment. Choose one of {}.",
        known.join(", ")
    )))
}
