//! From where and for whom a key works, as typed: lists of customers, IP ranges and web origins.

use ipnet::IpNet;

use super::{Choices, KeyForm};
use crate::{
    customers::parse_external_id,
    keys::{
        origins::parse_origins,
        ranges::{check_ranges, parse_ranges, quoted},
        spaced,
    },
    web::Problems,
};

/// No key is restricted to more customers: beyond that it is for everybody.
const MOST_CUSTOMERS: usize = 1_000;

/// The same as meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restricted {
    pub customers: Vec<i64>,
    pub allowed_ips: Vec<IpNet>,
    pub excluded_ips: Vec<IpNet>,
    pub allowed_origins: Vec<String>,
}

impl KeyForm {
    /// From where and for whom.
    pub fn check_restrictions(
        &self,
        choices: &Choices,
        errors: &mut Problems,
    ) -> Option<Restricted> {
        let customers = errors.sort("customers", self.parse_customers(choices));
        let allowed_ips = errors.sort("allowed_ips", parse_ranges(&self.allowed_ips));
        let excluded_ips = errors.sort("excluded_ips", parse_ranges(&self.excluded_ips));
        if let Some(everywhere) = allowed_ips.as_deref().and_then(everywhere)
            && self.anywhere != "yes"
        {
            errors.add(
                "anywhere",
                format!("{everywhere} Say that it is meant, or give narrower ranges."),
            );
        }
        if let (Some(allowed), Some(excluded)) = (&allowed_ips, &excluded_ips) {
            errors.sort("excluded_ips", check_ranges(allowed, excluded));
        }
        let allowed_origins = errors.sort("allowed_origins", parse_origins(&self.allowed_origins));
        if errors.has("anywhere") || errors.has("excluded_ips") {
            return None;
        }
        Some(Restricted {
            customers: customers?,
            allowed_ips: allowed_ips?,
            excluded_ips: excluded_ips?,
            allowed_origins: allowed_origins?,
        })
    }

    /// The platform's ids of the customers that are named, each once. Blanks inside belong to an id.
    pub fn named_customers(&self) -> Vec<&str> {
        let mut named: Vec<&str> =
            self.customers.lines().map(str::trim).filter(|id| !id.is_empty()).collect();
        named.sort_unstable();
        named.dedup();
        named
    }

    /// Whether the allowed ranges include every address there is: then that has to be confirmed.
    pub fn names_everywhere(&self) -> bool {
        parse_ranges(&self.allowed_ips).is_ok_and(|ranges| everywhere(&ranges).is_some())
    }

    /// Whether any of it is filled in.
    pub fn is_restricted(&self) -> bool {
        [&self.customers, &self.allowed_ips, &self.excluded_ips, &self.allowed_origins]
            .iter()
            .any(|typed| !typed.trim().is_empty())
    }

    /// Whether something is wrong with where and for whom the key works.
    pub fn is_wrongly_restricted(&self, errors: &Problems) -> bool {
        ["customers", "allowed_ips", "excluded_ips", "anywhere", "allowed_origins"]
            .iter()
            .any(|field| errors.has(field))
    }

    fn parse_customers(&self, choices: &Choices) -> Result<Vec<i64>, String> {
        let named = self.named_customers();
        if named.len() > MOST_CUSTOMERS {
            return Err(format!(
                "At most {} customers; these are {}. Leave the field empty to serve all of them.",
                spaced(MOST_CUSTOMERS as i64),
                spaced(named.len() as i64)
            ));
        }
        let unknown = |id: &str| {
            format!("Unknown customer {}. Write ids as the platform spells them.", quoted(id))
        };
        named
            .into_iter()
            .map(|id| {
                let known = parse_external_id(id).ok().and_then(|id| choices.customers.get(id));
                known.copied().ok_or_else(|| unknown(id))
            })
            .collect()
    }
}

/// What is said of a range that leaves nothing out.
fn everywhere(ranges: &[IpNet]) -> Option<String> {
    let range = ranges.iter().find(|range| range.prefix_len() == 0)?;
    let which = if range.addr().is_ipv4() { "IPv4" } else { "IPv6" };
    Some(format!("{range} is every {which} address there is."))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use chrono::Utc;

    use super::*;

    fn check(form: KeyForm) -> Result<Restricted, Problems> {
        let choices = Choices {
            applications: Vec::new(),
            environments: Vec::new(),
            catalogue: Vec::new(),
            grant: None,
            kept_sections: Vec::new(),
            customers: HashMap::from([("cus_42".into(), 1), ("Ada’s shop".into(), 2)]),
            suggested_lifetime: 90,
            now: Utc::now(),
        };
        let mut errors = Problems::default();
        form.check_restrictions(&choices, &mut errors).ok_or(errors)
    }

    #[test]
    fn nothing_typed_restricts_nothing() {
        assert_eq!(check(KeyForm::default()), Ok(Restricted::default()));
    }

    #[test]
    fn customers_are_those_that_are_known() {
        let of = |typed: &str| check(KeyForm { customers: typed.into(), ..KeyForm::default() });
        assert_eq!(of(" cus_42 \r\n\r\nAda’s shop\ncus_42").unwrap().customers, [2, 1]);
        for wrong in
            ["-1", "9223372036854775808", "1 OR 1=1", "CUS_42", "cus_42,cus_43", "cus\u{0}"]
        {
            let errors = of(&format!("cus_42\n{wrong}")).unwrap_err();
            assert!(errors.of("customers").unwrap().starts_with("Unknown customer"), "{wrong}");
        }
        let many: String = (0..1_001).map(|n| format!("c{n}\n")).collect();
        assert!(of(&many).unwrap_err().of("customers").unwrap().starts_with("At most"));
    }

    #[test]
    fn everywhere_has_to_be_meant() {
        let of = |typed: &str, anywhere: &str| {
            check(KeyForm {
                allowed_ips: typed.into(),
                anywhere: anywhere.into(),
                ..KeyForm::default()
            })
        };
        for everywhere in ["0.0.0.0/0", "::/0", "10.0.0.0/8 1.2.3.4/0", "::ffff:0.0.0.0/96"] {
            assert!(of(everywhere, "").unwrap_err().has("anywhere"), "{everywhere}");
            assert!(of(everywhere, "yes").is_ok(), "{everywhere}");
        }
        assert!(of("0.0.0.0/1", "").is_ok());
    }

    #[test]
    fn every_field_says_what_is_wrong_with_it() {
        let errors = check(KeyForm {
            customers: "nobody".into(),
            allowed_ips: "10.0.0.0/8\nhere".into(),
            excluded_ips: "there".into(),
            allowed_origins: "shop".into(),
            ..KeyForm::default()
        })
        .unwrap_err();
        for field in ["customers", "allowed_ips", "excluded_ips", "allowed_origins"] {
            assert!(errors.has(field), "{field}");
        }
        let errors = check(KeyForm {
            allowed_ips: "10.0.0.0/8".into(),
            excluded_ips: "192.0.2.1".into(),
            ..KeyForm::default()
        });
        assert!(errors.unwrap_err().of("excluded_ips").unwrap().contains("in none of the allowed"));
    }
}
