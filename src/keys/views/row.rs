//! A key as a row of the list, and what may be done to it.

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    keys::{Key, Limit, Status, queries::Holdings},
    users::Viewer,
    web::{Day, Moment, time::ShortDay},
};

/// A key in the list, or by itself, with what may be done to it.
pub struct Row {
    pub key: Key,
    pub held: Holdings,
    pub now: DateTime<Utc>,
    pub acts: Acts,
}

/// Which acts a row offers. What it does not offer is refused all the same.
#[derive(Debug, Clone, Copy)]
pub struct Acts {
    pub edit: bool,
    pub disable: bool,
    pub enable: bool,
    pub regenerate: bool,
    pub revoke: bool,
    pub delete: bool,
}

impl Acts {
    /// What the viewer may do to a key of that status.
    pub fn on(key: &Key, status: Status, viewer: &Viewer, may_revoke: bool) -> Self {
        let lives = status != Status::Revoked;
        Self {
            edit: lives,
            disable: lives && key.disabled_at.is_none(),
            enable: lives && key.disabled_at.is_some(),
            regenerate: lives && status != Status::Expired,
            revoke: lives && may_revoke,
            delete: viewer.is_administrator() && status != Status::Active,
        }
    }
}

/// A permission or a whole section, as a chip.
pub struct Chip {
    pub text: String,
    pub whole: bool,
}

impl Row {
    pub fn new(
        key: Key,
        held: Holdings,
        viewer: &Viewer,
        may_revoke: bool,
        now: DateTime<Utc>,
    ) -> Self {
        let acts = Acts::on(&key, key.status(now), viewer, may_revoke);
        Self { key, held, now, acts }
    }

    pub fn status(&self) -> Status {
        self.key.status(self.now)
    }

    /// “on 1 Nov 2026”, “Expires in 3 days”
    pub fn status_note(&self) -> Option<String> {
        match self.status() {
            Status::Revoked => self.key.revoked_at.map(on_day),
            Status::Expired => self.key.expires_at.map(on_day),
            Status::Inactive => {
                self.key.disabled_at.map(|at| format!("since {}", at.format("%-d %b %Y")))
            }
            Status::Active => self
                .key
                .expires_at
                .filter(|_| self.expires_soon())
                .map(|at| format!("Expires {}", crate::web::time::relative(at, self.now))),
        }
    }

    pub fn expires_soon(&self) -> bool {
        self.status() == Status::Active
            && self.key.expires_at.is_some_and(|at| at < self.now + TimeDelta::days(14))
    }

    /// In words, why the key is as it is.
    pub fn status_reason(&self) -> String {
        let day = |at: DateTime<Utc>| crate::web::time::spell_day(at.date_naive());
        match (self.status(), self.key.expires_at) {
            (Status::Revoked, _) => match (&self.key.revoke_reason, self.key.revoked_at) {
                (Some(reason), Some(at)) => format!("Revoked for good on {}: “{reason}”.", day(at)),
                (None, Some(at)) => format!("Revoked for good on {}.", day(at)),
                (_, None) => String::new(),
            },
            (Status::Expired, Some(at)) => format!("Expired on {}; requests are refused.", day(at)),
            (Status::Inactive, _) => {
                "Disabled: requests are refused until somebody enables it.".into()
            }
            (_, Some(at)) => format!("Works until {}.", day(at)),
            (_, None) => "Works until somebody stops it.".into(),
        }
    }

    pub fn chips(&self) -> Vec<Chip> {
        chips(self.key.all_permissions, &self.held)
    }

    /// The tightest limit, for the list.
    pub fn limit(&self) -> Option<String> {
        self.held.limits.first().map(Limit::short)
    }

    pub fn last_used(&self) -> Option<Moment> {
        self.key.last_used_at.map(|at| Moment::new(at, self.now))
    }

    /// 4 Mar 2026
    pub fn created_short(&self) -> ShortDay {
        ShortDay(self.key.created_at)
    }

    pub fn created(&self) -> Day {
        Day(self.key.created_at)
    }

    pub fn expires(&self) -> Option<Day> {
        self.key.expires_at.map(Day)
    }
}

/// What a key holds, as chips.
pub fn chips(all: bool, held: &Holdings) -> Vec<Chip> {
    if all {
        return vec![Chip { text: "All permissions".into(), whole: true }];
    }
    let whole = held.sections.iter().map(|(_, name)| Chip { text: name.clone(), whole: true });
    let single = held.permissions.iter().map(|(slug, _)| Chip { text: slug.clone(), whole: false });
    whole.chain(single).collect()
}

fn on_day(at: DateTime<Utc>) -> String {
    format!("on {}", at.format("%-d %b %Y"))
}

/// One row, after something happened to it; and what happened.
#[derive(Template)]
#[template(path = "keys/_changed.html")]
pub struct Changed {
    /// `None`: the key is gone from the list.
    pub row: Option<Row>,
    pub message: String,
    /// It was revoked: where a replacement begins.
    pub replacement: Option<String>,
}
