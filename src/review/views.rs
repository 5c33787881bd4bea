//! One struct per template.

use askama::Template;
use chrono::{DateTime, Utc};

use super::{
    Group,
    commands::permissions,
    group::{NOTICE_DAYS, UNUSED_DAYS},
    listed::Listed,
};
use crate::{
    counted::Count,
    keys::{Key, spaced},
    usage::Memory,
    web::{
        Day, Layout, Moment,
        time::{LastDay, ShortDay, day_of, spell_day},
    },
};

/// The page.
#[derive(Template)]
#[template(path = "review/index.html", blocks = ["table"])]
pub struct Index {
    pub layout: Layout,
    pub group: Group,
    pub counts: Vec<(Group, Count)>,
    pub rows: Vec<Row>,
    pub next: Option<String>,
    pub is_first: bool,
    pub memory: Memory,
    pub now: DateTime<Utc>,
}

impl Index {
    fn is_open(&self, group: &Group) -> bool {
        self.group == *group
    }

    /// “12”, “more than 1 000”; nothing where too little is known to say a number.
    fn count_of(&self, group: &Group) -> String {
        let count = self.counts.iter().find(|(known, _)| known == group).map(|(_, count)| *count);
        let is_unknown = group.is_permissions() && !self.is_known();
        match count {
            None | Some(Count::MoreThan(0)) => "not counted".into(),
            Some(_) if is_unknown => "not known yet".into(),
            Some(count) => count.to_string(),
        }
    }

    /// Whether it can be told what permissions were needed for.
    fn is_known(&self) -> bool {
        self.memory.reaches(Group::Permissions.since(self.now))
    }

    /// Since when it is remembered what permissions are needed for.
    fn remembered_since(&self) -> Option<String> {
        self.memory.since.map(|since| spell_day(day_of(since)))
    }

    /// From when on there is enough to go by.
    fn known_from(&self) -> Option<String> {
        let known = self.memory.since? + (self.now - Group::Permissions.since(self.now));
        Some(spell_day(day_of(known)))
    }

    /// When some requests found no room in the log, if that was since it matters.
    fn missed_at(&self) -> Option<Moment> {
        let since = Group::Permissions.since(self.now);
        self.memory.missed_at.filter(|at| *at >= since).map(Moment::seen_now)
    }

    fn is_administrator(&self) -> bool {
        self.layout.viewer.is_administrator()
    }

    fn unused_days(&self) -> i64 {
        UNUSED_DAYS
    }

    /// What screen readers hear when another page of the list is there.
    fn said(&self) -> String {
        match self.rows.len() {
            0 => "No key listed".into(),
            1 => "1 key listed".into(),
            many => format!("{many} keys listed"),
        }
    }
}

/// A key of a group.
pub struct Row {
    pub listed: Listed,
    pub group: Group,
    pub now: DateTime<Utc>,
    /// What screen readers hear of a row that has come back.
    pub said: Option<String>,
}

impl Row {
    fn key(&self) -> &Key {
        &self.listed.key
    }

    fn last_used(&self) -> Option<Moment> {
        self.key().last_used_at.map(|at| Moment::new(at, self.now))
    }

    fn created(&self) -> ShortDay {
        ShortDay(self.key().created_at)
    }

    fn secret_made(&self) -> Day {
        Day(self.key().secret.created_at)
    }

    fn secret_age(&self) -> String {
        let days = (self.now - self.key().secret.created_at).num_days();
        match days / 365 {
            0 | 1 => "more than a year old".into(),
            years => format!("more than {years} years old"),
        }
    }

    fn ends(&self) -> Option<LastDay> {
        self.key().expires_at.map(LastDay)
    }

    /// “1 204 requests in 7 days”
    fn week(&self) -> String {
        match self.listed.week {
            0 => "no request in 7 days".into(),
            1 => "1 request in 7 days".into(),
            week => format!("{} requests in 7 days", spaced(week)),
        }
    }

    fn taken(&self) -> &[String] {
        self.listed.trim.as_ref().map_or(&[], |trim| &trim.taken)
    }

    /// “keeps 2 permissions”
    fn keeps(&self) -> String {
        permissions(self.listed.trim.as_ref().map_or(0, |trim| trim.kept))
    }

    fn can_trim(&self) -> bool {
        self.listed.acts.edit && self.listed.trim.as_ref().is_some_and(|trim| trim.is_possible())
    }

    fn notice_days(&self) -> i64 {
        NOTICE_DAYS
    }
}

/// What a click did, in the place of its row.
#[derive(Template)]
#[template(path = "review/_clicked.html")]
pub struct Clicked {
    pub key: Key,
    pub group: Group,
    pub undo: Option<String>,
    pub said: String,
}

/// A row again, as it was.
#[derive(Template)]
#[template(path = "review/_row.html")]
pub struct TakenBack {
    pub row: Row,
}
