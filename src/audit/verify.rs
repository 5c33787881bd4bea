//! Going through the chain from the first event to the last.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use diesel::PgConnection;

use super::chain::{Hash, Link, links_after};
use crate::error::AppResult;

/// Events in memory at once.
const AT_ONCE: i64 = 5_000;

/// Whoever rewrote the whole trail need not be told about each event.
const MOST: usize = 20;

/// Something in the trail that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// These numbers are missing.
    Missing { first: i64, last: i64 },
    /// What the event says is not what was hashed; the event as it reads now.
    Changed(Now),
    /// What the event says, and what follows it, fit each other, but not its own hash.
    HashChanged(Now),
    /// It follows another event than the one before it: that one was put in, taken out or rewritten.
    Untied(Now),
    /// The hash that was kept elsewhere is not in the trail: its end is missing, or all of it is another.
    HeadMissing { head: String, ends_with: Option<i64> },
}

/// An event as it reads now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Now {
    pub number: i64,
    pub at: DateTime<Utc>,
    pub actor: String,
    pub action: String,
    pub subject: String,
}

impl From<&Link> for Now {
    fn from(link: &Link) -> Self {
        Self {
            number: link.number,
            at: link.at,
            actor: link.actor.clone(),
            action: link.action.clone(),
            subject: link.subject.clone(),
        }
    }
}

impl fmt::Display for Now {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, at, actor, action, subject } = self;
        let at = at.to_rfc3339_opts(SecondsFormat::Secs, true);
        // It may hold anything now: nothing of it may steer the terminal.
        write!(f, "event {number} (now: {at}, {actor:?}, {action:?}, {subject:?})")
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { first, last } if first == last => {
                write!(f, "event {first} is missing")
            }
            Self::Missing { first, last } => write!(f, "events {first} to {last} are missing"),
            Self::Changed(now) => write!(
                f,
                "{now} was changed after it was written: who, when, from where, on what or its details"
            ),
            Self::HashChanged(now) => {
                write!(f, "the hash of {now} was changed; what it says was not")
            }
            Self::Untied(now) => write!(
                f,
                "{now} does not follow what is before it: that was put in, taken out or rewritten"
            ),
            Self::HeadMissing { head, ends_with: None } => {
                write!(f, "the trail is empty, and does not hold the head {head}")
            }
            Self::HeadMissing { head, ends_with: Some(number) } => write!(
                f,
                "the trail ends with event {number} and does not hold the head {head}: its end was cut off, or it was rewritten"
            ),
        }
    }
}

/// What was found out about the trail.
#[derive(Debug, Default)]
pub struct Report {
    /// How many events there are.
    pub events: i64,
    /// The last number and hash.
    pub end: Option<(i64, Hash)>,
    /// The number of the event whose hash was kept elsewhere.
    pub head_at: Option<i64>,
    /// What is wrong, at most the first twenty.
    pub faults: Vec<Fault>,
    /// Whether there is more.
    pub has_more: bool,
}

/// Works out every hash again. `head` is one that was kept elsewhere: everything up to it has to be as it was then.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn verify(conn: &mut PgConnection, head: Option<Hash>) -> AppResult<Report> {
    let mut walk = Walk { head, ..Walk::default() };
    loop {
        let links = links_after(conn, walk.number, AT_ONCE)?;
        if links.is_empty() {
            return Ok(walk.end());
        }
        for link in links {
            walk.step(link);
        }
    }
}

struct Walk {
    head: Option<Hash>,
    /// Of the last event that was looked at.
    number: i64,
    hash: Hash,
    /// One whose hash is not that of what it says; the next event tells which of the two was changed.
    doubtful: Option<Link>,
    report: Report,
}

impl Default for Walk {
    fn default() -> Self {
        Self { head: None, number: 0, hash: Hash::NONE, doubtful: None, report: Report::default() }
    }
}

impl Walk {
    fn step(&mut self, link: Link) {
        let is_next = link.number == self.number + 1;
        let mut before = self.hash;
        if let Some(doubtful) = self.doubtful.take() {
            // What follows it was written with the hash that it had then.
            let was = doubtful.ought_to_be(doubtful.says_before());
            if is_next && link.says_before() == was {
                self.fault(Fault::HashChanged((&doubtful).into()));
                before = was;
            } else {
                self.fault(Fault::Changed((&doubtful).into()));
            }
        }
        if !is_next {
            self.fault(Fault::Missing { first: self.number + 1, last: link.number - 1 });
            // What is missing cannot be hashed; the rest goes on from what was kept of it.
            before = link.says_before();
        }
        if link.ought_to_be(link.says_before()) == link.says() {
            if link.says_before() != before {
                self.fault(Fault::Untied((&link).into()));
            }
        } else if link.ought_to_be(before) == link.says() {
            // Only its copy of the hash before it is another.
            self.fault(Fault::HashChanged((&link).into()));
        } else {
            self.doubtful = Some(link.clone());
        }
        if self.head == Some(link.says()) {
            self.report.head_at = Some(link.number);
        }
        self.report.events += 1;
        (self.number, self.hash) = (link.number, link.says());
    }

    fn end(mut self) -> Report {
        if let Some(doubtful) = self.doubtful.take() {
            self.fault(Fault::Changed((&doubtful).into()));
        }
        let ends_with = (self.report.events > 0).then_some(self.number);
        if let (Some(head), None) = (self.head, self.report.head_at) {
            self.fault(Fault::HeadMissing { head: head.to_string(), ends_with });
        }
        self.report.end = ends_with.map(|number| (number, self.hash));
        self.report
    }

    fn fault(&mut self, fault: Fault) {
        if self.report.faults.len() < MOST {
            self.report.faults.push(fault);
        } else {
            self.report.has_more = true;
        }
    }
}
