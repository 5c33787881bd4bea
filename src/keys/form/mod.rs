//! A key as typed, in the wizard or in the edit form, and what is wrong with it.

mod choices;
mod errors;
mod parse;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use choices::Choices;
pub use errors::KeyErrors;

use super::{Key, KeyChanges, Limit, NewKey, Permissions, queries::Holdings};
use crate::{scopes::Section, settings::Settings, text};

/// The lifetimes on offer, in days.
pub const LIFETIMES: [i64; 5] = [7, 30, 60, 90, 365];
/// What is chosen unless one chooses.
pub(super) const DEFAULT_LIFETIME: i64 = 90;

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
    /// `limited` or `none`
    pub rate: String,
    pub rate_count: String,
    /// `second`, `minute`, `hour` or `day`
    pub rate_unit: String,
    /// Days, `date` or `never`
    pub expires: String,
    pub expires_on: String,

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
}

impl KeyForm {
    /// How an empty wizard begins here.
    pub fn blank(settings: &Settings) -> Self {
        let all = if settings.new_key_all_permissions { "yes" } else { "" };
        Self {
            all_permissions: all.into(),
            rate: "limited".into(),
            rate_count: "100".into(),
            rate_unit: "second".into(),
            expires: DEFAULT_LIFETIME.to_string(),
            ..Self::default()
        }
    }

    /// The edit form of a key.
    pub fn of(key: &Key, held: &Holdings) -> Self {
        let slugs =
            |named: &[(String, String)]| named.iter().map(|(slug, _)| slug.clone()).collect();
        let limit = held.limits.first();
        Self {
            name: key.name.clone(),
            note: key.note.clone(),
            application: key.application.app_id.clone(),
            environment: key.environment.slug.clone(),
            all_permissions: if key.all_permissions { "yes" } else { "" }.into(),
            section: slugs(&held.sections),
            permission: slugs(&held.permissions),
            rate: if limit.is_some() { "limited" } else { "none" }.into(),
            rate_count: limit.map_or_else(|| "100".into(), |limit| limit.requests.to_string()),
            rate_unit: limit.map_or("second", Limit::window).into(),
            expires: if key.expires_at.is_some() { "date" } else { "never" }.into(),
            expires_on: key
                .expires_at
                .map(|at| at.format("%Y-%m-%d").to_string())
                .unwrap_or_default(),
            version: key.version.to_string(),
            ..Self::default()
        }
    }

    /// Name and note.
    pub fn check_name(&self, errors: &mut KeyErrors) -> Option<(String, String)> {
        let name = errors.keep("name", text::parse_name("Name", &self.name, 100));
        let note = errors.keep("note", parse::parse_note(&self.note));
        Some((name?, note?))
    }

    /// Application and environment.
    pub fn check_place(&self, choices: &Choices, errors: &mut KeyErrors) -> Option<(i64, i64)> {
        let application = match choices.application(self) {
            Some(archived) if archived.is_archived() => {
                Err("This application is archived and takes no new keys. Choose another.")
            }
            Some(application) => Ok(application.id),
            None => Err("Choose an application from the list."),
        };
        let environment = choices
            .environment(self)
            .map(|environment| environment.id)
            .ok_or("Choose an environment from the list.");
        let application = errors.keep("application", application.map_err(Into::into));
        let environment = errors.keep("environment", environment.map_err(Into::into));
        Some((application?, environment?))
    }

    /// What the key may do.
    pub fn check_permissions(
        &self,
        choices: &Choices,
        errors: &mut KeyErrors,
    ) -> Option<Permissions> {
        errors.keep("permissions", self.parse_permissions(choices))
    }

    /// How often and until when.
    pub fn check_limits(
        &self,
        now: DateTime<Utc>,
        errors: &mut KeyErrors,
    ) -> Option<(Vec<Limit>, Option<DateTime<Utc>>)> {
        let limits = errors.keep("rate_count", self.parse_rate());
        let expiry = errors.keep("expires_on", self.parse_expiry(now));
        Some((limits?, expiry?))
    }

    /// The whole wizard.
    ///
    /// # Errors
    /// What is wrong, by field.
    pub fn parse_new(&self, choices: &Choices, owner_id: Option<i64>) -> Result<NewKey, KeyErrors> {
        let mut errors = KeyErrors::default();
        let named = self.check_name(&mut errors);
        let place = self.check_place(choices, &mut errors);
        let permissions = self.check_permissions(choices, &mut errors);
        let limits = self.check_limits(choices.now, &mut errors);
        match (named, place, permissions, limits) {
            (
                Some((name, note)),
                Some((application_id, environment_id)),
                Some(permissions),
                Some((limits, expires_at)),
            ) => Ok(NewKey {
                name,
                note,
                application_id,
                environment_id,
                owner_id,
                permissions,
                limits,
                expires_at,
                customers: Vec::new(),
                allowed_ips: Vec::new(),
            }),
            _ => Err(errors),
        }
    }

    /// The whole edit form. What is not touched stays: an expiry to the second, also one
    /// that has passed, and limits that the form does not show.
    ///
    /// # Errors
    /// What is wrong, by field.
    pub fn parse_changes(
        &self,
        choices: &Choices,
        key: &Key,
        held: &Holdings,
    ) -> Result<KeyChanges, KeyErrors> {
        let mut errors = KeyErrors::default();
        let named = self.check_name(&mut errors);
        let permissions = self.check_permissions(choices, &mut errors);
        let is_untouched = self.expires == "date"
            && key
                .expires_at
                .is_some_and(|at| at.format("%Y-%m-%d").to_string() == self.expires_on);
        // The form shows one limit; a key may have several, and keeps them unless this one is changed.
        let limits = errors.keep("rate_count", self.parse_rate()).map(|typed| {
            if typed.first() == held.limits.first() { held.limits.clone() } else { typed }
        });
        let expiry = if is_untouched {
            Some(key.expires_at)
        } else {
            errors.keep("expires_on", self.parse_expiry(choices.now))
        };
        match (named, permissions, limits, expiry) {
            (Some((name, note)), Some(permissions), Some(limits), Some(expires_at)) => {
                Ok(KeyChanges { name, note, permissions, limits, expires_at })
            }
            _ => Err(errors),
        }
    }

    /// Whether this limit unit is chosen.
    pub fn has_unit(&self, word: &str) -> bool {
        self.rate_unit == word
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
