//! The wizard, and what comes of it.

use askama::Template;

use super::Chip;
use crate::{
    credentials::Secret,
    environments::Environment,
    keys::{Choices, Key, KeyForm, policy, sketch::Sketch, wizard::Step},
    web::{Layout, Problems},
};

/// A step of the wizard.
#[derive(Template)]
#[template(path = "keys/new.html")]
pub struct New {
    pub layout: Layout,
    pub draft: String,
    pub step: Step,
    pub form: KeyForm,
    pub errors: Problems,
    pub choices: Choices,
    pub sketch: Sketch,
}

impl New {
    pub fn steps(&self) -> [Step; 5] {
        Step::ALL
    }

    /// The lifetimes on offer.
    pub fn lifetimes(&self) -> Vec<(i64, String)> {
        self.choices.lifetimes(self.choices.environment(&self.form))
    }

    /// What the environment says about expiry.
    pub fn policy(&self) -> Option<String> {
        self.choices.environment(&self.form).and_then(policy::statement)
    }

    pub fn may_never_expire(&self) -> bool {
        self.choices.environment(&self.form).is_none_or(|environment| environment.allows_never)
    }

    /// The environments of the mode one is in, with a hint when there are others.
    pub fn environments(&self) -> Vec<&Environment> {
        let mut offered =
            self.choices.environments_in(self.layout.viewer.mode, &self.form.environment);
        offered.retain(|environment| !environment.is_retired());
        offered
    }

    pub fn has_more_environments(&self) -> bool {
        let open = |environment: &&Environment| !environment.is_retired();
        self.environments().len() < self.choices.environments.iter().filter(open).count()
    }

    /// On the summary: what is chosen, as chips.
    pub fn chips(&self) -> Vec<Chip> {
        chosen(&self.form, &self.choices)
    }

    /// Until when, spelled out.
    pub fn expiry(&self) -> String {
        match (&self.sketch.until, self.form.expires.as_str()) {
            (None, "never") => "Never".into(),
            (None, _) => "Not chosen yet".into(),
            (Some(day), "date") => format!("Until {day}"),
            (Some(day), days) => format!("{days} days, until {day}"),
        }
    }
}

pub(super) fn chosen(form: &KeyForm, choices: &Choices) -> Vec<Chip> {
    if form.all_permissions == "yes" {
        return vec![Chip { text: "All permissions".into(), whole: true }];
    }
    let whole = choices.catalogue.iter().filter(|section| form.has_section(&section.slug));
    let single = choices
        .catalogue
        .iter()
        .filter(|section| !form.has_section(&section.slug))
        .flat_map(|section| &section.permissions)
        .filter(|permission| form.has_permission(&permission.slug));
    whole
        .map(|section| Chip { text: section.name.clone(), whole: true })
        .chain(single.map(|permission| Chip { text: permission.slug.clone(), whole: false }))
        .collect()
}

/// What the key will be able to do, beside the form, while one fills it in.
#[derive(Template)]
#[template(path = "keys/_sketch.html")]
pub struct SketchAside {
    pub sketch: Sketch,
}

/// The secret, once.
#[derive(Template)]
#[template(path = "keys/reveal.html")]
pub struct Reveal {
    pub layout: Layout,
    pub key: Key,
    pub secret: Secret,
    pub basic: Secret,
    /// What has become of the secret that it replaces.
    pub old: Option<String>,
}

impl Reveal {
    /// What stands under the first request.
    fn curl_help(&self) -> &'static str {
        if self.layout.settings.api_url.is_empty() {
            "Put the address of your API in place of the example."
        } else {
            "A first request to the platform’s API."
        }
    }

    /// A first request with the new secret.
    fn curl(&self) -> String {
        let address = match self.layout.settings.api_url.as_str() {
            "" => "https://api.example.com/",
            address => address,
        };
        format!("curl {address} -H \"Authorization: Bearer {}\"", self.secret.reveal())
    }
}

/// A draft that was sent a second time.
#[derive(Template)]
#[template(path = "keys/created_before.html")]
pub struct CreatedBefore {
    pub layout: Layout,
    pub key: Option<Key>,
}
