//! One struct per template.

use std::collections::HashMap;

use askama::Template;

use super::{
    Entry,
    chain::Head,
    details::{Line, lines},
    filter::FilterForm,
    tell::{Sentence, label, tell},
};
use crate::{
    keys::spaced,
    web::{Layout, Moment, time::exact},
};

#[derive(Template)]
#[template(path = "audit/index.html", blocks = ["table"])]
pub struct Index {
    pub layout: Layout,
    pub filter: FilterForm,
    pub rows: Vec<Row>,
    pub choices: Choices,
    pub head: Option<Head>,
    pub next: Option<String>,
    pub previous: Option<String>,
}

impl Index {
    /// What screen readers hear when the list has changed under the filter.
    pub fn said(&self) -> String {
        match self.rows.len() {
            0 => "No event matches".into(),
            1 => "1 event listed".into(),
            many => format!("{many} events listed"),
        }
    }

    /// Which event the hash at the end is of.
    pub fn of_event(&self) -> String {
        self.head.as_ref().map_or_else(String::new, |head| {
            format!("Of event {}, {}.", spaced(head.number), exact(head.at))
        })
    }

    /// Whether words of one or two letters are looked for, and not in all of the trail.
    pub fn searched_newest(&self) -> Option<String> {
        let (letters, most) =
            (self.filter.q.trim().chars().count(), super::queries::SEARCHED_FOR_SHORT);
        let is_long = self.head.as_ref().is_some_and(|head| head.number > most);
        ((1..3).contains(&letters) && is_long).then(|| spaced(most))
    }
}

/// What can be chosen from.
pub struct Choices {
    /// What actions are about, and those there are: slug and label.
    pub kinds: Vec<Kind>,
    pub people: Vec<(i64, String)>,
}

pub struct Kind {
    /// `key.*`
    pub slug: String,
    pub label: String,
    pub acts: Vec<(String, String)>,
}

impl Choices {
    pub fn new(actions: &[String], people: Vec<(i64, String)>) -> Self {
        let mut kinds: Vec<Kind> = Vec::new();
        for action in actions {
            let slug = format!("{}.*", action.split('.').next().unwrap_or_default());
            let (kind, act) = label(action);
            match kinds.last_mut().filter(|last| last.slug == slug) {
                Some(last) => last.acts.push((action.clone(), act)),
                None => kinds.push(Kind { slug, label: kind, acts: vec![(action.clone(), act)] }),
            }
        }
        Self { kinds, people }
    }
}

impl FilterForm {
    /// Whether this person is chosen.
    pub fn is_by(&self, id: &i64) -> bool {
        self.who == id.to_string()
    }
}

/// An event, told.
pub struct Row {
    pub entry: Entry,
    pub told: Sentence,
    /// Where the thing is, if it still is.
    pub address: Option<String>,
    pub changes: Vec<Line>,
    pub facts: Vec<Line>,
}

impl Row {
    pub fn new(entry: Entry, addresses: &HashMap<String, String>) -> Self {
        let (changes, facts) = lines(&entry);
        let told = tell(&entry);
        Self { address: addresses.get(&entry.subject).cloned(), told, changes, facts, entry }
    }

    pub fn all(entries: Vec<Entry>, addresses: &HashMap<String, String>) -> Vec<Self> {
        entries.into_iter().map(|entry| Self::new(entry, addresses)).collect()
    }

    /// The whole sentence, for titles and screen readers.
    pub fn sentence(&self) -> String {
        let subject = self.told.subject.as_deref().unwrap_or_default();
        [&self.entry.actor, &self.told.before, subject, self.told.after]
            .into_iter()
            .filter(|words| !words.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    }

    pub fn when(&self) -> Moment {
        Moment::seen_now(self.entry.at)
    }

    pub fn exactly(&self) -> String {
        exact(self.entry.at)
    }

    pub fn number(&self) -> String {
        spaced(self.entry.id)
    }

    pub fn ip(&self) -> Option<String> {
        self.entry.ip.map(|ip| ip.addr().to_string())
    }

    pub fn hash(&self) -> String {
        hex::encode(&self.entry.hash)
    }

    pub fn by_the_same(&self) -> String {
        let who = match self.entry.actor_id {
            Some(id) => id.to_string(),
            None => self.entry.actor.to_lowercase(),
        };
        FilterForm { who, ..FilterForm::default() }.address()
    }

    pub fn about_the_same(&self) -> String {
        FilterForm::of_subject(&self.entry.subject).address()
    }

    pub fn by_the_same_address(&self) -> String {
        FilterForm { ip: self.ip().unwrap_or_default(), ..FilterForm::default() }.address()
    }

    pub fn of_the_same_request(&self) -> String {
        let request = self.entry.request_id.map(|id| id.to_string()).unwrap_or_default();
        FilterForm { request, ..FilterForm::default() }.address()
    }
}

#[derive(Template)]
#[template(path = "audit/show.html")]
pub struct Show {
    pub layout: Layout,
    pub row: Row,
}
