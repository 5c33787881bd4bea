//! `latchkey preset …`

use std::fmt::Write;

use clap::Subcommand;

use super::{Answer, Database};
use crate::{
    config::Config,
    presets::{self, Applied, Outcome},
    users::Viewer,
};

#[derive(Subcommand)]
pub enum Preset {
    /// What there is to choose from
    List,
    /// Take over a preset's catalogue, environments and wording
    Apply {
        /// One of those that `preset list` shows
        name: String,
    },
}

pub fn run(command: &Preset) -> anyhow::Result<Answer> {
    match command {
        Preset::List => Ok(list()),
        Preset::Apply { name } => {
            let mut database = Database::open(&Config::from_env()?)?;
            let applied = database.write(|conn| presets::apply(conn, &Viewer::operator(), name))?;
            Ok(Answer::sentence(describe(&applied)))
        }
    }
}

fn list() -> Answer {
    let lines: Vec<String> = presets::list()
        .iter()
        .map(|preset| format!("{:12} {}", preset.slug, preset.summary))
        .collect();
    Answer::sentence(lines.join("\n"))
}

fn describe(applied: &Applied) -> String {
    let mut text = format!("The preset {} is in force.", applied.preset.slug);
    for (what, outcome) in [
        ("Environments", &applied.environments),
        ("Sections", &applied.sections),
        ("Permissions", &applied.permissions),
    ] {
        let Outcome { added, changed, removed, kept } = outcome;
        for (happened, slugs) in [
            ("added", added),
            ("changed", changed),
            ("removed", removed),
            ("kept, because they are in use", kept),
        ] {
            if !slugs.is_empty() {
                let _ = write!(text, "\n{what} {happened}: {}", slugs.join(", "));
            }
        }
    }
    text
}
