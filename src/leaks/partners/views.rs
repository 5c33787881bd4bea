//! One struct per template.

use askama::Template;

use super::{Partner, Policy, forms::PartnerForm};
use crate::web::{Day, Layout, Moment, Problems};

#[derive(Template)]
#[template(path = "leaks/partners/index.html")]
pub struct Index {
    pub layout: Layout,
    pub partners: Vec<Partner>,
    /// Where they report.
    pub address: String,
}

/// A new one, or one that is changed.
#[derive(Template)]
#[template(path = "leaks/partners/form.html")]
pub struct Form {
    pub layout: Layout,
    pub partner: Option<Partner>,
    pub form: PartnerForm,
    pub problems: Problems,
}

#[derive(Template)]
#[template(path = "leaks/partners/remove.html", blocks = ["dialog"])]
pub struct Remove {
    pub layout: Layout,
    pub partner: Partner,
}
