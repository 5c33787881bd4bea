//! `latchkey audit …`

use std::io::Write;

use anyhow::{Context, bail};
use chrono::SecondsFormat;
use clap::{Subcommand, ValueEnum};
use serde_json::json;

use super::{Answer, Database, answer::Format};
use crate::{
    audit::{
        COLUMNS, Everything,
        chain::{self, Hash},
        verify::{self, Report},
        write_piece,
    },
    config::Config,
    keys::spaced,
    users::Viewer,
    web::download::{self, Sheet},
};

#[derive(Subcommand)]
pub enum Audit {
    /// Go through the trail: was an event changed, put in or taken out, and which; fails when one was
    Verify {
        /// A hash that `audit head` printed, kept elsewhere since: everything up to it has to be as it was
        #[arg(long, value_name = "HASH")]
        head: Option<String>,
    },
    /// The number, time and hash of the last event, to be kept elsewhere
    Head {
        #[command(flatten)]
        format: Format,
    },
    /// Print all of the trail, newest first
    Export {
        #[arg(long, value_enum)]
        format: As,
    },
}

/// How the trail is printed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum As {
    Csv,
    Jsonl,
}

pub fn run(command: &Audit) -> anyhow::Result<Answer> {
    let config = Config::from_env()?;
    match command {
        Audit::Verify { head } => {
            let head = head.as_deref().map(parse_head).transpose()?;
            let mut database = Database::open(&config)?;
            tell(&verify::verify(database.conn(), head)?)
        }
        Audit::Head { format } => {
            let mut database = Database::open(&config)?;
            let head = chain::head(database.conn())?.context("nothing has happened yet")?;
            let at = head.at.to_rfc3339_opts(SecondsFormat::Micros, true);
            let hash = head.hash.to_string();
            Ok(Answer::sentence(if format.is_json() {
                json!({ "number": head.number, "at": at, "hash": hash }).to_string()
            } else {
                format!("{} {at} {hash}", head.number)
            }))
        }
        Audit::Export { format } => {
            let format = match format {
                As::Csv => download::Format::Csv,
                As::Jsonl => download::Format::JsonLines,
            };
            export(&mut Database::open(&config)?, format)
        }
    }
}

fn parse_head(typed: &str) -> anyhow::Result<Hash> {
    Hash::parse(typed)
        .context("--head is 64 hexadecimal digits, as latchkey audit head prints them")
}

fn tell(report: &Report) -> anyhow::Result<Answer> {
    let count = |events: i64| {
        if events == 1 { "1 event".to_owned() } else { format!("{} events", spaced(events)) }
    };
    if !report.faults.is_empty() {
        let mut lines: Vec<String> = report.faults.iter().map(ToString::to_string).collect();
        if report.has_more {
            lines.push("and more after that".into());
        }
        bail!("the trail is not as it was written. {}", lines.join(". "));
    }
    let Some((number, hash)) = report.end else {
        return Ok(Answer::sentence("The trail is empty."));
    };
    let anchored = match report.head_at {
        Some(at) if at == number => ", and ends with the head that was given".into(),
        Some(at) => format!(", and holds the head that was given, as event {at}"),
        None => String::new(),
    };
    Ok(Answer::sentence(format!(
        "{} in one chain, none of them changed{anchored}. The last is event {number}: {hash}",
        count(report.events)
    )))
}

fn export(database: &mut Database, format: download::Format) -> anyhow::Result<Answer> {
    let operator = Viewer::operator();
    let of = database.write(|conn| Everything::begin(conn, &operator, format))?;
    let mut out = std::io::stdout().lock();
    let (mut sheet, mut from) = (Sheet::new(format, COLUMNS), None);
    loop {
        let (written, next) = write_piece(database.conn(), &operator, &of, sheet, from)?;
        sheet = written;
        out.write_all(&sheet.take())?;
        if next.is_none() {
            out.flush()?;
            return Ok(Answer::silence());
        }
        from = next;
    }
}
