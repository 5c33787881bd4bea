//! A key as typed, in the wizard or in the edit form, and what is wrong with it.

mod choices;
mod limits;
mod parse;
mod restrictions;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use choices::Choices;

use super::{
    Key, KeyChanges, NewKey, Permissions, policy,
    queries::{Holdings, Restrictions},
};
use crate::{environments::Environment, scopes::Section, settings::Settings, text, web::Problems};

/// Every field of the wizard and of the edit form, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeyForm {
    pub name: String,
    pub note: String,
    /// An App ID.
    pub application: String,
    /// An environment's slug.
    pub environment: String,
    /// `yes`
    pub all_permissions: String,
    /// Slugs of whole sections.
    pub section: Vec<String>,
    /// Slugs of single permissions.
    pub permission: Vec<String>,
    /// How many requests a second; empty: no limit on it. So are the next three.
    pub limit_second: String,
    pub limit_minute: String,
    pub limit_hour: String,
    pub limit_day: String,
    /// Days, `date` or `never`
    pub expires: String,
    pub expires_on: String,
    /// The platform's ids, one on each line.
    pub customers: String,
    /// Lists of ranges.
    pub allowed_ips: String,
    pub excluded_ips: String,
    /// `yes`: that every address is among the allowed ones is meant so.
    pub anywhere: String,
    /// A list of web origins.
    pub allowed_origins: String,

    /// Of the wizard: the name of the key that this one is to be like, and what could not be taken over from it.
    pub like: String,
    pub left_out: Vec<String>,
    /// Of the wizard: how often its draft was kept when the page was drawn.
    pub revision: u32,
    /// Of the wizard: which draft is meant, which step was filled in, where to go.
    #[serde(skip_serializing)]
    pub draft: String,
    #[serde(skip_serializing)]
    pub step: String,
    #[serde(skip_serializing)]
    pub go: String,

    /// Of the edit form: the version it was opened with, and whether an expired key shall live again.
    #[serde(skip_serializing)]
    pub version: String,
    #[serde(skip_serializing)]
    pub revive: String,
    /// Of the edit form: `yes`, that something it takes away was used is known; `back`, to look through it again.
    #[serde(skip_serializing)]
    pub narrows: String,
}

impl KeyForm {
    /// How an empty wizard begins here.
    pub fn blank(settings: &Settings) -> Self {
        let all = if settings.new_key_all_permissions { "yes" } else { "" };
        Self {
            all_permissions: all.into(),
            limit_second: "100".into(),
            expires: settings.default_lifetime_days.to_string(),
            ..Self::default()
        }
    }

    /// The edit form of a key.
    pub fn of(key: &Key, held: &Holdings, restrictions: &Restrictions) -> Self {
        let slugs =
            |named: &[(String, String)]| named.iter().map(|(slug, _)| slug.clone()).collect();
        let limit = |seconds| {
            let limit = held.limits.iter().find(|limit| limit.per_seconds == seconds);
            limit.map(|limit| limit.requests.to_string()).unwrap_or_default()
        };
        Self {
            name: key.name.clone(),
            note: key.note.clone(),
            application: key.application.app_id.clone(),
            environment: key.environment.slug.clone(),
            all_permissions: if key.all_permissions { "yes" } else { "" }.into(),
            section: slugs(&held.sections),
            permission: slugs(&held.permissions),
            limit_second: limit(1),
            limit_minute: limit(60),
            limit_hour: limit(3_600),
            limit_day: limit(86_400),
            expires: if key.expires_at.is_some() { "date" } else { "never" }.into(),
            expires_on: key
                .expires_at
                .map(|at| at.format("%Y-%m-%d").to_string())
                .unwrap_or_default(),
            customers: restrictions.customers.join("\n"),
            allowed_ips: restrictions.allowed_ips.join("\n"),
            excluded_ips: restrictions.excluded_ips.join("\n"),
            anywhere: if restrictions.allows_everywhere() { "yes" } else { "" }.into(),
            allowed_origins: restrictions.allowed_origins.join("\n"),
            version: key.version.to_string(),
            ..Self::default()
        }
    }

    /// What is wrong when the name looks like that of another key.
    pub fn name_taken() -> Problems {
        Problems::one(
            "name",
            "This name is too similar to that of another key of yours in the same application and environment. Choose another.",
        )
    }

    /// Name and note.
    pub fn check_name(&self, errors: &mut Problems) -> Option<(String, String)> {
        let name = errors.sort("name", text::parse_name("Name", &self.name, 100));
        let note = errors.sort("note", parse::parse_note(&self.note));
        Some((name?, note?))
    }

    /// Application and environment.
    pub fn check_place(&self, choices: &Choices, errors: &mut Problems) -> Option<(i64, i64)> {
        let application = match choices.application(self) {
            Some(archived) if archived.is_archived() => {
                Err("This application is archived and takes no new keys. Choose another.")
            }
            Some(application) => Ok(application.id),
            None => Err("Choose an application from the list."),
        };
        let environment = match choices.environment(self) {
            None => Err("Choose an environment from the list.".into()),
            Some(environment) if environment.is_retired() => Err(format!(
                "{} is retired: it takes no new keys. Choose another environment.",
                environment.name
            )),
            Some(environment) => Ok(environment.id),
        };
        let application = errors.sort("application", application.map_err(Into::into));
        let environment = errors.sort("environment", environment);
        Some((application?, environment?))
    }

