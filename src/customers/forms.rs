//! The forms as typed, and what they mean.

use serde::Deserialize;

use super::model::{parse_external_id, parse_name};
use crate::web::Problems;

/// A customer to add.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct New {
    #[serde(default)]
    pub id: String,
    #[serde(default)]
    pub name: String,
}

impl New {
    /// Id and name.
    pub fn parse(&self) -> Result<(String, String), Problems> {
        let mut problems = Problems::default();
        let id = problems.sort("id", parse_external_id(&self.id));
        let name = problems.sort("name", parse_name(&self.name));
        match (id, name) {
            (Some(id), Some(name)) => Ok((id.to_owned(), name)),
            _ => Err(problems),
        }
    }

    pub fn id_known(&self) -> Problems {
        Problems::one("id", "A customer with this id is known already.")
    }
}

/// Another name; none is fine.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Name {
    #[serde(default)]
    pub name: String,
}

impl Name {
    pub fn parse(&self) -> Result<String, Problems> {
        parse_name(&self.name).map_err(|sentence| Problems::one("name", sentence))
    }
}
