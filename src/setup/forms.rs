//! The form as typed, and what it means.

use serde::Deserialize;
use zeroize::Zeroizing;

use crate::{
    account::NewPassword,
    presets::{self, Preset},
    text,
    users::parse_email,
    web::Problems,
};

/// The first administrator, and the kind of platform.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    #[serde(default)]
    pub token: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub email: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    again: String,
    #[serde(default)]
    pub preset: String,
}

pub struct NewInstallation {
    pub token: String,
    pub name: String,
    pub email: String,
    pub password: Zeroizing<String>,
    pub preset: &'static Preset,
}

impl Form {
    /// For the page on which nothing was typed yet.
    pub fn of(token: String) -> Self {
        Self {
            token,
            name: String::new(),
            email: String::new(),
            password: String::new(),
            again: String::new(),
            preset: presets::DEFAULT.into(),
        }
    }

    /// Takes the passwords out: the page never shows them again.
    pub fn parse(&mut self) -> Result<NewInstallation, Problems> {
        let mut problems = Problems::default();
        let name = problems.sort("name", text::parse_name("Name", &self.name, 100));
        let email = problems.sort("email", parse_email(&self.email));
        let password = NewPassword::take(&mut self.password, &mut self.again).parse(&mut problems);
        let preset = problems.sort(
            "preset",
            presets::find(&self.preset).ok_or_else(|| "Choose what comes closest.".to_owned()),
        );
        match (name, email, password, preset) {
            (Some(name), Some(email), Some(password), Some(preset)) => {
                Ok(NewInstallation { token: self.token.clone(), name, email, password, preset })
            }
            _ => Err(problems),
        }
    }
}
