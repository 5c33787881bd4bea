//! A key as typed, in the wizard or in the edit form, and what is wrong with it.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{
    Key, KeyChanges, Limit, NewKey, Permissions,
    model::{MOST_REQUESTS, WINDOWS, end_in_days, end_of},
    queries::Holdings,
};
use crate::{
    applications::Application, environments::Environment, scopes::Section, settings::Settings,
    text, web::time::spell_day,
};

/// The lifetimes on offer, in days.
pub const LIFETIMES: [i64; 5] = [7, 30, 60, 90, 365];
/// What is chosen unless one chooses.
const DEFAULT_LIFETIME: i64 = 90;
/// No key lives longer, unless for ever.
const LONGEST_YEARS: i64 = 10;

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

/// What forms can choose from.
#[derive(Debug, Clone)]
pub struct Choices {
    pub applications: Vec<Application>,
    pub environments: Vec<Environment>,
    pub catalogue: Vec<Section>,
    /// When the form was drawn: expiry is counted from here.
    pub now: DateTime<Utc>,
}

/// What is wrong, by field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyErrors(Vec<(&'static str, String)>);

impl KeyErrors {
    /// A sentence about one field.
    pub fn one(field: &'static str, sentence: impl Into<String>) -> Self {
        Self(vec![(field, sentence.into())])
    }

    /// The name looks like that of another key.
    pub fn name_taken() -> Self {
        Self::one(
            "name",
            "This name is too similar to that of another key of yours in the same application and environment. Choose another.",
        )
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The sentence about a field.
    pub fn get(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(wrong, _)| *wrong == field).map(|(_, sentence)| sentence.as_str())
    }

    pub fn has(&self, field: &str) -> bool {
        self.get(field).is_some()
    }

    /// All of them, in the order of the form.
    pub fn all(&self) -> &[(&'static str, String)] {
        &self.0
    }

    fn keep<T>(&mut self, field: &'static str, outcome: Result<T, String>) -> Option<T> {
        outcome.map_err(|sentence| self.0.push((field, sentence))).ok()
    }
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
        let note = errors.keep("note", parse_note(&self.note));
        Some((name?, note?))
    }

