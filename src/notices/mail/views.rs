//! One struct per template.

use askama::Template;

use super::{
    mailer::Failure,
    queries::{KEPT_DAYS, Refused},
};
use crate::web::{Layout, Moment};

/// What became of a test.
pub struct Tested(pub Result<String, Failure>);

impl Tested {
    fn was_taken(&self) -> bool {
        self.0.is_ok()
    }

    /// What the server said.
    fn words(&self) -> &str {
        match &self.0 {
            Ok(said) => said,
            Err(failure) => failure.words(),
        }
    }
}

#[derive(Template)]
#[template(path = "notices/mail/show.html")]
pub struct Show {
    pub layout: Layout,
    /// From whom mails come; `None`: no server is configured.
    pub from: Option<String>,
    pub refused: Vec<Refused>,
    pub tested: Option<Tested>,
}

impl Show {
    fn kept_days(&self) -> i32 {
        KEPT_DAYS
    }
}
