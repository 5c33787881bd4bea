//! The eye.

use askama::Template;

use crate::{
    credentials::Secret,
    keys::{Key, recover::Recovery},
    web::Layout,
};

/// Asks for the password before a secret is shown again, or says why it cannot be.
#[derive(Template)]
#[template(path = "keys/eye.html", blocks = ["dialog"])]
pub struct Eye {
    pub layout: Layout,
    pub key: Key,
    pub recovery: Recovery,
    /// The password was given a moment ago.
    pub is_confirmed: bool,
    pub error: Option<String>,
}

/// The secret, for a moment.
#[derive(Template)]
#[template(path = "keys/reveal_again.html")]
pub struct RevealAgain {
    pub layout: Layout,
    pub key: Key,
    pub secret: Secret,
}
