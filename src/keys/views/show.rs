//! A key's own page.

use askama::Template;

use super::{Row, Usage};
use crate::{
    environments::Mode,
    keys::{
        history::Told,
        overlap::{Choice, OldSecret},
        queries::Restrictions,
    },
    leaks, logs,
    nodes::{self, Standing},
    notices,
    web::{Layout, Moment},
};

/// A key's own page.
#[derive(Template)]
#[template(path = "keys/show.html")]
pub struct Show {
    pub layout: Layout,
    pub row: Row,
    pub usage: Usage,
    pub history: Vec<Told>,
    pub restrictions: Restrictions,
    /// The catalogue's words for what the key holds.
    pub granted: Vec<Granted>,
    /// Secrets that were replaced and are still called with.
    pub old_secrets: Vec<OldSecret>,
    /// Which node applied the last change, if there was one lately.
    pub proof: Option<nodes::Proof>,
    /// What was reported as leaked and is open.
    pub leaks: Vec<leaks::Report>,
    /// What there was to notice about it lately.
    pub notices: Vec<notices::Shown>,
    /// The last ones within a day.
    pub requests: Vec<logs::Request>,
    /// What is wrong with the extension that was asked for.
    pub overlap_error: Option<&'static str>,
}

/// Which node applied the last change, asked again.
#[derive(Template)]
#[template(path = "keys/show/_proof_again.html")]
pub struct ProofAgain {
    pub public_key: String,
    pub proof: nodes::Proof,
}

/// A line of the permissions on a key's page.
pub enum Granted {
    Everything,
    Section { name: String, count: usize, retired: bool },
    Single { label: String, slug: String, access: &'static str, publishable: bool, retired: bool },
}

impl Show {
    /// The mode one is in, when the key is of the other.
    pub fn other_mode(&self) -> Option<Mode> {
        self.layout.viewer.mode_without(self.row.key.environment.mode())
    }

    /// Until when the old secret can go on, other than it does.
    pub fn extensions(&self, old: &OldSecret) -> Vec<Choice> {
        let mut choices = Choice::all(self.row.now, self.row.key.expires_at);
        choices.retain(|choice| choice.ends_at > old.ends_at);
        choices
    }

    /// How long ago the current secret was shown.
    pub fn secret_made(&self) -> Moment {
        Moment::new(self.row.key.secret.created_at, self.row.now)
    }
}