    /// What the key may do.
    pub fn check_permissions(
        &self,
        choices: &Choices,
        errors: &mut Problems,
    ) -> Option<Permissions> {
        errors.sort("permissions", self.parse_permissions(choices))
    }

    /// Until when; within the policy of the environment, as far as it is known.
    pub fn check_expiry(
        &self,
        choices: &Choices,
        environment: Option<&Environment>,
        errors: &mut Problems,
    ) -> Option<Option<DateTime<Utc>>> {
        let expiry = self.parse_expiry(choices, environment).and_then(|expires_at| {
            if let Some(environment) = environment {
                policy::check_expiry(environment, expires_at, choices.now)?;
            }
            Ok(expires_at)
        });
        errors.sort("expires_on", expiry)
    }

    /// A lifetime that the environment does not allow becomes the longest that it does; a day that was picked is left
    /// to whoever picked it.
    pub fn fit_lifetime(&mut self, choices: &Choices) {
        let Some(environment) = choices.environment(self) else { return };
        let fits = match (self.expires.as_str(), self.expires.parse::<i32>()) {
            ("never", _) => environment.allows_never,
            (_, Ok(days)) => environment.longest_days.is_none_or(|longest| days <= longest),
            _ => true,
        };
        if !fits {
            let longest = environment.longest_days.map(i64::from);
            self.expires = longest.unwrap_or(choices.suggested_lifetime).to_string();
        }
    }

    /// The whole wizard.
    ///
    /// # Errors
    /// What is wrong, by field.
    pub fn parse_new(&self, choices: &Choices, owner_id: Option<i64>) -> Result<NewKey, Problems> {
        let mut errors = Problems::default();
        let named = self.check_name(&mut errors);
        let place = self.check_place(choices, &mut errors);
        let permissions = self.check_permissions(choices, &mut errors);
        let limits = self.check_rates(&mut errors);
        let expiry = self.check_expiry(choices, choices.environment(self), &mut errors);
        let restricted = self.check_restrictions(choices, &mut errors);
        match (named, place, permissions, limits, expiry, restricted) {
            (
                Some((name, note)),
                Some((application_id, environment_id)),
                Some(permissions),
                Some(limits),
                Some(expires_at),
                Some(restricted),
            ) => Ok(NewKey {
                name,
                note,
                application_id,
                environment_id,
                owner_id,
                permissions,
                limits,
                expires_at,
                customers: restricted.customers,
                allowed_ips: restricted.allowed_ips,
                excluded_ips: restricted.excluded_ips,
                allowed_origins: restricted.allowed_origins,
            }),
            _ => Err(errors),
        }
    }

    /// The whole edit form. An expiry that is not touched stays to the second, also one that has passed, or that the
    /// policy of the environment would not allow any more.
    ///
    /// # Errors
    /// What is wrong, by field.
    pub fn parse_changes(
        &self,
        choices: &Choices,
        environment: &Environment,
        key: &Key,
        held: &Holdings,
    ) -> Result<KeyChanges, Problems> {
        let mut errors = Problems::default();
        let named = self.check_name(&mut errors);
        let permissions = self.check_permissions(choices, &mut errors);
        let is_untouched = match (self.expires.as_str(), key.expires_at) {
            ("date", Some(at)) => at.format("%Y-%m-%d").to_string() == self.expires_on,
            ("never", None) => true,
            _ => false,
        };
        // Limits of which one never refuses are said to be odd when they are made, not whenever the name is put right.
        let limits = match self.parse_rates() {
            Ok(limits) if limits == held.limits => Some(limits),
            _ => self.check_rates(&mut errors),
        };
        let expiry = if is_untouched {
            Some(key.expires_at)
        } else {
            self.check_expiry(choices, Some(environment), &mut errors)
        };
        let restricted = self.check_restrictions(choices, &mut errors);
        match (named, permissions, limits, expiry, restricted) {
            (
                Some((name, note)),
                Some(permissions),
                Some(limits),
                Some(expires_at),
                Some(restricted),
            ) => Ok(KeyChanges {
                name,
                note,
                permissions,
                limits,
                expires_at,
                customers: restricted.customers,
                allowed_ips: restricted.allowed_ips,
                excluded_ips: restricted.excluded_ips,
                allowed_origins: restricted.allowed_origins,
            }),
            _ => Err(errors),
        }
    }

    /// Whether a whole section is chosen.
    pub fn has_section(&self, slug: &str) -> bool {
        self.section.iter().any(|chosen| chosen == slug)
    }

    /// Whether a permission is chosen by itself.
    pub fn has_permission(&self, slug: &str) -> bool {
        self.permission.iter().any(|chosen| chosen == slug)
    }

    /// How many of a section's permissions are chosen, one way or the other.
    pub fn count_of(&self, section: &Section) -> usize {
        if self.all_permissions == "yes" || self.has_section(&section.slug) {
            return section.permissions.len();
        }
        section
            .permissions
            .iter()
            .filter(|permission| self.has_permission(&permission.slug))
            .count()
    }
}
