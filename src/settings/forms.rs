//! The forms as typed, and what they mean.

use serde::Deserialize;

use super::Policies;
use crate::web::Ticked;

/// What applies to everybody.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    managers_may_revoke: Option<Ticked>,
    managers_may_regenerate: Option<Ticked>,
    new_key_all_permissions: Option<Ticked>,
}

impl Form {
    pub fn parse(&self) -> Policies {
        Policies {
            managers_may_revoke: self.managers_may_revoke.is_some(),
            managers_may_regenerate: self.managers_may_regenerate.is_some(),
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
