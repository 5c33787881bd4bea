//! One struct per template.

use std::hash::{DefaultHasher, Hash, Hasher};

use askama::Template;
use chrono::{DateTime, Utc};

use super::{
    budget::{ACCEPTED_A_SECOND, REFUSED_A_SECOND, UNKNOWN_A_SECOND},
    filter::{FilterForm, LAST, METHODS, in_form, parse_time},
    fix::{self, Fix},
    model::Request,
};
use crate::{
    applications::Application,
    environments::{Environment, Mode},
    keys::{QuestionForm, spaced},
    verify::Code,
    web::{
        Layout,
        time::{self, Clock},
    },
};

#[derive(Template)]
#[template(path = "logs/index.html", blocks = ["list"])]
pub struct Index {
    pub layout: Layout,
    /// As typed.
    pub filter: FilterForm,
    pub requests: Vec<Request>,
    /// So far the list has looked, when that took too long.
    pub looked_until: Option<DateTime<Utc>>,
    /// The address of older ones.
    pub next: Option<String>,
    /// The address of newer ones, unless these are the newest.
    pub previous: Option<String>,
    /// Whether there is anything to look for.
    pub has_any: bool,
    /// What is missing: minute, reason, requests.
    pub gaps: Vec<(DateTime<Utc>, String, i64)>,
    pub applications: Vec<Application>,
    pub environments: Vec<Environment>,
}

impl Index {
    /// The list as it is, in a word: equal when there is nothing new.
    pub fn tag(&self) -> String {
        let mut hasher = DefaultHasher::new();
        for request in &self.requests {
            request.row.id.hash(&mut hasher);
        }
        self.gaps.hash(&mut hasher);
        format!("\"{:016x}\"", hasher.finish())
    }

    /// Whether newer requests belong at the top of this page.
    fn is_live(&self) -> bool {
        self.previous.is_none() && self.filter.to.is_empty() && self.filter.request.is_empty()
    }

    fn codes(&self) -> Vec<&'static str> {
        Code::ALL.into_iter().map(Code::slug).collect()
    }

    fn methods(&self) -> Vec<&'static str> {
        METHODS.to_vec()
    }

    fn spans(&self) -> Vec<(&'static str, &'static str)> {
        LAST.iter().map(|(slug, label, _)| (*slug, *label)).collect()
    }

    /// The environments of the mode.
    fn environments(&self) -> impl Iterator<Item = &Environment> {
        let mode = self.layout.viewer.mode;
        self.environments.iter().filter(move |known| mode.is_none_or(|mode| known.mode == mode))
    }

    /// A method that was typed into the address stays chosen.
    fn has_other_method(&self) -> bool {
        !self.filter.method.is_empty() && !METHODS.contains(&self.filter.method.as_str())
    }

    /// A time as its field spells it.
    fn in_field(&self, typed: &str) -> String {
        let zone = self.layout.viewer.zone;
        parse_time(typed, zone).map(|at| in_form(at, zone)).unwrap_or_default()
    }

    /// Whether one of the fields is filled in that are not always shown.
    fn narrows_further(&self) -> bool {
        let FilterForm { ip, customer, request, from, to, .. } = &self.filter;
        [ip, customer, request, from, to].iter().any(|typed| !typed.is_empty())
    }

    fn export(&self, format: &str) -> String {
        self.filter.first_page().address_of(&format!("/logs/export/{format}"), &[])
    }

    fn tail(&self) -> String {
        self.filter.first_page().address_of("/logs/tail", &[])
    }

    fn first_page(&self) -> String {
        self.filter.first_page().address()
    }

    /// What screen readers hear when the list has changed under its filter.
    fn said(&self) -> String {
        match self.requests.len() {
            0 => "No request matches".into(),
            1 => "1 request listed".into(),
            many if self.next.is_some() && self.previous.is_none() => {
                format!("The newest {many} requests listed")
            }
            many => format!("{many} requests listed"),
        }
    }

    /// Whether it has looked towards the newest, and not further back.
    fn looked_ahead(&self) -> bool {
        !self.filter.before.is_empty()
    }

    fn mode(&self) -> Option<Mode> {
        self.layout.viewer.mode
    }

    /// What is missing between these rows, in a sentence; only administrators are told how much.
    fn missing(&self) -> Option<String> {
        let (last, ..) = self.gaps.first()?;
        let (first, ..) = self.gaps.last()?;
        let when = match time::minute(*first) == time::minute(*last) {
            true => format!("of {}", time::minute(*first)),
            false => format!("between {} and {}", time::minute(*first), time::minute(*last)),
        };
        if !self.layout.viewer.is_administrator() {
            return Some(format!("Some requests {when} were not logged."));
        }
        let count = self.gaps.iter().map(|(.., count)| count).sum();
        let mut whys: Vec<String> =
            self.gaps.iter().filter_map(|(_, reason, _)| explain(reason)).collect();
        whys.sort();
        whys.dedup();
        Some(format!(
            "{} requests {when} were not logged: {}. Counters have them all.",
            spaced(count),
            whys.join("; ")
        ))
    }

    /// The exact time up to which it has looked.
    fn looked_until(&self) -> Option<String> {
        self.looked_until.map(time::exact)
    }
}