    /// Application and environment.
    pub fn check_place(&self, choices: &Choices, errors: &mut KeyErrors) -> Option<(i64, i64)> {
        let application = choices
            .application(self)
            .map(|application| application.id)
            .ok_or("Choose an application from the list.");
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

    fn parse_permissions(&self, choices: &Choices) -> Result<Permissions, String> {
        let unknown = || {
            "One of the permissions doesn’t exist any more. Look through your choice.".to_owned()
        };
        let all = match self.all_permissions.as_str() {
            "" => false,
            "yes" => true,
            _ => return Err(unknown()),
        };
        let mut chosen = Permissions { all, ..Permissions::default() };
        for slug in &self.section {
            let section = choices
                .catalogue
                .iter()
                .find(|section| section.slug == *slug)
                .ok_or_else(unknown)?;
            if !chosen.sections.contains(&section.id) {
                chosen.sections.push(section.id);
            }
        }
        for slug in &self.permission {
            let (section, permission) = choices
                .catalogue
                .iter()
                .find_map(|section| {
                    Some((
                        section,
                        section.permissions.iter().find(|permission| permission.slug == *slug)?,
                    ))
                })
                .ok_or_else(unknown)?;
            // What a whole section holds anyway is not kept a second time.
            if !chosen.sections.contains(&section.id)
                && !chosen.permissions.contains(&permission.id)
            {
                chosen.permissions.push(permission.id);
            }
        }
        if chosen.is_empty() {
            Err("Choose at least one permission. A key without any is refused everywhere.".into())
        } else {
            Ok(chosen)
        }
    }

    fn parse_rate(&self) -> Result<Vec<Limit>, String> {
        let range = || "Give a whole number from 1 to 1 000 000, or choose “No limit”.".to_owned();
        match self.rate.as_str() {
            "none" => Ok(Vec::new()),
            "limited" => {
                let typed = self.rate_count.trim();
                if typed.is_empty()
                    || typed.len() > 7
                    || !typed.bytes().all(|byte| byte.is_ascii_digit())
                {
                    return Err(range());
                }
                let requests: i32 = typed.parse().map_err(|_| range())?;
                if !(1..=MOST_REQUESTS).contains(&requests) {
                    return Err(range());
                }
                let (per_seconds, _) = WINDOWS
                    .into_iter()
                    .find(|(_, word)| *word == self.rate_unit)
                    .ok_or("Choose second, minute, hour or day.")?;
                Ok(vec![Limit { requests, per_seconds }])
            }
            _ => Err("Choose a limit or “No limit”.".into()),
        }
    }

    fn parse_expiry(&self, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, String> {
        if self.expires == "never" {
            return Ok(None);
        }
        if self.expires == "date" {
            return parse_day(&self.expires_on, now).map(|day| Some(end_of(day)));
        }
        LIFETIMES
            .into_iter()
            .find(|days| days.to_string() == self.expires)
            .map(|days| Some(end_in_days(now, days)))
            .ok_or_else(|| "Choose when the key expires.".into())
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

impl Choices {
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

fn parse_note(typed: &str) -> Result<String, String> {
    let note = text::tidy(&typed.replace("\r\n", "\n"));
    if note.chars().count() > 500 {
        return Err("Note must be at most 500 characters.".into());
    }
    if !text::is_showable_prose(&note) {
        return Err("Note contains characters that cannot be shown.".into());
    }
    Ok(note)
}

fn parse_day(typed: &str, now: DateTime<Utc>) -> Result<NaiveDate, String> {
    let is_date =
        typed.len() == 10 && typed.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let today = now.date_naive();
    let latest = today + TimeDelta::days(LONGEST_YEARS * 365);
    let day = is_date.then(|| NaiveDate::parse_from_str(typed, "%Y-%m-%d").ok()).flatten();
    match day {
        None => Err("Give a day as year-month-day, such as 2027-02-18.".into()),
        Some(day) if day <= today => Err(
            "That day has begun or passed. Choose a later one; to stop the key now, use Revoke."
                .into(),
        ),
        Some(day) if day > latest => {
            Err(format!("Choose a day before {}, or “Never”.", spell_day(latest)))
        }
        Some(day) => Ok(day),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scopes::{Access, Permission};

    fn choices() -> Choices {
        let permission = |id, slug: &str| Permission {
            id,
            section_id: 1,
            slug: slug.into(),
            label: slug.into(),
            description: String::new(),
            access: Access::Read,
            publishable: false,
        };
        let catalogue = vec![Section {
            id: 1,
            slug: "orders".into(),
            name: "Orders".into(),
            permissions: vec![permission(10, "orders:read"), permission(11, "orders:write")],
        }];
        Choices { applications: Vec::new(), environments: Vec::new(), catalogue, now: Utc::now() }
    }

    #[test]
    fn nothing_chosen_is_never_everything() {
        assert!(KeyForm::default().parse_permissions(&choices()).is_err());
    }

    #[test]
    fn what_a_whole_section_holds_is_not_kept_twice() {
        let form = KeyForm {
            section: vec!["orders".into()],
            permission: vec!["orders:read".into(), "orders:read".into()],
            ..KeyForm::default()
        };
        let chosen = form.parse_permissions(&choices()).unwrap();
        assert_eq!(chosen, Permissions { all: false, sections: vec![1], permissions: vec![] });
    }

    #[test]
    fn a_permission_is_spelled_exactly() {
        for slug in ["Orders:Read", "orders:*", "*", "orders:delete"] {
            let form = KeyForm { permission: vec![slug.into()], ..KeyForm::default() };
            assert!(form.parse_permissions(&choices()).is_err(), "{slug}");
        }
    }

    #[test]
    fn rates_are_whole_numbers_in_range() {
        let rate = |typed: &str| {
            KeyForm {
                rate: "limited".into(),
                rate_count: typed.into(),
                rate_unit: "second".into(),
                ..KeyForm::default()
            }
            .parse_rate()
        };
        assert_eq!(rate("100"), Ok(vec![Limit { requests: 100, per_seconds: 1 }]));
        assert!(rate("1000000").is_ok());
        for typed in ["0", "-1", "1e3", "1.5", "2147483648", "1000001", "NaN", "١٠", "", "+5"] {
            assert!(rate(typed).is_err(), "{typed}");
        }
    }

    #[test]
    fn expiry_is_a_day_to_come() {
        let now = Utc::now();
        let expiry = |typed: &str| {
            KeyForm { expires: "date".into(), expires_on: typed.into(), ..KeyForm::default() }
                .parse_expiry(now)
        };
        let tomorrow = (now + TimeDelta::days(1)).format("%Y-%m-%d").to_string();
        assert!(expiry(&tomorrow).is_ok());
        for typed in [
            "2020-01-01",
            &now.format("%Y-%m-%d").to_string(),
            "9999-01-01",
            "2027-02-30",
            "0000-00-00",
            "tomorrow",
            "",
            "+027-01-01",
        ] {
            assert!(expiry(typed).is_err(), "{typed}");
        }
    }
}
