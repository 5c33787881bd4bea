//! What happened to a key lately: a picture, the same as a table, and who it was.

use askama::Template;
use chrono::{DateTime, Utc};

use crate::{
    keys::spaced,
    usage::{Chart, Range, Series, Tops, Use},
    web::{Moment, time::exact},
};

/// The picture, in its own units.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 120.0;

/// The panel of a key's page.
pub struct Usage {
    pub public_key: String,
    pub chart: Chart,
    pub tops: Tops,
    /// The name of the zone the viewer chose.
    pub zone: String,
    /// Accepted requests are not logged, so nobody knows who made them.
    pub is_unlogged: bool,
}

/// The panel by itself, in another range.
#[derive(Template)]
#[template(path = "keys/show/_usage_again.html")]
pub struct UsageAgain {
    pub usage: Usage,
}

/// How the requests with one verdict are told from the others: by a word, a colour and a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    pub label: &'static str,
    /// In style sheets, and of its pattern.
    pub slug: &'static str,
    /// The lines of the pattern in a box of 6 × 6; empty: none.
    pub lines: &'static str,
}

/// What requests with that verdict look like, in every picture.
pub fn look_of(code: &str) -> Look {
    let look = |label, slug, lines| Look { label, slug, lines };
    match code {
        "VALID" => look("Allowed", "allowed", ""),
        "RATE_LIMITED" => look("Over its limit", "limited", "M-1 1l2-2M0 6l6-6M5 7l2-2"),
        "INSUFFICIENT_SCOPE" => look("Permission missing", "permission", ""),
        "EXPIRED" => look("Expired", "expired", "M1 1h1M4 4h1"),
        "SECRET_REPLACED" => look("Replaced secret", "replaced", "M0 1h6M0 4h6"),
        "REVOKED" => look("Revoked", "revoked", "M0 0l6 6M0 6l6-6"),
        "DISABLED" => look("Disabled", "disabled", "M-1 5l2 2M0 0l6 6M5-1l2 2"),
        "IP_NOT_ALLOWED" => look("Address not allowed", "address", "M1 0v6M4 0v6"),
        "CUSTOMER_NOT_ALLOWED" => look("Customer not allowed", "customer", "M0 3h6M3 0v6"),
        "WRONG_ENVIRONMENT" => look("Wrong environment", "environment", "M0 3h3v3M3 3h3"),
        _ => look("Refused", "other", ""),
    }
}

/// An entry of the legend, and the head of a column.
pub struct Entry {
    pub code: String,
    pub look: Look,
    /// “Over its limit”; of a verdict that is new here, its code.
    pub label: String,
    pub total: String,
}

/// A rectangle of the picture.
pub struct Bar {
    pub look: Look,
    pub x: String,
    pub y: String,
    pub width: String,
    pub height: String,
}

/// A piece of the range: a line of the table.
pub struct Piece {
    pub at: DateTime<Utc>,
    pub label: String,
    /// As in the legend, for programs and for people.
    pub counts: Vec<(i64, String)>,
}

impl Piece {
    /// For programs.
    pub fn utc(&self) -> String {
        self.at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// “29 November 2026, 15:00:00 CET (14:00:00 UTC)”
    pub fn exact(&self) -> String {
        exact(self.at)
    }
}

impl Usage {
    pub fn range(&self) -> Range {
        self.chart.pieces.range
    }

    pub fn address_of(&self, range: &Range) -> String {
        format!("/keys/{}?range={}", self.public_key, range.slug())
    }

    /// Allowed first, then the refusals.
    fn series(&self) -> Vec<&Series> {
        std::iter::once(&self.chart.allowed).chain(&self.chart.refused).collect()
    }

    pub fn legend(&self) -> Vec<Entry> {
        let entry = |series: &&Series| {
            let look = look_of(&series.code);
            let is_known = look.slug != "other";
            let label = if is_known { look.label.to_owned() } else { series.code.clone() };
            Entry { code: series.code.clone(), look, label, total: spaced(series.total()) }
        };
        self.series().iter().map(entry).collect()
    }

