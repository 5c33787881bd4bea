//! What forms can choose from.

use chrono::{DateTime, TimeDelta, Utc};

use super::{KeyForm, LIFETIMES};
use crate::{
    applications::Application,
    environments::{Environment, Mode},
    keys::end_in_days,
    scopes::Section,
};

/// What forms can choose from.
#[derive(Debug, Clone)]
pub struct Choices {
    pub applications: Vec<Application>,
    pub environments: Vec<Environment>,
    pub catalogue: Vec<Section>,
    /// When the form was drawn: expiry is counted from here.
    pub now: DateTime<Utc>,
}

impl Choices {
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
