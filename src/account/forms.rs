//! The forms as typed, and what they mean. Passwords are taken out, so that no page can show them again.

use chrono_tz::Tz;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::{text, users::passwords, web::Problems};

/// Another name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Name {
    #[serde(default)]
    pub name: String,
}

impl Name {
    pub fn parse(&self) -> Result<String, Problems> {
        text::parse_name("Name", &self.name, 100)
            .map_err(|sentence| Problems::one("name", sentence))
    }
}

/// Another zone, by its IANA name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeZone {
    #[serde(default)]
    time_zone: String,
}

impl TimeZone {
    pub fn parse(&self) -> Result<Tz, Problems> {
        self.time_zone
            .parse()
            .map_err(|_| Problems::one("time_zone", "Choose one of the time zones in the list."))
    }
}

/// A password, typed twice.
pub struct NewPassword {
    password: Zeroizing<String>,
    again: Zeroizing<String>,
}

impl NewPassword {
    /// Takes both out of a form.
    pub fn take(password: &mut String, again: &mut String) -> Self {
        Self {
            password: Zeroizing::new(std::mem::take(password)),
            again: Zeroizing::new(std::mem::take(again)),
        }
    }

    /// The password, or `None` with what is wrong noted.
    pub fn parse(self, problems: &mut Problems) -> Option<Zeroizing<String>> {
        problems.sort("password", passwords::check_new(&self.password))?;
        if self.password != self.again {
            problems.add("again", "The two passwords differ. Type the same one twice.");
            return None;
        }
        Some(self.password)
    }
}

/// Another password, for somebody who is signed in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    #[serde(default)]
    current: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    again: String,
}

/// The current password and the one to come.
pub struct Passwords {
    pub current: Zeroizing<String>,
    pub new: Zeroizing<String>,
}

impl ChangePassword {
    pub fn parse(mut self) -> Result<Passwords, Problems> {
        let mut problems = Problems::default();
        let current = Zeroizing::new(std::mem::take(&mut self.current));
        if current.is_empty() {
            problems.add("current", "Enter your current password.");
        }
        let new = NewPassword::take(&mut self.password, &mut self.again).parse(&mut problems);
        match new {
            Some(new) if problems.is_empty() => Ok(Passwords { current, new }),
            _ => Err(problems),
        }
    }
}

/// A password by one-time link.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Welcome {
    #[serde(default)]
    pub token: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    again: String,
}

impl Welcome {
    /// For the page on which nothing was typed yet.
    pub fn of(token: String) -> Self {
        Self { token, password: String::new(), again: String::new() }
    }

    pub fn parse(&mut self) -> Result<Zeroizing<String>, Problems> {
        let mut problems = Problems::default();
        NewPassword::take(&mut self.password, &mut self.again).parse(&mut problems).ok_or(problems)
    }
}
