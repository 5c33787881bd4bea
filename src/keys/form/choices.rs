//! What forms can choose from.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::KeyForm;
use crate::{
    access::Grant,
    applications::Application,
    environments::Environment,
    keys::{end_in_days, policy},
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
    /// When the form was drawn: expiry is counted from here.
    pub now: DateTime<Utc>,
}

impl Choices {
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

    /// The first day that can be chosen.
    pub fn tomorrow(&self) -> String {
        (self.now + TimeDelta::days(1)).format("%Y-%m-%d").to_string()
    }
}
