//! A key in plain words before it exists: “will be able to read orders in Production, at most 100 times a second”.

use super::{Choices, KeyForm, Limit, origins::parse_origins, ranges::parse_ranges, spaced};
use crate::web::{Problems, time::spell_day};

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
    /// “Never” is chosen; otherwise an end that is missing is not known yet.
    pub never_ends: bool,
    /// “cus_1, cus_2 and 3 more”
    pub customers: Option<String>,
    /// “10.0.0.0/8, but not 10.1.0.0/16”
    pub addresses: Option<String>,
    /// “https://shop.example”
    pub origins: Option<String>,
}

impl Sketch {
    /// Reads the form leniently: what is wrong is simply not known yet.
    pub fn of(form: &KeyForm, choices: &Choices) -> Self {
        let ignored = &mut Problems::default();
        let limits: Vec<String> = form.known_rates().iter().map(Limit::in_words).collect();
        let expires_at =
            form.check_expiry(choices, choices.environment(form), ignored).unwrap_or_default();
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
            limit: in_a_row(&limits),
            until: expires_at.map(|at| spell_day(at.date_naive())),
            never_ends: form.expires == "never",
            customers: in_short(&form.named_customers()),
            addresses: addresses(form),
            origins: in_short(&parse_origins(&form.allowed_origins).unwrap_or_default()),
        }
    }

    /// Whether it may do anything yet.
    pub fn can_do_something(&self) -> bool {
        self.everything || !self.sections.is_empty() || !self.abilities.is_empty()
    }
}

fn addresses(form: &KeyForm) -> Option<String> {
    let ranges = |typed: &str| {
        let ranges = parse_ranges(typed).unwrap_or_default();
        in_short(&ranges.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    match (ranges(&form.allowed_ips), ranges(&form.excluded_ips)) {
        (allowed, None) => allowed,
        (None, Some(excluded)) => Some(format!("anywhere but {excluded}")),
        (Some(allowed), Some(excluded)) => Some(format!("{allowed}, but not {excluded}")),
    }
}

/// “a”, “a and b”, “a, b and c”
fn in_a_row(words: &[String]) -> Option<String> {
    let (last, others) = words.split_last()?;
    Some(match others {
        [] => last.clone(),
        others => format!("{} and {last}", others.join(", ")),
    })
}

/// The first three, and how many more.
fn in_short<T: AsRef<str>>(words: &[T]) -> Option<String> {
    let mut shown: Vec<String> =
        words.iter().take(3).map(|word| word.as_ref().to_owned()).collect();
    if words.len() > 3 {
        shown.push(format!("{} more", spaced(words.len() as i64 - 3)));
    }
    in_a_row(&shown)
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

    #[test]
    fn long_lists_are_cut_short() {
        assert_eq!(in_short(&[] as &[&str]), None);
        assert_eq!(in_short(&["a"]).unwrap(), "a");
        assert_eq!(in_short(&["a", "b", "c"]).unwrap(), "a, b and c");
        assert_eq!(in_short(&["a", "b", "c", "d", "e"]).unwrap(), "a, b, c and 2 more");
    }
}
