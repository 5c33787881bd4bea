//! One struct per template.

use askama::Template;

use super::{Environment, Mode, forms::Form, queries::Listed};
use crate::web::{Day, Layout, Problems};

#[derive(Template)]
#[template(path = "environments/index.html", blocks = ["list"])]
pub struct Index {
    pub layout: Layout,
    pub listed: Vec<Listed>,
    /// What has just happened to the order, for screen readers.
    pub said: Option<String>,
}

/// A new environment, or another look of one.
#[derive(Template)]
#[template(path = "environments/form.html")]
pub struct Edit {
    pub layout: Layout,
    /// `None`: it is a new one.
    pub environment: Option<Environment>,
    /// Keys were made in it, so prefix and mode stay.
    pub fixed: bool,
    pub form: Form,
    pub problems: Problems,
}

impl Edit {
    fn modes(&self) -> [Mode; 2] {
        Mode::ALL
    }
}

#[derive(Template)]
#[template(path = "environments/retire.html", blocks = ["dialog"])]
pub struct Retire {
    pub layout: Layout,
    pub listed: Listed,
}
