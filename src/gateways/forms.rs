//! The forms as typed, and what they mean.

use serde::Deserialize;

use crate::{environments::Environment, text, web::Problems};

/// For a new gateway.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewGateway {
    #[serde(default)]
    pub name: String,
    /// The environment's slug.
    #[serde(default)]
    pub environment: String,
}

impl NewGateway {
    /// The name and the id of one of these environments.
    pub fn parse(&self, environments: &[Environment]) -> Result<(String, i64), Problems> {
        let mut problems = Problems::default();
        let name = problems.sort("name", parse_name(&self.name));
        let environment = problems.sort(
            "environment",
            environments
                .iter()
                .find(|environment| environment.slug == self.environment)
                .map(|environment| environment.id)
                .ok_or_else(|| "Choose one of the environments.".to_owned()),
        );
        name.zip(environment).ok_or(problems)
    }
}

/// For another name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rename {
    #[serde(default)]
    pub name: String,
}

impl Rename {
    pub fn parse(&self) -> Result<String, Problems> {
        parse_name(&self.name).map_err(|sentence| Problems::one("name", sentence))
    }
}

pub fn name_taken(name: &str) -> Problems {
    let name = text::tidy(name);
    Problems::one(
        "name",
        format!(
            "This environment has a gateway called {name} already, or one that looks like it. Choose another name."
        ),
    )
}

fn parse_name(typed: &str) -> Result<String, String> {
    text::parse_name("Name", typed, 100)
}
