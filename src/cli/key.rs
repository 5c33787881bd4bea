//! `latchkey key …`

use std::collections::BTreeSet;

use chrono::{TimeDelta, Utc};
use clap::{Args, Subcommand};
use diesel::PgConnection;
use ipnet::IpNet;

use super::{
    Answer, Database,
    answer::{self, Field, Format},
    gateway::find_environment,
    key_flags::{Expiry, parse_ip, parse_rate, parse_web_origin},
    named,
};
use crate::{
    applications::{self, Application},
    config::Config,
    credentials::Secret,
    customers,
    error::{AppError, AppResult},
    keys::{
        Key as StoredKey, Limit, NewKey, Overlap, Permissions, check_ranges, commands, latest_end,
    },
    presets, scopes, settings, text,
    users::{Viewer, queries as people},
    vault::Vault,
};

#[derive(Subcommand)]
pub enum Key {
    /// Make a key; prints its credentials once
    Create(Box<Create>),
    /// Stop a key for the time being
    Disable { public_key: String },
    /// Let a disabled key work again
    Enable { public_key: String },
    /// End a key for good
    Revoke {
        public_key: String,
        /// For the record
        #[arg(long)]
        reason: Option<String>,
    },
    /// Give a key a new secret, which is printed once
    Regenerate {
        public_key: String,
        /// When the old secret stops, at the latest when the key expires: now, 15m, 1h, 24h or 7d
        #[arg(long, value_parser = Overlap::parse, default_value = "now")]
        overlap: Overlap,
        #[command(flatten)]
        format: Format,
    },
    /// Remove a key that is not active from the list
    Delete { public_key: String },
}

#[derive(Args)]
pub struct Create {
    /// App ID or exact name
    #[arg(long, value_name = "APP")]
    application: String,
    /// Where the key is good, for life
    #[arg(long, value_name = "SLUG")]
    environment: String,
    /// 1-100 characters
    #[arg(long)]
    name: String,
    /// For whoever reads it later
    #[arg(long, default_value = "")]
    note: String,
    /// A permission, spelled exactly; may be repeated
    #[arg(long, value_name = "SLUG")]
    scope: Vec<String>,
    /// A whole section, with what is added to it later; may be repeated
    #[arg(long, value_name = "SLUG")]
    section: Vec<String>,
    /// Everything there is and will be
    #[arg(long)]
    all_permissions: bool,
    /// At most so many requests per s, m, h or d, such as 100/s; may be repeated
    #[arg(long, value_parser = parse_rate)]
    rate: Vec<Limit>,
    /// 90d, a day such as 2027-01-31 (to its end, UTC), or never; otherwise the lifetime that the settings suggest,
    /// as far as the environment allows it
    #[arg(long, value_parser = Expiry::parse)]
    expires: Option<Expiry>,
    /// Only for this customer, who is added when not known yet; may be repeated
    #[arg(long, value_name = "ID")]
    customer: Vec<String>,
    /// Only from this address or range; may be repeated
    #[arg(long, value_parser = parse_ip, value_name = "CIDR")]
    allow_ip: Vec<IpNet>,
    /// Never from this address or range; may be repeated
    #[arg(long, value_parser = parse_ip, value_name = "CIDR")]
    except_ip: Vec<IpNet>,
    /// The public key alone only from pages of this web origin; may be repeated
    #[arg(long, value_parser = parse_web_origin, value_name = "ORIGIN")]
    allow_origin: Vec<String>,
    /// E-mail of the person whose key it is; the operator keeps it otherwise
    #[arg(long, value_name = "E-MAIL")]
    owner: Option<String>,
    #[command(flatten)]
    format: Format,
}

pub fn run(command: &Key) -> anyhow::Result<Answer> {
    let operator = Viewer::operator();
    if let Key::Create(flags) = command {
        flags.check()?;
    }
    let config = Config::from_env()?;
    let mut database = Database::open(&config)?;
    let vault = config.vault.as_ref();
    match command {
        Key::Create(flags) => {
            let (key, secret) =
                database.write(|conn| flags.create(conn, &operator, vault)).map_err(|error| {
                    let sentence = "Name is too similar to that of another key of the same owner, application and environment.";
                    named(error, "keys_name", sentence)
                })?;
            Ok(reveal(flags.format, &key, &secret))
        }
        Key::Regenerate { public_key, overlap, format } => {
            let (key, secret) = database.write(|conn| {
                let made = commands::regenerate(conn, &operator, public_key, None, *overlap)?;
                commands::keep(conn, vault, &made.0, &made.1)?;
                Ok(made)
            })?;
            Ok(reveal(*format, &key, &secret))
        }
        Key::Disable { public_key } => {
            state(database.write(|conn| commands::disable(conn, &operator, public_key))?)
        }
        Key::Enable { public_key } => {
            state(database.write(|conn| commands::enable(conn, &operator, public_key))?)
        }
        Key::Revoke { public_key, reason } => state(
            database
                .write(|conn| commands::revoke(conn, &operator, public_key, reason.as_deref()))?,
        ),
        Key::Delete { public_key } => {
            let key = database.write(|conn| commands::delete(conn, &operator, public_key))?;
            Ok(Answer::sentence(format!("{} is deleted.", key.public_key)))
        }
    }
}

/// In order, and nothing twice.
fn each_once<T: Ord + Clone>(given: &[T]) -> Vec<T> {
    given.iter().cloned().collect::<BTreeSet<T>>().into_iter().collect()
}

