//! One struct per template.

use askama::Template;

use super::forms::Form;
use crate::web::Problems;

#[derive(Template)]
#[template(path = "sign_in/new.html")]
pub struct New {
    pub form: Form,
    pub problems: Problems,
    /// Why it was refused, the same for everybody.
    pub refusal: Option<Refusal>,
    /// Whether anybody can sign in at all.
    pub is_set_up: bool,
}

/// What to say to somebody who isn't let in.
pub struct Refusal {
    pub title: String,
    pub advice: &'static str,
}

impl Refusal {
    /// One text for an unknown person and a wrong password: neither tells of the other.
    pub fn wrong() -> Self {
        Self {
            title: "E-mail or password is wrong.".into(),
            advice: "Check both. After ten tries in a row there is a pause.",
        }
    }

    /// As long as the pause lasts, the right password waits too.
    pub fn paused(title: String) -> Self {
        Self {
            title,
            advice: "Until then no password is looked at, not even the right one. An administrator can make a one-time link.",
        }
    }
}

impl New {
    /// The page again, with what was typed except the password.
    pub fn again(form: Form, problems: Problems, refusal: Option<Refusal>) -> Self {
        Self { form, problems, refusal, is_set_up: true }
    }
}
