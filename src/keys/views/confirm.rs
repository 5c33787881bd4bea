//! Are you sure?

use askama::Template;
use chrono::Utc;
use diesel::PgConnection;

use crate::{
    error::AppResult,
    keys::{
        Key,
        acts::Act,
        overlap::{Choice, OldSecret, Overlap, overlap_of, spell},
        who_breaks::{Typed, WhoBreaks},
    },
    web::Layout,
};

/// Are you sure?
pub struct Question {
    pub key: Key,
    pub act: Act,
    pub who: WhoBreaks,
    /// What has to be typed, if it was used within the last hour.
    pub typed: Option<Typed>,
    /// The act changes a row of the list that is behind the dialog.
    pub from_list: bool,
    pub error: Option<String>,
    pub reason: String,
    /// For a regeneration: when the old secret may stop.
    pub overlaps: Option<Overlaps>,
}

/// When the old secret may stop.
pub struct Overlaps {
    pub choices: Vec<Choice>,
    /// An older secret works until then, from a regeneration before this one.
    pub older: Option<String>,
    pub error: Option<String>,
}

impl Overlaps {
    /// What this key can be offered.
    ///
    /// # Errors
    /// When Postgres cannot be asked.
    pub fn of(conn: &mut PgConnection, key: &Key) -> AppResult<Self> {
        let now = Utc::now();
        let older = overlap_of(conn, key.id, now)?.map(spell);
        Ok(Self { choices: Choice::all(now, key.expires_at), older, error: None })
    }
}

impl Question {
    /// Why something has to be typed.
    pub fn typed_help(&self) -> &'static str {
        if self.act.is_regenerate() {
            "The key’s name, because it was used within the last hour. Needed only where the old secret stops at once."
        } else {
            "The key’s name, because it was used within the last hour."
        }
    }
}

/// As a dialog over the page.
#[derive(Template)]
#[template(path = "keys/_confirm.html")]
pub struct ConfirmDialog {
    pub question: Question,
}

/// As a page of its own.
#[derive(Template)]
#[template(path = "keys/confirm.html")]
pub struct ConfirmPage {
    pub layout: Layout,
    pub question: Question,
}

/// Is the old secret to stop now?
#[derive(Template)]
#[template(path = "keys/finish.html", blocks = ["dialog"])]
pub struct Finish {
    pub layout: Layout,
    pub key: Key,
    /// `None`: it has stopped by itself meanwhile.
    pub old: Option<OldSecret>,
}
