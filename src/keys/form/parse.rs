//! Single fields, as typed and as meant.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::{Choices, KeyForm};
use crate::{
    environments::Environment,
    keys::{Permissions, end_in_days, end_of, policy},
    text,
    web::time::spell_day,
};

/// No key lives longer, unless for ever.
const LONGEST_YEARS: i64 = 10;

impl KeyForm {
    pub(super) fn parse_permissions(&self, choices: &Choices) -> Result<Permissions, String> {
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
                .find(|section| section.slug == *slug && choices.offers_whole(section))
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

    pub(super) fn parse_expiry(
        &self,
        choices: &Choices,
        environment: Option<&Environment>,
    ) -> Result<Option<DateTime<Utc>>, String> {
        if self.expires == "never" {
            return Ok(None);
        }
        if self.expires == "date" {
            return parse_day(&self.expires_on, choices.now).map(|day| Some(end_of(day)));
        }
        policy::lifetimes(choices.suggested_lifetime, environment)
            .into_iter()
            .find(|days| days.to_string() == self.expires)
            .map(|days| Some(end_in_days(choices.now, days)))
            .ok_or_else(|| "Choose when the key expires.".into())
    }
}

pub(super) fn parse_note(typed: &str) -> Result<String, String> {
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
    use std::collections::HashMap;

    use super::*;
    use crate::scopes::{Access, Permission, Section};

    fn choices() -> Choices {
        let permission = |id, slug: &str| Permission {
            id,
            section_id: 1,
            slug: slug.into(),
            label: slug.into(),
            description: String::new(),
            access: Access::Read,
            publishable: false,
            retired_at: None,
        };
        let catalogue = vec![Section {
            id: 1,
            slug: "orders".into(),
            name: "Orders".into(),
            retired_at: None,
            permissions: vec![permission(10, "orders:read"), permission(11, "orders:write")],
        }];
        Choices {
            applications: Vec::new(),
            environments: Vec::new(),
            catalogue,
            grant: None,
            customers: HashMap::new(),
            suggested_lifetime: 90,
            kept_sections: Vec::new(),
            now: Utc::now(),
        }
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
    fn expiry_is_a_day_to_come() {
        let (choices, now) = (choices(), Utc::now());
        let expiry = |typed: &str| {
            KeyForm { expires: "date".into(), expires_on: typed.into(), ..KeyForm::default() }
                .parse_expiry(&choices, None)
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
