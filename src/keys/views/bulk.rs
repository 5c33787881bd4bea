//! What would happen to many keys.

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    keys::{
        Key,
        selection::{AT_ONCE, BulkAct, BulkForm, Plan},
        spaced,
        who_breaks::{Typed, WhoBreaks},
    },
    web::{Layout, Moment},
};

/// So many keys are named.
const NAMED: usize = 10;

/// The summary, before anything happens.
#[derive(Template)]
#[template(path = "keys/bulk.html", blocks = ["dialog"])]
pub struct Bulk {
    pub layout: Layout,
    pub act: BulkAct,
    pub form: BulkForm,
    /// The set of keys this is about, to be compared when it is done.
    pub seen: String,
    pub plan: Plan,
    pub recent: Recent,
    pub who: WhoBreaks,
    /// What has to be typed, if one of them was used within the last hour.
    pub typed: Option<Typed>,
    /// The list one came from.
    pub back: String,
    /// Other keys match than were shown before.
    pub is_new: bool,
    /// What is wrong with the reason.
    pub error: Option<String>,
}

/// The keys among them that somebody uses.
pub struct Recent {
    /// How many were used in the last 24 hours.
    pub count: usize,
    /// Those used last.
    pub named: Vec<(String, String, DateTime<Utc>)>,
}

impl Recent {
    pub fn of(plan: &Plan, now: DateTime<Utc>) -> Self {
        let since = now - TimeDelta::days(1);
        let mut used: Vec<(&Key, DateTime<Utc>)> = plan
            .changing
            .iter()
            .filter_map(|key| Some((key, key.last_used_at.filter(|at| *at > since)?)))
            .collect();
        used.sort_by_key(|(_, at)| std::cmp::Reverse(*at));
        let named = used
            .iter()
            .take(NAMED)
            .map(|(key, at)| (key.name.clone(), key.address(), *at))
            .collect();
        Self { count: used.len(), named }
    }
}

impl Bulk {
    /// The filter of the list, as hidden fields.
    fn filter(&self) -> Vec<(&'static str, String)> {
        let filter = self.form.filter();
        filter.chosen().into_iter().map(|(name, value)| (name, value.to_owned())).collect()
    }

    fn count(&self) -> usize {
        self.plan.changing.len()
    }

    fn is_one(&self) -> bool {
        self.count() == 1
    }

    /// Whether a job does it.
    fn is_job(&self) -> bool {
        self.plan.changing.len() + self.plan.revoked + self.plan.disabled > AT_ONCE
    }

    /// “3 API keys”
    fn counted(&self) -> String {
        match self.count() {
            1 => "1 API key".into(),
            count => format!("{} API keys", spaced(count as i64)),
        }
    }

    /// “Revoke 3 API keys”
    fn button(&self) -> String {
        format!("{} {}", if self.act.is_revoke() { "Revoke" } else { "Disable" }, self.counted())
    }

    fn busy(&self) -> &'static str {
        if self.act.is_revoke() { "Revoking…" } else { "Disabling…" }
    }

    /// The first names, when none of them was used lately.
    fn names(&self) -> Vec<&Key> {
        self.plan.changing.iter().take(NAMED).collect()
    }

    /// How many have no name here.
    fn unnamed(&self, named: usize, of: usize) -> Option<String> {
        (of > named).then(|| spaced((of - named) as i64))
    }

    fn more_names(&self) -> Option<String> {
        self.unnamed(self.names().len(), self.count())
    }

    fn more_recent(&self) -> Option<String> {
        self.unnamed(self.recent.named.len(), self.recent.count)
    }

    fn recent_sentence(&self) -> String {
        match self.recent.count {
            0 if self.is_one() => "It was not used in the last 24 hours.".into(),
            1 if self.is_one() => "It was used in the last 24 hours:".into(),
            0 => "None of them was used in the last 24 hours.".into(),
            1 => "One of them was used in the last 24 hours:".into(),
            count => format!("{} of them were used in the last 24 hours:", spaced(count as i64)),
        }
    }
}