fn explain(reason: &str) -> Option<String> {
    let more = |what: &str, most: u32| {
        Some(format!("a node logs at most {} {what} a second", spaced(most.into())))
    };
    match reason {
        "accepted" => more("accepted requests", ACCEPTED_A_SECOND),
        "refused" => more("refusals of known keys", REFUSED_A_SECOND),
        "unknown" => more("requests without a known key", UNKNOWN_A_SECOND),
        "waiting" => Some("Postgres was away for longer than a node keeps requests".into()),
        _ => Some("Postgres did not take them".into()),
    }
}

impl Request {
    /// Which colour its code has, beside its words.
    pub fn kind(&self) -> &'static str {
        match self.row.code.as_str() {
            "VALID" => "active",
            "RATE_LIMITED" => "expired",
            _ => "revoked",
        }
    }

    /// “1 of 38”: it stands for others too.
    pub fn sample(&self) -> Option<String> {
        (self.row.stands_for > 1).then(|| format!("1 of {}", self.row.stands_for))
    }

    /// When it was.
    pub fn clock(&self) -> Clock {
        Clock(self.row.at)
    }

    /// What is shown of a path that nobody told.
    pub fn path(&self) -> &str {
        if self.row.path.is_empty() { "—" } else { &self.row.path }
    }

    /// What to do about it.
    pub fn fix(&self) -> Option<Fix> {
        fix::of(self)
    }

    /// Where the same question is explained, check by check, as it would be answered now.
    pub fn explained(&self) -> Option<String> {
        let key = self.key.as_ref().filter(|key| !key.is_deleted)?;
        let with = match self.row.code.as_str() {
            "SECRET_REPLACED" => "old",
            _ => "",
        };
        let question = QuestionForm {
            with: with.into(),
            scope: self.row.scopes.clone(),
            environment: self.environment.slug.clone(),
            customer: self.row.customer.clone().unwrap_or_default(),
            ip: self.ip().unwrap_or_default(),
            ..QuestionForm::default()
        };
        Some(question.address(&key.public_key))
    }

    /// The HTTP status that its caller should have had.
    pub fn status(&self) -> u16 {
        let code = Code::ALL.into_iter().find(|code| code.slug() == self.row.code);
        code.map_or(0, Code::status)
    }
}

/// Everything about one request.
#[derive(Template)]
#[template(path = "logs/show.html", blocks = ["dialog"])]
pub struct Show {
    pub layout: Layout,
    pub request: Request,
}

impl Show {
    fn at(&self) -> String {
        time::exact(self.request.row.at)
    }

    fn stands_for(&self) -> Option<String> {
        let others = self.request.row.stands_for - 1;
        (others > 0).then(|| {
            format!(
                "This one and {others} more like it, accepted within the same second or the next"
            )
        })
    }

    /// The list with all requests that have this in common.
    fn all_of(&self, field: &str, value: &str) -> String {
        let query =
            percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC);
        format!("/logs?{field}={query}")
    }
}
