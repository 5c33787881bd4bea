//! The forms as typed, and what they mean.

use serde::Deserialize;

use crate::{
    text,
    users::{NewUser, Role, parse_email},
    web::{Problems, Ticked},
};

/// Somebody new.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPerson {
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub email: String,
    #[serde(default)]
    pub role: String,
    #[serde(default)]
    pub api_access: Option<Ticked>,
}

impl Default for NewPerson {
    fn default() -> Self {
        Self {
            name: String::new(),
            email: String::new(),
            role: Role::Manager.slug().into(),
            api_access: None,
        }
    }
}

impl NewPerson {
    pub fn parse(&self) -> Result<NewUser, Problems> {
        let mut problems = Problems::default();
        let name = problems.sort("name", text::parse_name("Name", &self.name, 100));
        let email = problems.sort("email", parse_email(&self.email));
        let role = problems.sort("role", parse_role(&self.role));
        match (name, email, role) {
            (Some(name), Some(email), Some(role)) => {
                Ok(NewUser { email, name, role, api_access: self.api_access.is_some() })
            }
            _ => Err(problems),
        }
    }

    pub fn email_taken(&self) -> Problems {
        Problems::one("email", "Somebody with this address is on the team already.")
    }

    pub fn wants(&self, role: Role) -> bool {
        self.role == role.slug()
    }
}

/// Another role.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewRole {
    #[serde(default)]
    role: String,
}

impl NewRole {
    pub fn parse(&self) -> Result<Role, Problems> {
        parse_role(&self.role).map_err(|sentence| Problems::one("role", sentence))
    }
}

fn parse_role(slug: &str) -> Result<Role, String> {
    Role::parse(slug).ok_or_else(|| "Choose one of the two roles.".into())
}
