//! The forms as typed, and what they mean.

use serde::Deserialize;

use super::{Policies, Settings};
use crate::{
    presets::{Wording, wording},
    web::{Problems, Ticked},
};

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
            managers_may_regenerate: self.managers_may_regenerate.is_some(),
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

/// What things are called, and where people find them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WordingForm {
    pub product_name: String,
    pub keys_section: String,
    pub keys_title: String,
    pub create_label: String,
    pub keys_path: String,
    pub api_url: String,
}

impl WordingForm {
    pub fn of(settings: &Settings) -> Self {
        Self {
            product_name: settings.product_name.clone(),
            keys_section: settings.keys_section.clone(),
            keys_title: settings.keys_title.clone(),
            create_label: settings.create_label.clone(),
            keys_path: settings.keys_path.clone(),
            api_url: settings.api_url.clone(),
        }
    }

    pub fn parse(&self) -> Result<Wording, Problems> {
        let mut problems = Problems::default();
        let mut words =
            |field, what, typed| problems.sort(field, wording::parse_words(what, typed));
        let product_name = words("product_name", "Product name", &self.product_name);
        let keys_section = words("keys_section", "Heading", &self.keys_section);
        let keys_title = words("keys_title", "Title", &self.keys_title);
        let create_label = words("create_label", "Button", &self.create_label);
        let path = problems.sort("keys_path", wording::parse_path(&self.keys_path));
        let api_url = problems.sort("api_url", wording::parse_api_url(&self.api_url));
        match (product_name, keys_section, keys_title, create_label, path, api_url) {
            (
                Some(product_name),
                Some(keys_section),
                Some(keys_title),
                Some(create_label),
                Some(path),
                api_url @ Some(_),
            ) => {
                Ok(Wording { product_name, keys_section, keys_title, create_label, path, api_url })
            }
            _ => Err(problems),
        }
    }
}
