//! What forms can choose from.

use chrono::{DateTime, TimeDelta, Utc};

use super::{KeyForm, LIFETIMES};
use crate::{
    applications::Application,
    environments::Environment,
    keys::{Key, end_in_days, queries::Holdings},
    scopes::Section,
};

/// What forms can choose from.
#[derive(Debug, Clone)]
pub struct Choices {
    pub applications: Vec<Application>,
    pub environments: Vec<Environment>,
    pub catalogue: Vec<Section>,
    /// Slugs of retired sections that the key being edited holds whole: it may keep them.
    pub kept_sections: Vec<String>,
    /// When the form was drawn: expiry is counted from here.
    pub now: DateTime<Utc>,
}

impl Choices {
    /// For a new key: what is retired is not on offer.
    pub fn for_new(mut self) -> Self {
        self.catalogue.retain_mut(|section| {
            section.permissions.retain(|permission| permission.retired_at.is_none());
            !section.is_retired()
        });
        self
    }

    /// For a key that exists: what is retired is on offer as far as it holds it.
    pub fn for_edit(mut self, key: &Key, held: &Holdings) -> Self {
        let whole = |slug: &str| held.sections.iter().any(|(known, _)| known == slug);
        let single = |slug: &str| held.permissions.iter().any(|(known, _)| known == slug);
        self.catalogue.retain_mut(|section| {
            let (retired, held) =
                (section.is_retired(), key.all_permissions || whole(&section.slug));
            if retired && held {
                self.kept_sections.push(section.slug.clone());
            }
            section.permissions.retain(|permission| {
                held || single(&permission.slug) || !(retired || permission.retired_at.is_some())
            });
            held || !retired || !section.permissions.is_empty()
        });
        self
    }

    /// Whether a section can be chosen whole.
    pub fn offers_whole(&self, section: &Section) -> bool {
        !section.is_retired() || self.kept_sections.contains(&section.slug)
    }

    /// The environments that take new keys.
    pub fn open_environments(&self) -> Vec<&Environment> {
        self.environments.iter().filter(|environment| !environment.is_retired()).collect()
    }

    /// The application that is chosen.
    pub fn application(&self, form: &KeyForm) -> Option<&Application> {
        self.applications.iter().find(|application| application.app_id == form.application)
    }

    /// The environment that is chosen.
    pub fn environment(&self, form: &KeyForm) -> Option<&Environment> {
        self.environments.iter().find(|environment| environment.slug == form.environment)
    }

    /// The lifetimes on offer with the day each leads to, weekday and all.
    pub fn lifetimes(&self) -> Vec<(String, String)> {
        let spell =
            |days| end_in_days(self.now, days).date_naive().format("%A %-d %B %Y").to_string();
        LIFETIMES.into_iter().map(|days| (days.to_string(), spell(days))).collect()
    }

    /// The first day that can be chosen.
    pub fn tomorrow(&self) -> String {
        (self.now + TimeDelta::days(1)).format("%Y-%m-%d").to_string()
    }
}
