//! Single fields, as typed and as meant.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::{Choices, KeyForm, LIFETIMES};
use crate::{
    keys::{
        Limit, Permissions, end_in_days, end_of,
        model::{MOST_REQUESTS, WINDOWS},
    },
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

    pub(super) fn parse_rate(&self) -> Result<Vec<Limit>, String> {
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

    pub(super) fn parse_expiry(&self, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, String> {
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
