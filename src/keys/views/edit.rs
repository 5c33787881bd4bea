//! The edit form, and what happens when two people use it.

use askama::Template;
use chrono::{DateTime, Utc};

use super::create::chosen;
use crate::{
    keys::{Choices, Key, KeyErrors, KeyForm, WINDOWS, sketch::Sketch},
    web::{Layout, Moment},
};

/// The edit form.
#[derive(Template)]
#[template(path = "keys/edit.html")]
pub struct Edit {
    pub layout: Layout,
    pub key: Key,
    pub form: KeyForm,
    pub errors: KeyErrors,
    pub choices: Choices,
    /// It has expired: an administrator may let it live again.
    pub expired: bool,
    /// How many rate limits it has, when the form can only show one of them.
    pub more_limits: usize,
}

impl Edit {
    pub fn windows(&self) -> [(i32, &'static str); 4] {
        WINDOWS
    }
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
        line("Rate limit", |form, choices| {
            Sketch::of(form, choices).limit.unwrap_or_else(|| "No limit".into())
        }),
        line("Expires", |form, choices| {
            Sketch::of(form, choices).until.unwrap_or_else(|| "Never".into())
        }),
    ]
}
