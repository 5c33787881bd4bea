//! The form as typed, and what it means.

use serde::Deserialize;

use super::{Partner, Policy, commands::NewPartner};
use crate::{credentials::Presented, leaks::signature::PublicKey, text, web::Problems};

/// A partner as typed.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PartnerForm {
    pub name: String,
    pub key_id: String,
    /// PEM
    pub public_key: String,
    /// `notify` or `revoke`
    pub policy: String,
}

impl PartnerForm {
    /// As it is.
    pub fn of(partner: &Partner) -> Self {
        Self {
            name: partner.name.clone(),
            key_id: partner.key_id.clone(),
            public_key: partner.key.to_pem(),
            policy: partner.policy.slug().to_owned(),
        }
    }

    /// As meant.
    ///
    /// # Errors
    /// What is wrong, field by field.
    pub fn parse(&self) -> Result<NewPartner, Problems> {
        let mut problems = Problems::default();
        let name = problems.sort("name", text::parse_name("Name", &self.name, 100));
        let key_id = problems.sort("key_id", parse_key_id(self.key_id.trim()));
        let key = problems.sort("public_key", PublicKey::parse(&self.public_key));
        let policy = Policy::parse(&self.policy)
            .ok_or_else(|| "Choose what its reports do: notify or revoke.".to_owned());
        let policy = problems.sort("policy", policy);
        match (name, key_id, key, policy) {
            (Some(name), Some(key_id), Some(key), Some(policy)) => {
                Ok(NewPartner { name, key_id, key, policy })
            }
            _ => Err(problems),
        }
    }

    /// Another partner's key is called that.
    pub fn key_known() -> Problems {
        Problems::one("key_id", "Another partner’s key has this identifier already.")
    }
}

fn parse_key_id(typed: &str) -> Result<String, String> {
    let fits = (1..=200).contains(&typed.len())
        && typed.bytes().all(|byte| byte.is_ascii_graphic())
        && !Presented::looks_secret(typed);
    if fits {
        Ok(typed.to_owned())
    } else {
        Err("Key identifier must be 1-200 letters, digits and signs, without blanks, as the partner’s requests name it.".into())
    }
}
