//! What a preset is. The files are part of the binary; a unit test reads all of them.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::{environments::Mode, scopes::Access};

/// The preset that is applied when nobody chose one.
pub const DEFAULT: &str = "marketplace";

const FILES: [&str; 5] = [
    include_str!("affiliate.toml"),
    include_str!("loyalty.toml"),
    include_str!("payments.toml"),
    include_str!("licensing.toml"),
    include_str!("marketplace.toml"),
];

static PRESETS: LazyLock<Vec<Preset>> = LazyLock::new(|| {
    FILES.iter().map(|file| toml::from_str(file).expect("a unit test reads every preset")).collect()
});

/// A starting point for one kind of platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    pub slug: String,
    pub name: String,
    /// One sentence for whoever chooses.
    pub summary: String,
    pub wording: Wording,
    pub policy: Policy,
    pub environments: Vec<Environment>,
    pub sections: Vec<Section>,
}

impl Preset {
    pub fn is(&self, slug: &str) -> bool {
        self.slug == slug
    }

    /// “Production, Staging and Development”.
    pub fn environments_spelled(&self) -> String {
        let names: Vec<&str> = self.environments.iter().map(|row| row.name.as_str()).collect();
        match names.split_last() {
            Some((last, [])) => (*last).into(),
            Some((last, others)) => format!("{} and {last}", others.join(", ")),
            None => String::new(),
        }
    }
}

/// What that platform's people call things.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wording {
    pub product_name: String,
    /// The heading in the navigation under which API Keys stands.
    pub keys_section: String,
    /// The title of the list of keys.
    pub keys_title: String,
    /// What the button says that begins a new key.
    pub create_label: String,
    /// Where that platform's people look for the list of keys; without the slash at the front.
    pub path: String,
    /// The platform's own API, for example requests; may be empty. Not said: as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_url: Option<String>,
}

/// What is different about keys there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The wizard starts with All permissions switched on.
    pub new_key_all_permissions: bool,
    /// Marketplace managers may revoke their own keys.
    pub managers_may_revoke: bool,
    /// Marketplace managers may regenerate their own keys; not said: as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managers_may_regenerate: Option<bool>,
    /// The lifetime that the wizard suggests, in days; not said: as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_lifetime_days: Option<i32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    pub slug: String,
    pub name: String,
    pub prefix: String,
    pub mode: Mode,
    /// No key lives longer, in days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest_days: Option<i32>,
    /// A key may be made that never expires. Neither this nor `longest_days` said: as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allows_never: Option<bool>,
    /// Takes no new keys and gateways.
    #[serde(default, skip_serializing_if = "is_no")]
    pub retired: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it")]
fn is_no(value: &bool) -> bool {
    !*value
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    pub slug: String,
    pub name: String,
    /// Not granted any more, nor anything in it.
    #[serde(default, skip_serializing_if = "is_no")]
    pub retired: bool,
    #[serde(default)]
    pub permissions: Vec<Permission>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permission {
    pub slug: String,
    pub label: String,
    pub description: String,
    pub access: Access,
    /// Safe in a browser: the public key alone may do this.
    #[serde(default, skip_serializing_if = "is_no")]
    pub publishable: bool,
    /// Not granted any more.
    #[serde(default, skip_serializing_if = "is_no")]
    pub retired: bool,
}

/// All of them, in the order in which they are offered.
pub fn list() -> &'static [Preset] {
    &PRESETS
}

