//! The form as typed, and what it means.

use serde::Deserialize;

use super::{Changes, Environment, Mode, NewEnvironment};
use crate::{
    text,
    web::{Problems, Ticked},
};

/// No lifetime is longer, in days.
const LONGEST_DAYS: i32 = 3_650;

/// A new environment, or another look of one.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Form {
    pub name: String,
    pub slug: String,
    pub prefix: String,
    /// `live` or `test`
    pub mode: String,
    pub longest_days: String,
    pub allows_never: Option<Ticked>,
}

impl Form {
    /// How an empty form begins.
    pub fn blank() -> Self {
        Self { mode: Mode::Test.slug().into(), allows_never: Some(Ticked::Yes), ..Self::default() }
    }

    pub fn of(environment: &Environment) -> Self {
        Self {
            name: environment.name.clone(),
            slug: environment.slug.clone(),
            prefix: environment.prefix.clone(),
            mode: environment.mode.slug().into(),
            longest_days: environment.longest_days.map(|days| days.to_string()).unwrap_or_default(),
            allows_never: environment.allows_never.then_some(Ticked::Yes),
        }
    }

    pub fn is_mode(&self, mode: Mode) -> bool {
        self.mode == mode.slug()
    }

    pub fn parse_new(&self) -> Result<NewEnvironment, Problems> {
        let mut problems = Problems::default();
        let name = problems.sort("name", text::parse_name("Name", &self.name, 60));
        let slug = problems.sort("slug", parse_slug(self.slug.trim()));
        let prefix = problems.sort("prefix", parse_prefix(self.prefix.trim()));
        let mode = problems.sort("mode", self.parse_mode());
        let policy = self.parse_policy(&mut problems);
        match (name, slug, prefix, mode, policy) {
            (Some(name), Some(slug), Some(prefix), Some(mode), Some(policy)) => {
                let (longest_days, allows_never) = policy;
                Ok(NewEnvironment { slug, name, prefix, mode, longest_days, allows_never })
            }
            _ => Err(problems),
        }
    }

    /// `fixed`: keys were made in it, so prefix and mode stay.
    pub fn parse_changes(&self, before: &Environment, fixed: bool) -> Result<Changes, Problems> {
        let mut problems = Problems::default();
        let name = problems.sort("name", text::parse_name("Name", &self.name, 60));
        if !self.slug.is_empty() && self.slug != before.slug {
            problems.add("slug", "The slug is fixed. Add another environment instead.");
        }
        let place = if fixed {
            let stays = |typed: &str, known: &str| typed.is_empty() || typed == known;
            if !stays(&self.prefix, &before.prefix) || !stays(&self.mode, before.mode.slug()) {
                problems.add(
                    "prefix",
                    "Prefix and mode are fixed, because keys have been made with them.",
                );
            }
            Some(None)
        } else {
            let prefix = problems.sort("prefix", parse_prefix(self.prefix.trim()));
            let mode = problems.sort("mode", self.parse_mode());
            prefix.zip(mode).map(Some)
        };
        let policy = self.parse_policy(&mut problems);
        match (name, place, policy, problems.is_empty()) {
            (Some(name), Some(prefix_and_mode), Some((longest_days, allows_never)), true) => {
                Ok(Changes { name, prefix_and_mode, longest_days, allows_never })
            }
            _ => Err(problems),
        }
    }

    fn parse_mode(&self) -> Result<Mode, String> {
        Mode::parse(&self.mode).ok_or_else(|| "Choose Live or Test.".into())
    }

    fn parse_policy(&self, problems: &mut Problems) -> Option<(Option<i32>, bool)> {
        let allows_never = self.allows_never.is_some();
        let typed = self.longest_days.trim();
        let is_number = typed.len() <= 4 && typed.bytes().all(|byte| byte.is_ascii_digit());
        let days = if typed.is_empty() {
            None
        } else {
            // What is no number is as far out of range as zero.
            Some(if is_number { typed.parse().unwrap_or_default() } else { 0 })
        };
        match parse_policy(days, allows_never) {
            Ok(days) => Some((days, allows_never)),
            Err((field, sentence)) => {
                problems.add(field, sentence);
                None
            }
        }
    }
}

/// The longest lifetime, or the field that is wrong and why.
///
/// # Errors
/// The field and the sentence.
pub fn parse_policy(
    longest_days: Option<i64>,
    allows_never: bool,
) -> Result<Option<i32>, (&'static str, String)> {
    let Some(days) = longest_days else { return Ok(None) };
    let days =
        i32::try_from(days).ok().filter(|days| (1..=LONGEST_DAYS).contains(days)).ok_or((
            "longest_days",
            "The longest lifetime is a whole number of days from 1 to 3650, or none.".to_owned(),
        ))?;
    if allows_never {
        return Err((
            "allows_never",
            "A key that may never expire has no longest lifetime: choose one of the two.".into(),
        ));
    }
    Ok(Some(days))
}

/// How addresses and files call it.
///
/// # Errors
/// The sentence for the field.
pub fn parse_slug(typed: &str) -> Result<String, String> {
    let fits = (1..=40).contains(&typed.len())
        && typed.starts_with(|first: char| first.is_ascii_lowercase())
        && typed
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if fits {
        Ok(typed.to_owned())
    } else {
        Err("Slug must be 1-40 small letters, digits or hyphens, beginning with a letter, such as production.".into())
    }
}

/// What its keys begin with.
///
/// # Errors
/// The sentence for the field.
pub fn parse_prefix(typed: &str) -> Result<String, String> {
    let fits =
        (2..=8).contains(&typed.len()) && typed.bytes().all(|byte| byte.is_ascii_lowercase());
    if fits {
        Ok(typed.to_owned())
    } else {
        Err("Prefix must be 2-8 small letters, such as prod.".into())
    }
}

/// What the database says of a name that is taken.
pub fn taken(constraint: &str) -> Option<Problems> {
    match constraint {
        "environments_slug" => {
            Some(Problems::one("slug", "Another environment has this slug. Choose another."))
        }
        "environments_prefix" => Some(Problems::one(
            "prefix",
            "Another environment has this prefix, and a key has to say where it belongs. Choose another.",
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_a_few_small_letters() {
        for prefix in ["prod", "qa", "abcdefgh"] {
            assert!(parse_prefix(prefix).is_ok(), "{prefix}");
        }
        for prefix in ["", "p", "abcdefghi", "Prod", "prod_", "pr0d", "pró", "pro d"] {
            assert!(parse_prefix(prefix).is_err(), "{prefix}");
        }
    }

    #[test]
    fn a_policy_has_a_longest_lifetime_or_none_at_all() {
        assert_eq!(parse_policy(None, true), Ok(None));
        assert_eq!(parse_policy(None, false), Ok(None));
        assert_eq!(parse_policy(Some(90), false), Ok(Some(90)));
        assert_eq!(parse_policy(Some(90), true).unwrap_err().0, "allows_never");
        for days in [0, -1, 3_651, i64::MAX] {
            assert_eq!(parse_policy(Some(days), false).unwrap_err().0, "longest_days");
        }
    }

    #[test]
    fn days_are_typed_in_digits() {
        let days = |typed: &str| {
            Form { longest_days: typed.into(), ..Form::default() }
                .parse_policy(&mut Problems::default())
        };
        assert_eq!(days(" 90 "), Some((Some(90), false)));
        assert_eq!(days(""), Some((None, false)));
        for typed in ["0", "-1", "+5", "1e3", "90d", "3651", "99999999999999999999", "٩"] {
            assert_eq!(days(typed), None, "{typed}");
        }
    }
}
