//! One struct per template.

use askama::Template;

use super::{forms::WordingForm, logging::LoggingForm};
use crate::{
    presets::{self, Applied},
    web::{Layout, Problems},
};

#[derive(Template)]
#[template(path = "settings/show.html")]
pub struct Show {
    pub layout: Layout,
    /// As typed.
    pub wording: WordingForm,
    /// As typed.
    pub logging: LoggingForm,
    /// As typed.
    pub default_lifetime_days: String,
    /// What is wrong with either form.
    pub problems: Problems,
}

impl Show {
    fn presets(&self) -> Vec<&'static presets::Preset> {
        presets::list().iter().collect()
    }

    /// The preset that was applied last.
    fn preset(&self) -> &str {
        self.layout.settings.preset.as_deref().unwrap_or_default()
    }

    fn preset_name(&self) -> Option<&'static str> {
        presets::find(self.preset()).map(|preset| preset.name.as_str())
    }
}

/// What applying a preset would do.
#[derive(Template)]
#[template(path = "settings/preset.html")]
pub struct Preset {
    pub layout: Layout,
    pub applied: Applied,
}

impl Preset {
    fn is_again(&self) -> bool {
        self.layout.settings.preset.as_deref() == Some(self.applied.preset.slug.as_str())
    }
}