/// The preset of that slug.
pub fn find(slug: &str) -> Option<&'static Preset> {
    list().iter().find(|preset| preset.slug == slug)
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;

    fn scopes(preset: &str) -> Vec<(&'static str, &'static str, Access)> {
        find(preset)
            .unwrap()
            .sections
            .iter()
            .flat_map(|section| {
                section.permissions.iter().map(|permission| {
                    (section.slug.as_str(), permission.slug.as_str(), permission.access)
                })
            })
            .collect()
    }

    fn environments(preset: &str) -> Vec<(&'static str, &'static str, Mode)> {
        find(preset)
            .unwrap()
            .environments
            .iter()
            .map(|environment| {
                (environment.slug.as_str(), environment.prefix.as_str(), environment.mode)
            })
            .collect()
    }

    #[test]
    fn there_are_five() {
        let slugs: Vec<&str> = list().iter().map(|preset| preset.slug.as_str()).collect();
        assert_eq!(slugs, ["affiliate", "loyalty", "payments", "licensing", "marketplace"]);
        assert!(find(DEFAULT).is_some());
    }

    #[test]
    fn nothing_in_a_preset_is_there_twice_or_empty() {
        for preset in list() {
            let mut seen = HashSet::new();
            for section in &preset.sections {
                assert!(seen.insert(("section", section.slug.as_str())), "{}", section.slug);
                assert!(!section.permissions.is_empty(), "{}", section.slug);
                for permission in &section.permissions {
                    assert!(
                        seen.insert(("scope", permission.slug.as_str())),
                        "{}",
                        permission.slug
                    );
                    assert!(!permission.label.is_empty() && !permission.description.is_empty());
                }
            }
            for environment in &preset.environments {
                assert!(seen.insert(("environment", environment.slug.as_str())));
                assert!(seen.insert(("prefix", environment.prefix.as_str())));
                let length = environment.prefix.len();
                assert!((2..=8).contains(&length), "{}", environment.prefix);
            }
        }
    }

    #[test]
    fn an_environment_means_the_same_in_every_preset() {
        let mut known = HashMap::new();
        for environment in list().iter().flat_map(|preset| &preset.environments) {
            let facts = (&environment.prefix, environment.mode);
            assert_eq!(*known.entry(&environment.slug).or_insert(facts), facts);
        }
    }

    #[test]
    fn environments_are_those_of_each_platform() {
        use Mode::{Live, Test};
        assert_eq!(
            environments("affiliate"),
            [("production", "prod", Live), ("development", "dev", Test)]
        );
        assert_eq!(environments("loyalty"), [("production", "prod", Live), ("test", "test", Test)]);
        assert_eq!(environments("payments"), [("live", "live", Live), ("test", "test", Test)]);
        assert_eq!(
            environments("licensing"),
            [("production", "prod", Live), ("staging", "stag", Test), ("development", "dev", Test)]
        );
        assert_eq!(
            environments("marketplace"),
            [("production", "prod", Live), ("sandbox", "sbx", Test)]
        );
    }

    #[test]
    fn the_affiliate_platform_has_ten_scopes_some_of_them_alone() {
        let spelled: Vec<&str> = scopes("affiliate").into_iter().map(|scope| scope.1).collect();
        assert_eq!(
            spelled,
            [
                "affiliates:read",
                "affiliates:write",
                "conversions:read",
                "conversions:write",
                "clicks:read",
                "clicks:write",
                "commissions:read",
                "reports:read",
                "sdk:init",
                "pageviews:write",
            ]
        );
        let publishable: Vec<&str> = find("affiliate")
            .unwrap()
            .sections
            .iter()
            .flat_map(|section| &section.permissions)
            .filter(|permission| permission.publishable)
            .map(|permission| permission.slug.as_str())
            .collect();
        assert_eq!(publishable, ["clicks:write", "sdk:init", "pageviews:write"]);
    }

    #[test]
    fn the_loyalty_platform_has_ten_scopes_in_six_sections() {
        use Access::{Read, Write};
        assert_eq!(
            scopes("loyalty"),
            [
                ("member", "member_read", Read),
                ("member", "member_write", Write),
                ("card", "card_read", Read),
                ("claim", "claim_write", Write),
                ("referral", "referral_read", Read),
                ("referral", "referral_write", Write),
                ("stamps", "stamps_read", Read),
                ("stamps", "stamps_write", Write),
                ("cashback", "cashback_read", Read),
                ("cashback", "cashback_write", Write),
            ]
        );
    }

    #[test]
    fn the_others_have_what_their_platforms_name() {
        for scope in ["license_management", "customer_read", "telemetry_write"] {
            assert!(scopes("licensing").iter().any(|known| known.1 == scope), "{scope}");
        }
        let sections = |preset: &str| {
            find(preset)
                .unwrap()
                .sections
                .iter()
                .map(|section| section.name.as_str())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            sections("marketplace"),
            ["Reporting", "Catalogue", "Orders", "Sellers", "Payouts"]
        );
        assert_eq!(
            sections("payments"),
            ["Payments", "Payment links", "Refunds", "Customers", "Webhooks"]
        );
        assert!(find("payments").unwrap().policy.new_key_all_permissions);
        assert!(!find("marketplace").unwrap().policy.managers_may_revoke);
    }
}
