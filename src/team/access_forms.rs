//! The forms about API access as typed, and what they mean.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::{
    access::Grant,
    environments::Environment,
    keys::{Handover, Permissions, end_in_days},
    scopes::Section,
    web::Problems,
};

/// What a manager may hand out. Without any field: everything.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GrantForm {
    /// `all` or `some`
    environments: String,
    /// Slugs, when it is some.
    environment: Vec<String>,
    /// `all` or `some`
    permissions: String,
    /// Slugs of whole sections, when it is some.
    section: Vec<String>,
    /// Slugs of single permissions, when it is some.
    permission: Vec<String>,
}

impl GrantForm {
    /// The form of a grant that is there.
    pub fn of(grant: &Grant, environments: &[Environment], catalogue: &[Section]) -> Self {
        let which = |all| if all { "all" } else { "some" }.to_owned();
        let in_catalogue = catalogue.iter().flat_map(|section| &section.permissions);
        Self {
            environments: which(grant.environments.is_none()),
            environment: environments
                .iter()
                .filter(|environment| {
                    grant.environments.as_ref().is_some_and(|some| some.contains(&environment.id))
                })
                .map(|environment| environment.slug.clone())
                .collect(),
            permissions: which(grant.permissions.all),
            section: catalogue
                .iter()
                .filter(|section| grant.permissions.sections.contains(&section.id))
                .map(|section| section.slug.clone())
                .collect(),
            permission: in_catalogue
                .filter(|permission| grant.permissions.permissions.contains(&permission.id))
                .map(|permission| permission.slug.clone())
                .collect(),
        }
    }

    pub fn parse(
        &self,
        environments: &[Environment],
        catalogue: &[Section],
    ) -> Result<Grant, Problems> {
        let mut problems = Problems::default();
        let environments = problems.sort("environments", self.parse_environments(environments));
        let permissions = problems.sort("permissions", self.parse_permissions(catalogue));
        match (environments, permissions) {
            (Some(environments), Some(permissions)) => Ok(Grant::of(environments, permissions)),
            _ => Err(problems),
        }
    }

    fn parse_environments(&self, known: &[Environment]) -> Result<Option<Vec<i64>>, String> {
        if is_all(&self.environments, self.environment.is_empty())? {
            return Ok(None);
        }
        let id = |slug: &String| {
            known
                .iter()
                .find(|environment| environment.slug == *slug)
                .map(|environment| environment.id)
                .ok_or("One of the environments doesn’t exist any more. Look through your choice.")
        };
        let ids = self.environment.iter().map(id).collect::<Result<Vec<_>, _>>()?;
        if ids.is_empty() {
            return Err("Choose at least one environment, or all of them.".into());
        }
        Ok(Some(ids))
    }

    fn parse_permissions(&self, catalogue: &[Section]) -> Result<Permissions, String> {
        if is_all(&self.permissions, self.section.is_empty() && self.permission.is_empty())? {
            return Ok(Permissions { all: true, ..Permissions::default() });
        }
        let unknown = "One of the permissions doesn’t exist any more. Look through your choice.";
        let mut chosen = Permissions::default();
        for slug in &self.section {
            let section = catalogue.iter().find(|section| section.slug == *slug).ok_or(unknown)?;
            chosen.sections.push(section.id);
        }
        for slug in &self.permission {
            let permission = catalogue
                .iter()
                .flat_map(|section| &section.permissions)
                .find(|permission| permission.slug == *slug)
                .ok_or(unknown)?;
            // What a whole section covers anyway is not kept a second time.
            if !chosen.sections.contains(&permission.section_id) {
                chosen.permissions.push(permission.id);
            }
        }
        if chosen.is_empty() {
            return Err("Choose at least one permission, or all of them.".into());
        }
        Ok(chosen)
    }

    /// Whether the cards of environments count.
    pub fn limits_environments(&self) -> bool {
        !matches!(is_all(&self.environments, self.environment.is_empty()), Ok(true))
    }

    /// Whether the cards of permissions count.
    pub fn limits_permissions(&self) -> bool {
        let is_empty = self.section.is_empty() && self.permission.is_empty();
        !matches!(is_all(&self.permissions, is_empty), Ok(true))
    }

    pub fn has_environment(&self, slug: &str) -> bool {
        self.environment.iter().any(|chosen| chosen == slug)
    }

    pub fn has_section(&self, slug: &str) -> bool {
        self.section.iter().any(|chosen| chosen == slug)
    }

    pub fn has_permission(&self, slug: &str) -> bool {
        self.permission.iter().any(|chosen| chosen == slug)
    }
}

