//! The edit form, and what happens when two people use it.

use askama::Template;
use chrono::{DateTime, Utc};

use super::create::chosen;
use crate::{
    environments::Environment,
    keys::{Choices, Key, KeyForm, narrowing::Narrowed, origins, policy, ranges, sketch::Sketch},
    web::{Layout, Moment, Problems},
};

/// The edit form.
#[derive(Template)]
#[template(path = "keys/edit.html")]
pub struct Edit {
    pub layout: Layout,
    pub key: Key,
    pub environment: Environment,
    pub form: KeyForm,
    pub errors: Problems,
    pub choices: Choices,
    /// It has expired: an administrator may let it live again.
    pub expired: bool,
    /// Slugs of permissions that are chosen besides those it holds, because somebody came here for them.
    pub added: Vec<String>,
}

impl Edit {
    /// The lifetimes on offer.
    pub fn lifetimes(&self) -> Vec<(i64, String)> {
        self.choices.lifetimes(Some(&self.environment))
    }

    /// What the environment says about expiry.
    pub fn policy(&self) -> Option<String> {
        let statement = policy::statement(&self.environment)?;
        let fits = policy::check_expiry(&self.environment, self.key.expires_at, self.choices.now);
        Some(match fits {
            Ok(()) => statement,
            Err(_) => {
                format!("{statement} This key may go on longer, until its expiry is changed.")
            }
        })
    }

    pub fn may_never_expire(&self) -> bool {
        self.environment.allows_never || self.key.expires_at.is_none()
    }
}

/// An edit takes away what was used: is that meant?
#[derive(Template)]
#[template(path = "keys/narrow.html")]
pub struct Narrow {
    pub layout: Layout,
    pub key: Key,
    pub form: KeyForm,
    pub narrowed: Narrowed,
}

/// Somebody saved the key while it was being edited.
#[derive(Template)]
#[template(path = "keys/conflict.html")]
pub struct Conflict {
    pub layout: Layout,
    pub key: Key,
    pub form: KeyForm,
    /// Who saved it, and when.
    pub saved_by: Option<(String, DateTime<Utc>)>,
    pub lines: Vec<Compared>,
}

impl Conflict {
    pub fn saved_at(&self) -> Option<Moment> {
        self.saved_by.as_ref().map(|(_, at)| Moment::seen_now(*at))
    }

    pub fn saver(&self) -> &str {
        self.saved_by.as_ref().map_or("Somebody", |(name, _)| name)
    }
}

/// A field of both versions.
pub struct Compared {
    pub field: &'static str,
    pub mine: String,
    pub saved: String,
}

impl Compared {
    pub fn differs(&self) -> bool {
        self.mine != self.saved
    }
}

/// The lines of a comparison.
pub fn compare(form: &KeyForm, saved: &KeyForm, choices: &Choices) -> Vec<Compared> {
    let line = |field, of: fn(&KeyForm, &Choices) -> String| Compared {
        field,
        mine: of(form, choices),
        saved: of(saved, choices),
    };
    vec![
        line("Name", |form, _| form.name.trim().to_owned()),
        line("Note", |form, _| form.note.trim().replace("\r\n", "\n")),
        line("Permissions", |form, choices| {
            chosen(form, choices).into_iter().map(|chip| chip.text).collect::<Vec<_>>().join(", ")
        }),
        line("Rate limits", |form, choices| {
            Sketch::of(form, choices).limit.unwrap_or_else(|| "No limit".into())
        }),
        line("Expires", |form, choices| {
            Sketch::of(form, choices).until.unwrap_or_else(|| "Never".into())
        }),
        line("Customers", |form, _| listed(&form.named_customers(), "All")),
        line("IP ranges", |form, _| ranges_in(&form.allowed_ips, "From anywhere")),
        line("Exceptions", |form, _| ranges_in(&form.excluded_ips, "None")),
        line("Origins", |form, _| {
            let origins = origins::parse_origins(&form.allowed_origins).unwrap_or_default();
            listed(&origins.iter().map(String::as_str).collect::<Vec<_>>(), "Any")
        }),
    ]
}

fn ranges_in(typed: &str, none: &str) -> String {
    let ranges = ranges::parse_ranges(typed).unwrap_or_default();
    let ranges: Vec<String> = ranges.iter().map(ToString::to_string).collect();
    listed(&ranges.iter().map(String::as_str).collect::<Vec<_>>(), none)
}

fn listed(words: &[&str], none: &str) -> String {
    if words.is_empty() { none.into() } else { words.join(", ") }
}
