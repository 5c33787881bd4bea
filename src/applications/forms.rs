//! The form as typed, and what it means.

use serde::Deserialize;

use crate::{text, web::Problems};

/// For a new application and for another name.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    #[serde(default)]
    pub name: String,
}

impl Form {
    pub fn parse(&self) -> Result<String, Problems> {
        text::parse_name("Name", &self.name, 100)
            .map_err(|sentence| Problems::one("name", sentence))
    }

    pub fn name_taken(&self) -> Problems {
        let name = text::tidy(&self.name);
        Problems::one(
            "name",
            format!(
                "There is an application called {name} already, or one that looks like it. Choose another name."
            ),
        )
    }
}
