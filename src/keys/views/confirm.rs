//! Are you sure?

use askama::Template;

use crate::{
    keys::{Key, acts::Act, spaced},
    web::{Layout, Moment},
};

/// Are you sure?
pub struct Question {
    pub key: Key,
    pub act: Act,
    /// Answered in the last 24 hours.
    pub recent: i64,
    /// The act changes a row of the list that is behind the dialog.
    pub from_list: bool,
    pub error: Option<String>,
    pub reason: String,
}

impl Question {
    pub fn recent_spaced(&self) -> String {
        spaced(self.recent)
    }

    pub fn last_used(&self) -> Option<Moment> {
        self.key.last_used_at.map(Moment::seen_now)
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
