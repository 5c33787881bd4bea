//! One struct per template.

use askama::Template;

use super::{Application, forms::Form};
use crate::{
    credentials::Secret,
    web::{Day, Layout, Problems},
};

/// A row of the list.
pub struct Listed {
    pub application: Application,
    /// As far as the viewer sees keys.
    pub active_keys: i64,
}

#[derive(Template)]
#[template(path = "applications/index.html")]
pub struct Index {
    pub layout: Layout,
    pub applications: Vec<Listed>,
}

#[derive(Template)]
#[template(path = "applications/show.html")]
pub struct Show {
    pub layout: Layout,
    pub application: Application,
    pub active_keys: i64,
}

#[derive(Template)]
#[template(path = "applications/new.html")]
pub struct New {
    pub layout: Layout,
    pub form: Form,
    pub problems: Problems,
}

#[derive(Template)]
#[template(path = "applications/edit.html")]
pub struct Edit {
    pub layout: Layout,
    pub application: Application,
    pub form: Form,
    pub problems: Problems,
}

/// The one page that shows the App Secret.
#[derive(Template)]
#[template(path = "applications/reveal.html")]
pub struct Reveal {
    pub layout: Layout,
    pub application: Application,
    pub secret: Secret,
}
