//! A key's own page.

use askama::Template;

use super::Row;
use crate::{
    environments::Mode,
    keys::{
        history::Told,
        overlap::{Choice, OldSecret},
        queries::Restrictions,
        spaced,
    },
    leaks, logs,
    nodes::{self, Standing},
    usage,
    web::{Layout, Moment},
};

/// A key's own page.
#[derive(Template)]
#[template(path = "keys/show.html")]
pub struct Show {
    pub layout: Layout,
    pub row: Row,
    pub days: Vec<usage::Day>,
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

    pub fn valid(&self) -> String {
        spaced(self.days.iter().map(|day| day.valid).sum())
    }

    pub fn refused(&self) -> String {
        spaced(self.days.iter().map(|day| day.refused).sum())
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

    /// 7 Nov
    pub fn first_day(&self) -> String {
        self.days.first().map(|day| day.date.format("%-d %b").to_string()).unwrap_or_default()
    }

    pub fn has_traffic(&self) -> bool {
        self.days.iter().any(|day| day.valid + day.refused > 0)
    }

    /// The bars of the chart: what a day is called, and where its two rectangles stand, in a box of 560 × 120.
    pub fn bars(&self) -> Vec<Bar> {
        let most =
            self.days.iter().map(|day| day.valid + day.refused).max().unwrap_or(0).max(1) as f64;
        let height =
            |count: i64| if count == 0 { 0.0 } else { (count as f64 / most * 112.0).max(1.5) };
        let width = 560.0 / self.days.len().max(1) as f64;
        self.days
            .iter()
            .enumerate()
            .map(|(at, day)| {
                let (valid, refused) = (height(day.valid), height(day.refused));
                let x = at as f64 * width + width * 0.15;
                let refused_y =
                    120.0 - valid - refused - if valid > 0.0 && refused > 0.0 { 1.5 } else { 0.0 };
                Bar {
                    title: format!(
                        "{}: {} allowed, {} refused",
                        day.date.format("%-d %B"),
                        spaced(day.valid),
                        spaced(day.refused)
                    ),
                    x: format!("{x:.1}"),
                    width: format!("{:.1}", width * 0.7),
                    valid: (day.valid > 0)
                        .then(|| (format!("{:.1}", 120.0 - valid), format!("{valid:.1}"))),
                    refused: (day.refused > 0)
                        .then(|| (format!("{refused_y:.1}"), format!("{refused:.1}"))),
                }
            })
            .collect()
    }
}

/// A day of the chart, in the chart's own units.
pub struct Bar {
    pub title: String,
    pub x: String,
    pub width: String,
    /// Top and height.
    pub valid: Option<(String, String)>,
    pub refused: Option<(String, String)>,
}
