//! A key in plain words before it exists: “will be able to read orders in Production, at most 100 times a second”.

use super::{Choices, KeyErrors, KeyForm};
use crate::web::time::spell_day;

/// What is known of the key so far; `None` where the form does not say it yet.
pub struct Sketch {
    pub name: Option<String>,
    pub application: Option<String>,
    pub environment: Option<String>,
    /// Everything there is and will be.
    pub everything: bool,
    /// Names of whole sections.
    pub sections: Vec<String>,
    /// “read orders”
    pub abilities: Vec<String>,
    /// “100 times a second”
    pub limit: Option<String>,
    /// “18 February 2027”
    pub until: Option<String>,
}

impl Sketch {
    /// Reads the form leniently: what is wrong is simply not known yet.
    pub fn of(form: &KeyForm, choices: &Choices) -> Self {
        let ignored = &mut KeyErrors::default();
        let (limits, expires_at) = form.check_limits(choices.now, ignored).unwrap_or_default();
        let everything = form.all_permissions == "yes";
        let (whole, others): (Vec<_>, Vec<_>) =
            choices.catalogue.iter().partition(|section| form.has_section(&section.slug));
        let single = others
            .iter()
            .flat_map(|section| &section.permissions)
            .filter(|permission| form.has_permission(&permission.slug));
        Self {
            name: form.check_name(ignored).map(|(name, _)| name),
            application: choices.application(form).map(|application| application.name.clone()),
            environment: choices.environment(form).map(|environment| environment.name.clone()),
            everything,
            sections: whole.iter().map(|section| section.name.clone()).collect(),
            abilities: single.map(|permission| begin_small(&permission.label)).collect(),
            limit: limits.first().map(super::Limit::in_words),
            until: expires_at.map(|at| spell_day(at.date_naive())),
        }
    }

    /// Whether it may do anything yet.
    pub fn can_do_something(&self) -> bool {
        self.everything || !self.sections.is_empty() || !self.abilities.is_empty()
    }
}

/// “Read orders” → “read orders”, but “SDK set-up” stays.
fn begin_small(label: &str) -> String {
    let mut characters = label.chars();
    match (characters.next(), characters.clone().next()) {
        (Some(first), Some(second)) if !second.is_uppercase() => {
            first.to_lowercase().chain(characters).collect()
        }
        _ => label.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_become_parts_of_a_sentence() {
        assert_eq!(begin_small("Read orders"), "read orders");
        assert_eq!(begin_small("SDK set-up"), "SDK set-up");
        assert_eq!(begin_small(""), "");
    }
}
