//! The form as typed, and what it means.

use serde::Deserialize;
use zeroize::Zeroizing;

use crate::{text, web::Problems};

/// Who wants in, and where to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    #[serde(default)]
    pub email: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    pub next: Option<String>,
}

/// An attempt worth checking.
pub struct Attempt {
    /// Folded, as addresses are compared.
    pub email: String,
    pub password: Zeroizing<String>,
}

impl Form {
    /// For the page on which nothing was typed yet.
    pub fn leading_to(next: String) -> Self {
        Self { email: String::new(), password: String::new(), next: Some(next) }
    }

    /// Takes the password out: the page never shows it again. What is refused here could be nobody's, so saying so
    /// tells nothing about who is known.
    pub fn parse(&mut self) -> Result<Attempt, Problems> {
        let (mut problems, email) = (Problems::default(), text::fold_email(&self.email));
        let password = Zeroizing::new(std::mem::take(&mut self.password));
        if email.is_empty() {
            problems.add("email", "Enter your e-mail address.");
        } else if email.len() > 254 {
            problems.add("email", "E-mail must be at most 254 characters.");
        } else if !text::is_showable(&email) {
            problems.add("email", "E-mail contains characters that cannot be shown.");
        }
        if password.is_empty() {
            problems.add("password", "Enter your password.");
        } else if password.len() > 1024 {
            problems.add("password", "Password is too long: at most 1024 bytes.");
        } else if password.contains(['\0', '\u{fffd}']) {
            problems.add("password", "Password contains characters that cannot be typed.");
        }
        if problems.is_empty() { Ok(Attempt { email, password }) } else { Err(problems) }
    }
}
