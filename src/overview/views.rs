//! One struct per template.

use askama::Template;

use super::{lately::Lately, queries::KeyCounts};
use crate::{
    environments::{Environment, Mode},
    gateways::Gateway,
    keys::{look_of, spaced},
    review::Group,
    usage::Sparkline,
    web::{Layout, Moment},
};

#[derive(Template)]
#[template(path = "overview/index.html")]
pub struct Index {
    pub layout: Layout,
    pub keys: KeyCounts,
    /// “3 keys expire within 14 days”
    pub expiring: Option<String>,
    pub lately: Lately,
    /// Of whichever mode.
    pub has_any_key: bool,
    pub applications: i64,
    /// Those that may ask; empty for everybody but administrators.
    pub gateways: Vec<Gateway>,
}

impl Index {
    fn review_groups(&self) -> [Group; 4] {
        Group::ALL
    }

    fn is_administrator(&self) -> bool {
        self.layout.viewer.is_administrator()
    }

    /// Those of the mode one is in.
    fn shown_gateways(&self) -> Vec<&Gateway> {
        let mode = self.layout.viewer.mode;
        let is_shown =
            |gateway: &&Gateway| mode.is_none_or(|mode| gateway.environment.mode == mode);
        self.gateways.iter().filter(is_shown).collect()
    }

    fn traffic(&self) -> Vec<There<'_>> {
        self.lately
            .environments
            .iter()
            .map(|(environment, traffic)| There {
                environment,
                line: Sparkline::of(&traffic.hours),
                allowed: spaced(traffic.valid()),
                refused: spaced(traffic.refused()),
                part: part(traffic.refused(), traffic.valid() + traffic.refused()),
            })
            .collect()
    }

    /// What a reason is called, its code, and how often it was.
    fn refusals(&self) -> Vec<(&'static str, &str, String)> {
        self.lately
            .refusals
            .iter()
            .map(|(code, requests)| (look_of(code).label, code.as_str(), spaced(*requests)))
            .collect()
    }

    /// The mode one is in, when no key is of it and some are of the other.
    fn empty_mode(&self) -> Option<Mode> {
        self.layout.viewer.mode.filter(|_| self.keys.total().is_none() && self.has_any_key)
    }

    /// Whether something is left to do before a key can be of use.
    fn is_beginning(&self) -> bool {
        self.applications == 0
            || !self.has_any_key
            || (self.is_administrator()
                && !self.gateways.iter().any(|gateway| gateway.last_contact_at.is_some()))
    }
}

/// The traffic of an environment.
struct There<'a> {
    environment: &'a Environment,
    line: Option<Sparkline>,
    allowed: String,
    refused: String,
    /// “0.4 %” of them are refused.
    part: String,
}

/// In percent: “0.4 %”, “less than 0.1 %”, “12 %”.
fn part(some: i64, all: i64) -> String {
    let thousandths = some * 1_000 / all.max(1);
    match (some, thousandths) {
        (0, _) => "0 %".into(),
        (_, 0) => "less than 0.1 %".into(),
        (_, few @ 1..100) => format!("{}.{} %", few / 10, few % 10),
        (_, many) => format!("{} %", many / 10),
    }
}

/// For somebody whom nobody granted API access.
#[derive(Template)]
#[template(path = "overview/no_access.html")]
pub struct NoAccess {
    pub layout: Layout,
    /// Names and e-mail addresses.
    pub administrators: Vec<(String, String)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_never_nothing_unless_it_is() {
        for (some, all, said) in [
            (0, 0, "0 %"),
            (0, 9, "0 %"),
            (1, 1_000_000, "less than 0.1 %"),
            (4, 1_000, "0.4 %"),
            (99, 1_000, "9.9 %"),
            (1, 8, "12 %"),
            (5, 5, "100 %"),
        ] {
            assert_eq!(part(some, all), said);
        }
    }
}
