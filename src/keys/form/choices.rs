//! What forms can choose from.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::KeyForm;
use crate::{
    access::Grant,
    applications::Application,
    environments::{Environment, Mode},
    keys::{Key, end_in_days, policy, queries::Holdings},
    scopes::Section,
};

/// What forms can choose from.
#[derive(Debug, Clone)]
pub struct Choices {
    pub applications: Vec<Application>,
    pub environments: Vec<Environment>,
    pub catalogue: Vec<Section>,
    /// What may be chosen of them; `None`: everything. The rest is shown, switched off, with the reason.
    pub grant: Option<Grant>,
    /// Those of the customers that a form names that are known: the platform's id, and ours.
    pub customers: HashMap<String, i64>,
    /// The lifetime that is suggested, in days.
    pub suggested_lifetime: i64,
    /// Slugs of retired sections that the key being edited holds whole: it may keep them.
    pub kept_sections: Vec<String>,
    /// When the form was drawn: expiry is counted from here.
    pub now: DateTime<Utc>,
}

impl KeyForm {
    /// Chooses these permissions too, as far as they are on offer and not chosen yet, one way or the other; says which.
    pub fn choose_also(&mut self, slugs: &str, choices: &Choices) -> Vec<String> {
        let of_whole = |slug: &str| {
            let mut whole = choices.catalogue.iter().filter(|one| self.has_section(&one.slug));
            whole.any(|one| one.permissions.iter().any(|permission| permission.slug == slug))
        };
        let mut added: Vec<String> = slugs
            .split(',')
            .filter(|slug| choices.offers(slug) && !self.has_permission(slug) && !of_whole(slug))
            .filter(|_| self.all_permissions != "yes")
            .map(ToOwned::to_owned)
            .collect();
        added.dedup();
        self.permission.extend(added.iter().cloned());
        added
    }
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

    /// The environments that somebody looking at this mode is offered, and the one that is chosen anyway.
    pub fn environments_in(&self, mode: Option<Mode>, chosen: &str) -> Vec<&Environment> {
        let is_offered = |environment: &&Environment| {
            mode.is_none_or(|mode| environment.mode == mode) || environment.slug == chosen
        };
        self.environments.iter().filter(is_offered).collect()
    }

    /// The applications that take new keys.
    pub fn open_applications(&self) -> Vec<&Application> {
        self.applications.iter().filter(|application| !application.is_archived()).collect()
    }

    /// The application that is chosen.
    pub fn application(&self, form: &KeyForm) -> Option<&Application> {
        self.applications.iter().find(|application| application.app_id == form.application)
    }

    /// The environment that is chosen.
    pub fn environment(&self, form: &KeyForm) -> Option<&Environment> {
        self.environments.iter().find(|environment| environment.slug == form.environment)
    }

    /// Whether keys of that environment may be made.
    pub fn covers_environment(&self, id: &i64) -> bool {
        self.grant.as_ref().is_none_or(|grant| grant.covers_environment(*id))
    }

    /// Whether “All permissions” may be chosen.
    pub fn covers_everything(&self) -> bool {
        self.grant.as_ref().is_none_or(|grant| grant.permissions.all)
    }

    /// Whether that section may be chosen as a whole.
    pub fn covers_section(&self, id: &i64) -> bool {
        self.grant.as_ref().is_none_or(|grant| grant.covers_section(*id))
    }

    /// Whether that permission may be chosen by itself.
    pub fn covers_permission(&self, id: &i64) -> bool {
        self.grant.as_ref().is_none_or(|grant| grant.covers_permission(*id))
    }

    /// The lifetimes on offer in that environment, with the day each leads to, weekday and all.
    pub fn lifetimes(&self, environment: Option<&Environment>) -> Vec<(i64, String)> {
        let spell =
            |days| end_in_days(self.now, days).date_naive().format("%A %-d %B %Y").to_string();
        policy::lifetimes(self.suggested_lifetime, environment)
            .into_iter()
            .map(|days| (days, spell(days)))
            .collect()
    }

    /// Whether the form chooses anything that the public key alone stands for.
    pub fn has_publishable(&self, form: &KeyForm) -> bool {
        self.catalogue.iter().any(|section| {
            let whole = form.all_permissions == "yes" || form.has_section(&section.slug);
            section
                .permissions
                .iter()
                .any(|held| held.publishable && (whole || form.has_permission(&held.slug)))
        })
    }

    /// Whether a permission of that slug is on offer and may be chosen by itself.
    pub fn offers(&self, slug: &str) -> bool {
        let mut all = self.catalogue.iter().flat_map(|section| &section.permissions);
        all.any(|permission| permission.slug == slug && self.covers_permission(&permission.id))
    }

    /// The first day that can be chosen.
    pub fn tomorrow(&self) -> String {
        (self.now + TimeDelta::days(1)).format("%Y-%m-%d").to_string()
    }
}
