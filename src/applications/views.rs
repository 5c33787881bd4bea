//! One struct per template.

use askama::Template;
use chrono::{DateTime, SecondsFormat, Utc};

use uuid::Uuid;

use super::{Application, files, forms::Form, queries::KeyCounts, secrets::Secrets};
use crate::{
    counted::Count,
    credentials::Secret,
    environments::Environment,
    keys::{Key, Status, Typed, WhoBreaks, spaced},
    web::{Day, Layout, Moment, Problems},
};

/// A row of the list.
pub struct Listed {
    pub application: Application,
    /// As far as the viewer sees keys.
    pub active_keys: Count,
}

#[derive(Template)]
#[template(path = "applications/index.html")]
pub struct Index {
    pub layout: Layout,
    pub applications: Vec<Listed>,
    pub archived: Vec<Listed>,
    pub show_archived: bool,
}

impl Index {
    /// The rows: archived ones last, when they are asked for.
    fn rows(&self) -> impl Iterator<Item = &Listed> {
        let archived = if self.show_archived { self.archived.as_slice() } else { &[] };
        self.applications.iter().chain(archived)
    }
}

#[derive(Template)]
#[template(path = "applications/show.html")]
pub struct Show {
    pub layout: Layout,
    pub application: Application,
    /// Its keys as far as the viewer sees them, by environment; of the mode one is in.
    pub counts: Vec<(Environment, KeyCounts)>,
    pub newest: Vec<Key>,
    /// For administrators.
    pub secrets: Option<Secrets>,
    pub has_vault: bool,
    /// Since when it may manage its own keys.
    pub manages_keys_since: Option<DateTime<Utc>>,
    pub now: DateTime<Utc>,
}

impl Show {
    fn active(&self) -> Count {
        self.counts.iter().map(|(_, counts)| counts.active).sum()
    }

    /// “About 740 000” at the beginning of a sentence.
    fn active_said(&self) -> String {
        let said = self.active().to_string();
        let mut letters = said.chars();
        letters
            .next()
            .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    }

    /// The statuses of which there are keys: how many, and where they are listed.
    fn by_status(&self, environment: &Environment, counts: &KeyCounts) -> Vec<Counted> {
        let all = [
            (Status::Active, counts.active),
            (Status::Inactive, counts.inactive),
            (Status::Expired, counts.expired),
            (Status::Revoked, counts.revoked),
        ];
        let keys = self.application.keys_address();
        all.into_iter()
            .filter(|(_, count)| !count.is_none())
            .map(|(status, count)| Counted {
                words: format!("{count} {}", status.label().to_lowercase()),
                address: format!(
                    "{keys}&environment={}&status={}",
                    environment.slug,
                    status.slug()
                ),
            })
            .collect()
    }
}

/// Keys of one environment and status.
pub struct Counted {
    /// “3 active”
    pub words: String,
    /// Of the list of them.
    pub address: String,
}

/// A new App Secret?
#[derive(Template)]
#[template(path = "applications/rotate.html", blocks = ["dialog"])]
pub struct Rotate {
    pub layout: Layout,
    pub application: Application,
}

impl Rotate {
    /// As the form sends it back.
    fn made(&self) -> String {
        self.application.secret_created_at.to_rfc3339_opts(SecondsFormat::Micros, true)
    }
}

/// Off the list?
#[derive(Template)]
#[template(path = "applications/archive.html", blocks = ["dialog"])]
pub struct Archive {
    pub layout: Layout,
    pub application: Application,
    /// Public key and name of some of the active keys, which keep it from being archived.
    pub in_the_way: Vec<(String, String)>,
    /// And how many there are.
    pub count: Count,
}

impl Archive {
    fn is_one(&self) -> bool {
        self.count.is_one()
    }

    fn count_said(&self) -> String {
        match self.count {
            Count::Exactly(count) => spaced(count),
            Count::About(count) | Count::MoreThan(count) => format!("More than {}", spaced(count)),
        }
    }

    /// How many are not named; `None`: all are.
    fn unnamed(&self) -> Option<String> {
        match self.count {
            Count::Exactly(count) => {
                let unnamed = count - self.in_the_way.len() as i64;
                (unnamed > 0).then(|| spaced(unnamed))
            }
            Count::About(_) | Count::MoreThan(_) => Some("many".into()),
        }
    }
}

#[derive(Template)]
#[template(path = "applications/new.html")]
pub struct New {
    pub layout: Layout,
    pub form: Form,
    pub problems: Problems,
}

#[derive(Template)]
#[template(path = "applications/edit.html")]
pub struct Edit {
    pub layout: Layout,
    pub application: Application,
    pub form: Form,
    pub problems: Problems,
}

/// The one page that shows the App Secret.
#[derive(Template)]
#[template(path = "applications/reveal.html")]
pub struct Reveal {
    pub layout: Layout,
    pub application: Application,
    pub secret: Secret,
    /// Whether it replaces another one.
    pub again: bool,
}

/// What keeping an application's secrets means, before it is switched on or off.
#[derive(Template)]
#[template(path = "applications/recovery.html", blocks = ["dialog"])]
pub struct Recovery {
    pub layout: Layout,
    pub application: Application,
    pub secrets: Secrets,
    /// It is about switching it on.
    pub keep: bool,
    pub has_vault: bool,
}

/// A key that a reset would stop.
pub struct Stopping {
    pub key: Key,
    /// Answered in the last 24 hours.
    pub requests: i64,
}

impl Stopping {
    pub fn requests_spaced(&self) -> String {
        spaced(self.requests)
    }

    pub fn last_used(&self) -> Option<Moment> {
        self.key.last_used_at.map(Moment::seen_now)
    }
}

/// Where there are keys to reset.
#[derive(Template)]
#[template(path = "applications/reset_which.html")]
pub struct ResetWhich {
    pub layout: Layout,
    pub places: Vec<(Application, Environment, Count)>,
}

/// What would stop working, and the password.
#[derive(Template)]
#[template(path = "applications/reset.html")]
pub struct Reset {
    pub layout: Layout,
    pub application: Application,
    pub environment: Environment,
    pub stopping: Vec<Stopping>,
    pub who: WhoBreaks,
    /// What has to be typed, if one of them was used within the last hour.
    pub typed: Option<Typed>,
    pub nonce: Uuid,
    pub problems: Problems,
}

/// The new secrets, once, together.
#[derive(Template)]
#[template(path = "applications/reset_done.html")]
pub struct ResetDone {
    pub layout: Layout,
    pub application: Application,
    pub environment: Environment,
    pub made: Vec<(Key, Secret)>,
    pub env: Secret,
    pub csv: Secret,
}

impl ResetDone {
    pub fn new(
        layout: Layout,
        application: Application,
        environment: Environment,
        made: Vec<(Key, Secret)>,
    ) -> Self {
        let (env, csv) = (files::env(&made), files::csv(&made));
        Self { layout, application, environment, made, env, csv }
    }

    /// What the files are called, without their ending: `storefront-production`.
    pub fn file_name(&self) -> String {
        let name: String = self
            .application
            .name
            .chars()
            .map(|character| {
                if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '-' }
            })
            .collect();
        format!("{}-{}", name.trim_matches('-'), self.environment.slug)
    }
}
