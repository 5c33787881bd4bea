//! The forms as typed, and what they mean.

use serde::Deserialize;

use super::{Policies, Settings};
use crate::{
    presets::{Wording, wording},
    web::{Problems, Ticked},
};

/// What applies to everybody.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    managers_may_revoke: Option<Ticked>,
    new_key_all_permissions: Option<Ticked>,
}

impl Form {
    pub fn parse(&self) -> Policies {
        Policies {
            managers_may_revoke: self.managers_may_revoke.is_some(),
            new_key_all_permissions: self.new_key_all_permissions.is_some(),
        }
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