    /// The lines of the table, oldest first like the picture.
    pub fn pieces(&self) -> Vec<Piece> {
        let pieces = &self.chart.pieces;
        let format = match pieces.range {
            Range::Hour => "%H:%M",
            Range::Day => "%a %H:%M",
            Range::Month => "%-d %b",
        };
        let series = self.series();
        let piece = |(number, at): (usize, &DateTime<Utc>)| Piece {
            at: *at,
            label: at.with_timezone(&pieces.zone).format(format).to_string(),
            counts: series
                .iter()
                .map(|series| (series.counts[number], spaced(series.counts[number])))
                .collect(),
        };
        pieces.starts.iter().enumerate().map(piece).collect()
    }

    /// One on top of the other, from the ground up.
    pub fn bars(&self) -> Vec<Bar> {
        let series = self.series();
        let count = self.chart.pieces.starts.len();
        let of = |number: usize| series.iter().map(move |series| series.counts[number]);
        let most = (0..count).map(|number| of(number).sum::<i64>()).max().unwrap_or(0).max(1);
        let width = WIDTH / count.max(1) as f64;
        let mut bars = Vec::new();
        for number in 0..count {
            let mut top = HEIGHT;
            for (series, requests) in series.iter().zip(of(number)).filter(|(_, n)| *n > 0) {
                // However few they are, they are seen.
                let height = (requests as f64 / most as f64 * (HEIGHT - 8.0)).max(1.5);
                top -= height;
                bars.push(Bar {
                    look: look_of(&series.code),
                    x: format!("{:.1}", number as f64 * width + width * 0.12),
                    y: format!("{top:.1}"),
                    width: format!("{:.1}", width * 0.76),
                    height: format!("{height:.1}"),
                });
            }
        }
        bars
    }

    pub fn first_label(&self) -> String {
        self.pieces().first().map(|piece| piece.label.clone()).unwrap_or_default()
    }

    pub fn last_label(&self) -> &'static str {
        if self.range() == Range::Month { "Today" } else { "Now" }
    }

    /// In which zone its times are.
    pub fn zone_said(&self) -> String {
        let (shown, own) = (self.chart.pieces.zone.name(), self.zone.as_str());
        match self.range() {
            Range::Month if shown != own => {
                format!("Days are those of UTC: in {own} they begin in the middle of an hour.")
            }
            Range::Month => format!("Days are those of {}.", place(shown)),
            _ => format!("Times are those of {}.", place(shown)),
        }
    }

    /// “the 5 000 latest requests that were logged”, “since 28 November, UTC”
    pub fn tops_said(&self) -> String {
        if self.tops.are_latest {
            format!("Of the {} latest requests in the log.", spaced(crate::usage::LATEST))
        } else if self.range() == Range::Hour {
            "Of the requests of this hour in the log.".into()
        } else {
            format!("Of the requests in the log since {}, UTC.", self.tops.since.format("%-d %B"))
        }
    }

    /// The tables below the picture.
    pub fn groups(&self) -> Vec<Group<'_>> {
        let group = |id, title, nothing, uses| Group { id, title, nothing, uses };
        vec![
            group("callers", "Callers", "Others, or no address told", self.tops.callers.as_slice()),
            group("paths", "Paths", "Others", self.tops.paths.as_slice()),
            group("scopes", "Scopes", "Others", self.tops.scopes.as_slice()),
        ]
        .into_iter()
        .filter(|group| !group.uses.is_empty())
        .collect()
    }
}

/// “UTC”, “Europe/Berlin”
fn place(zone: &str) -> String {
    zone.replace('_', " ")
}

/// One of the tables below the picture.
pub struct Group<'a> {
    pub id: &'static str,
    pub title: &'static str,
    /// What stands for those that have no name.
    pub nothing: &'static str,
    uses: &'a [Use],
}

/// A line of it.
pub struct Line {
    pub value: String,
    pub allowed: String,
    pub refused: String,
    pub last_seen: Moment,
}

impl Group<'_> {
    pub fn lines(&self) -> Vec<Line> {
        let about = |one: &Use, count: i64| match (one.is_about, count) {
            (true, 1..) => format!("about {}", spaced(count)),
            _ => spaced(count),
        };
        let line = |one: &Use| Line {
            value: one.value.clone(),
            allowed: about(one, one.accepted),
            refused: about(one, one.refused),
            last_seen: Moment::seen_now(one.last_seen_at),
        };
        self.uses.iter().map(line).collect()
    }
}