fn reveal(format: Format, key: &StoredKey, secret: &Secret) -> Answer {
    Answer::credentials(
        format,
        &[
            Field { label: "Public key", name: "public_key", value: &key.public_key },
            Field { label: "Secret key", name: "secret", value: secret.reveal() },
            Field {
                label: "Basic token",
                name: "basic",
                value: secret.basic_token(&key.public_key).reveal(),
            },
        ],
        "Keep the secret key now: it is not shown again.",
    )
}

fn state(key: StoredKey) -> anyhow::Result<Answer> {
    Ok(Answer::sentence(format!("{} is {}.", key.public_key, key.status(Utc::now()).label())))
}

impl Create {
    /// What can be said without a database.
    fn check(&self) -> AppResult<()> {
        if !self.all_permissions && self.section.is_empty() && self.scope.is_empty() {
            let sentence =
                "Choose at least one permission: --scope, --section or --all-permissions.";
            return Err(AppError::Unprocessable(sentence.into()));
        }
        let mut windows: Vec<i32> = self.rate.iter().map(|limit| limit.per_seconds).collect();
        windows.sort_unstable();
        if windows.windows(2).any(|pair| pair[0] == pair[1]) {
            let sentence = "Give one rate for each of second, minute, hour and day.";
            return Err(AppError::Unprocessable(sentence.into()));
        }
        Limit::check_together(&self.rate)
            .map_err(|(_, sentence)| AppError::Unprocessable(sentence))?;
        check_ranges(&self.allow_ip, &self.except_ip).map_err(AppError::Unprocessable)?;
        for range in self.allow_ip.iter().filter(|range| range.prefix_len() == 0) {
            answer::complain(&format!("Warning: {range} is everywhere, so it restricts nothing."));
        }
        Ok(())
    }

    fn create(
        &self,
        conn: &mut PgConnection,
        operator: &Viewer,
        vault: Option<&Vault>,
    ) -> AppResult<(StoredKey, Secret)> {
        presets::ensure_default(conn, operator)?;
        let environment = find_environment(conn, &self.environment)?;
        let now = Utc::now();
        let expires_at = match self.expires {
            Some(expiry) => expiry.at(now).map_err(AppError::Unprocessable)?,
            None => {
                let suggested =
                    now + TimeDelta::days(settings::load(conn)?.default_lifetime_days.into());
                Some(latest_end(&environment, now).map_or(suggested, |end| end.min(suggested)))
            }
        };
        let new = NewKey {
            name: text::parse_name("Name", &self.name, 100).map_err(AppError::Unprocessable)?,
            note: self.parse_note()?,
            application_id: self.find_application(conn, operator)?.id,
            environment_id: environment.id,
            owner_id: self.find_owner(conn)?,
            permissions: self.find_permissions(conn)?,
            limits: self.rate.clone(),
            expires_at,
            customers: self
                .customer
                .iter()
                .map(|id| Ok(customers::find_or_add(conn, operator, id)?.id))
                .collect::<AppResult<_>>()?,
            allowed_ips: each_once(&self.allow_ip),
            excluded_ips: each_once(&self.except_ip),
            allowed_origins: each_once(&self.allow_origin),
        };
        let (key, secret) = commands::create(conn, operator, &new)?;
        commands::keep(conn, vault, &key, &secret)?;
        Ok((key, secret))
    }

    fn parse_note(&self) -> AppResult<String> {
        let note = text::tidy(&self.note);
        if note.chars().count() > 500 || !text::is_showable_prose(&note) {
            let sentence = "Note must be at most 500 characters that can be shown.";
            return Err(AppError::Unprocessable(sentence.into()));
        }
        Ok(note)
    }

    fn find_application(
        &self,
        conn: &mut PgConnection,
        operator: &Viewer,
    ) -> AppResult<Application> {
        let by_id = applications::find(conn, operator, &self.application);
        let found = match by_id {
            Err(AppError::NotFound) => {
                applications::find_by_name(conn, operator, &self.application)
            }
            other => other,
        };
        found.map_err(|error| match error {
            AppError::NotFound => {
                let sentence = "There is no application with this App ID or name. Add one with: latchkey application add";
                AppError::Unprocessable(sentence.into())
            }
            other => other,
        })
    }

    fn find_owner(&self, conn: &mut PgConnection) -> AppResult<Option<i64>> {
        let Some(email) = &self.owner else { return Ok(None) };
        match people::find_by_email(conn, email)? {
            Some(user) => Ok(Some(user.id)),
            None => Err(AppError::Unprocessable("Nobody has the owner's e-mail.".into())),
        }
    }

    fn find_permissions(&self, conn: &mut PgConnection) -> AppResult<Permissions> {
        let unknown = |what: &str, slug: &str| {
            AppError::Unprocessable(format!(
                "The catalogue has no {what} {slug:?}; it has to be spelled exactly."
            ))
        };
        let mut chosen = Permissions { all: self.all_permissions, ..Permissions::default() };
        for slug in &self.section {
            let id = scopes::find_section(conn, slug)?.ok_or_else(|| unknown("section", slug))?;
            chosen.sections.push(id);
        }
        for slug in &self.scope {
            let permission = scopes::find(conn, slug)?.ok_or_else(|| unknown("scope", slug))?;
            // What a whole section holds anyway is not kept a second time.
            if !chosen.sections.contains(&permission.section_id) {
                chosen.permissions.push(permission.id);
            }
        }
        for ids in [&mut chosen.sections, &mut chosen.permissions] {
            ids.sort_unstable();
            ids.dedup();
        }
        Ok(chosen)
    }
}
