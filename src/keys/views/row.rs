//! A key as a row of the list, and what may be done to it.

use std::collections::HashMap;

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    keys::{Key, Limit, Status, commands::May, model::SOON_DAYS, queries::Holdings},
    usage::{Hours, Sparkline},
    users::Viewer,
    web::{
        Day, Moment,
        time::{LastDay, ShortDay, day_of, spell_day, spell_short},
    },
};

/// A key in the list, or by itself, with what may be done to it.
pub struct Row {
    pub key: Key,
    pub held: Holdings,
    pub now: DateTime<Utc>,
    pub acts: Acts,
    /// Its last 24 hours, where the list shows them.
    pub spark: Option<Sparkline>,
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
    pub transfer: bool,
    /// It holds more than the viewer may hand out: what would bring it to life is not theirs to do.
    pub is_beyond_grant: bool,
}

impl Acts {
    /// What the viewer may do to a key of that status that holds these permissions.
    pub fn on(key: &Key, held: &Holdings, status: Status, viewer: &Viewer, may: May) -> Self {
        let lives = status != Status::Revoked;
        let is_covered = viewer.covers(key.environment_id, &held.ids);
        Self {
            edit: lives && is_covered,
            disable: lives && key.disabled_at.is_none(),
            enable: lives && is_covered && key.disabled_at.is_some(),
            regenerate: lives && is_covered && may.regenerate && status != Status::Expired,
            revoke: lives && may.revoke,
            delete: viewer.is_administrator() && status != Status::Active,
            transfer: lives && viewer.is_administrator(),
            is_beyond_grant: lives && !is_covered,
        }
    }
}

/// A permission or a whole section, as a chip.
pub struct Chip {
    pub text: String,
    pub whole: bool,
}

impl Row {
    pub fn new(key: Key, held: Holdings, viewer: &Viewer, may: May, now: DateTime<Utc>) -> Self {
        let acts = Acts::on(&key, &held, key.status(now), viewer, may);
        Self { key, held, now, acts, spark: None }
    }

    /// With its last 24 hours.
    pub fn with_hours(self, hours: &HashMap<i64, Hours>) -> Self {
        let spark = hours.get(&self.key.id).and_then(Sparkline::of);
        Self { spark, ..self }
    }

    pub fn status(&self) -> Status {
        self.key.status(self.now)
    }

    /// “on 1 Nov 2026”, “Expires in 3 days”
    pub fn status_note(&self) -> Option<String> {
        match self.status() {
            Status::Revoked => self.key.revoked_at.map(on_day),
            Status::Expired => {
                self.key.expires_at.map(|at| format!("on {}", spell_short(at.date_naive())))
            }
            Status::Inactive => {
                self.key.disabled_at.map(|at| format!("since {}", spell_short(day_of(at))))
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
            && self.key.expires_at.is_some_and(|at| at <= self.now + TimeDelta::days(SOON_DAYS))
    }

    /// In words, why the key is as it is.
    pub fn status_reason(&self) -> String {
        let day = |at: DateTime<Utc>| spell_day(day_of(at));
        let last_day = |at: DateTime<Utc>| spell_day(at.date_naive());
        match (self.status(), self.key.expires_at) {
            (Status::Revoked, _) => match (&self.key.revoke_reason, self.key.revoked_at) {
                (Some(reason), Some(at)) => format!("Revoked for good on {}: “{reason}”.", day(at)),
                (None, Some(at)) => format!("Revoked for good on {}.", day(at)),
                (_, None) => String::new(),
            },
            (Status::Expired, Some(at)) => {
                format!("Expired on {}; requests are refused.", last_day(at))
            }
            (Status::Inactive, _) => {
                "Disabled: requests are refused until somebody enables it.".into()
            }
            (_, Some(at)) => format!("Works until {}.", last_day(at)),
            (_, None) => "Works until somebody stops it.".into(),
        }
    }

    pub fn chips(&self) -> Vec<Chip> {
        chips(self.key.all_permissions, &self.held)
    }

    /// The limits, the tightest first.
    pub fn limits(&self) -> Vec<String> {
        Limit::by_tightness(&self.held.limits).iter().map(Limit::short).collect()
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

    pub fn expires(&self) -> Option<LastDay> {
        self.key.expires_at.map(LastDay)
    }
}

/// What a key holds, as chips.
pub fn chips(all: bool, held: &Holdings) -> Vec<Chip> {
    if all {
        return vec![Chip { text: "All permissions".into(), whole: true }];
    }
    let whole = held.sections.iter().map(|(slug, name)| Chip {
        text: marked(name, held.retired_sections.contains(slug)),
        whole: true,
    });
    let single = held.permissions.iter().map(|(slug, _)| Chip {
        text: marked(slug, held.retired_permissions.contains(slug)),
        whole: false,
    });
    whole.chain(single).collect()
}

/// “orders:read (retired)”
fn marked(name: &str, is_retired: bool) -> String {
    if is_retired { format!("{name} (retired)") } else { name.to_owned() }
}

fn on_day(at: DateTime<Utc>) -> String {
    format!("on {}", spell_short(day_of(at)))
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
