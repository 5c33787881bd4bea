//! The forms as typed, and what they mean.

use serde::Deserialize;

use super::{Policies, Settings};
use crate::web::{Problems, Ticked};

/// Ten years: no key lives longer, unless for ever.
const LONGEST_DAYS: i32 = 3_650;

/// What applies to everybody.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    managers_may_revoke: Option<Ticked>,
    managers_may_regenerate: Option<Ticked>,
    new_key_all_permissions: Option<Ticked>,
    /// In days; left out, it stays as it is.
    pub default_lifetime_days: Option<String>,
}

impl Form {
    /// # Errors
    /// What is wrong, by field.
    pub fn parse(&self, before: &Settings) -> Result<Policies, Problems> {
        let mut problems = Problems::default();
        let days = match &self.default_lifetime_days {
            None => Ok(before.default_lifetime_days),
            Some(typed) => parse_days(typed),
        };
        let days = problems.sort("default_lifetime_days", days).ok_or(problems)?;
        Ok(Policies {
            managers_may_revoke: self.managers_may_revoke.is_some(),
            managers_may_regenerate: self.managers_may_regenerate.is_some(),
            new_key_all_permissions: self.new_key_all_permissions.is_some(),
            default_lifetime_days: days,
        })
    }

    /// The settings as they would be with what was typed, for the form that is shown again.
    pub fn over(&self, before: Settings) -> Settings {
        Settings {
            managers_may_revoke: self.managers_may_revoke.is_some(),
            new_key_all_permissions: self.new_key_all_permissions.is_some(),
            ..before
        }
    }
}

fn parse_days(typed: &str) -> Result<i32, String> {
    let typed = typed.trim();
    let is_number = typed.len() <= 4 && typed.bytes().all(|byte| byte.is_ascii_digit());
    match typed.parse() {
        Ok(days @ 1..=LONGEST_DAYS) if is_number => Ok(days),
        _ => Err(format!("Give a whole number of days from 1 to {LONGEST_DAYS}.")),
    }
}

/// A preset, to look at or to apply.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    #[serde(default)]
    pub preset: String,
}
