//! One struct per template.

use askama::Template;

use super::forms::Form;
use crate::{
    presets::{self, Preset},
    web::Problems,
};

#[derive(Template)]
#[template(path = "setup/new.html")]
pub struct New {
    pub form: Form,
    pub problems: Problems,
}

impl New {
    /// The default first.
    fn presets(&self) -> Vec<&'static Preset> {
        let (first, others): (Vec<_>, Vec<_>) =
            presets::list().iter().partition(|preset| preset.slug == presets::DEFAULT);
        first.into_iter().chain(others).collect()
    }
}
