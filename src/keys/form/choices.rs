//! What forms can choose from.

use chrono::{DateTime, TimeDelta, Utc};

use super::{KeyForm, LIFETIMES};
use crate::{
    access::Grant, applications::Application, environments::Environment, keys::end_in_days,
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