/// Whoever names some means some, also without saying so.
fn is_all(which: &str, names_none: bool) -> Result<bool, String> {
    match which {
        "all" => Ok(true),
        "some" => Ok(false),
        "" => Ok(names_none),
        _ => Err("Choose all of them or some.".into()),
    }
}

/// What becomes of the keys of somebody who loses API access. Without any field: they are left as they are.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithdrawForm {
    /// `leave`, `transfer`, `expire` or `disable`
    #[serde(default)]
    keys: String,
    /// To whom: somebody's id, or nothing for the operator.
    owner: Option<String>,
    #[serde(default)]
    pub days: String,
}

impl WithdrawForm {
    /// Nothing is done to the keys unless one says so.
    pub fn blank() -> Self {
        Self { keys: "leave".into(), owner: None, days: "30".into() }
    }

    pub fn parse(&self, now: DateTime<Utc>) -> Result<Handover, Problems> {
        let wrong = |field, sentence: &str| Err(Problems::one(field, sentence));
        match self.keys.as_str() {
            "" | "leave" => Ok(Handover::Leave),
            "disable" => Ok(Handover::Disable),
            "transfer" => match self.owner.as_deref() {
                Some("") => Ok(Handover::Transfer(None)),
                Some(id) if id.parse::<i64>().is_ok() => Ok(Handover::Transfer(id.parse().ok())),
                _ => wrong("owner", "Choose who gets them."),
            },
            "expire" => match whole_number(self.days.trim()) {
                Some(days @ 1..=365) => Ok(Handover::Expire(end_in_days(now, days))),
                _ => wrong("days", "Give a whole number of days from 1 to 365."),
            },
            _ => wrong("keys", "Choose what becomes of the keys."),
        }
    }

    pub fn wants(&self, what: &str) -> bool {
        self.keys == what || (self.keys.is_empty() && what == "leave")
    }

    pub fn is_for_nobody_yet(&self) -> bool {
        self.owner.is_none()
    }

    pub fn is_for(&self, id: &i64) -> bool {
        self.owner.as_deref() == Some(id.to_string().as_str())
    }

    pub fn is_for_operator(&self) -> bool {
        self.owner.as_deref() == Some("")
    }
}

/// Digits only: no sign, no blanks between.
fn whole_number(typed: &str) -> Option<i64> {
    typed.bytes().all(|byte| byte.is_ascii_digit()).then(|| typed.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn withdraw(keys: &str, owner: Option<&str>, days: &str) -> Result<Handover, Problems> {
        WithdrawForm { keys: keys.into(), owner: owner.map(Into::into), days: days.into() }
            .parse(Utc::now())
    }

    #[test]
    fn keys_expire_after_a_whole_number_of_days_within_a_year() {
        for days in ["1", "365", " 30 "] {
            assert!(matches!(withdraw("expire", None, days), Ok(Handover::Expire(_))), "{days}");
        }
        for days in ["0", "-1", "366", "1.5", "+5", "", "soon", "٣", "99999999999999999999"] {
            assert!(withdraw("expire", None, days).is_err(), "{days}");
        }
    }

    #[test]
    fn whoever_transfers_says_to_whom() {
        assert!(matches!(withdraw("transfer", Some(""), ""), Ok(Handover::Transfer(None))));
        assert!(matches!(withdraw("transfer", Some("7"), ""), Ok(Handover::Transfer(Some(7)))));
        for owner in [None, Some("Ada"), Some("7;"), Some("99999999999999999999")] {
            assert!(withdraw("transfer", owner, "").is_err(), "{owner:?}");
        }
    }

    #[test]
    fn nothing_said_leaves_the_keys_alone_and_nonsense_is_asked_again() {
        assert!(matches!(withdraw("", None, ""), Ok(Handover::Leave)));
        assert!(withdraw("burn", None, "").is_err());
    }

    #[test]
    fn a_grant_form_without_fields_means_everything_and_one_that_names_some_means_some() {
        assert!(GrantForm::default().parse(&[], &[]).is_ok_and(|grant| grant.is_everything()));
        for which in ["some", "none"] {
            let form = GrantForm { environments: which.into(), ..GrantForm::default() };
            assert!(form.parse(&[], &[]).is_err(), "{which}");
            let form = GrantForm { permissions: which.into(), ..GrantForm::default() };
            assert!(form.parse(&[], &[]).is_err(), "{which}");
        }
        let form = GrantForm { environment: vec!["production".into()], ..GrantForm::default() };
        assert!(form.parse(&[], &[]).is_err(), "it is unknown, not everything");
    }
}
