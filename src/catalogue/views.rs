//! One struct per template.

use askama::Template;

use super::forms::{PermissionForm, SectionForm};
use crate::{
    presets::{Applied, Fault},
    scopes::{Access, Permission, Section},
    web::{Layout, Problems},
};

/// Where the list is.
pub const LIST: &str = "/settings/catalogue";

#[derive(Template)]
#[template(path = "catalogue/index.html", blocks = ["list"])]
pub struct Index {
    pub layout: Layout,
    pub catalogue: Vec<Section>,
    /// What has just happened to the order, for screen readers.
    pub said: Option<String>,
}

#[derive(Template)]
#[template(path = "catalogue/section.html")]
pub struct EditSection {
    pub layout: Layout,
    /// `None`: it is a new one.
    pub section: Option<Section>,
    pub form: SectionForm,
    pub problems: Problems,
}

#[derive(Template)]
#[template(path = "catalogue/permission.html")]
pub struct EditPermission {
    pub layout: Layout,
    /// `None`: it is a new one.
    pub permission: Option<Permission>,
    pub sections: Vec<Section>,
    pub form: PermissionForm,
    pub problems: Problems,
}

impl EditPermission {
    fn accesses(&self) -> [Access; 2] {
        [Access::Read, Access::Write]
    }
}

/// What is asked before something that cannot simply be undone.
#[derive(Template)]
#[template(path = "catalogue/confirm.html", blocks = ["dialog"])]
pub struct Question {
    pub layout: Layout,
    pub title: String,
    pub sentences: Vec<String>,
    /// Where the answer goes; empty when nothing is left to do.
    pub action: String,
    pub button: &'static str,
    pub busy: &'static str,
    pub negative: bool,
}

#[derive(Template)]
#[template(path = "catalogue/import.html")]
pub struct Import {
    pub layout: Layout,
    pub text: String,
    pub faults: Vec<Fault>,
}

impl Import {
    /// “One line needs another look”
    fn title(&self) -> String {
        match self.faults.len() {
            1 => "One thing is wrong, and nothing was applied".into(),
            several => format!("{several} things are wrong, and nothing was applied"),
        }
    }
}

/// What importing a file would do.
#[derive(Template)]
#[template(path = "catalogue/preview.html")]
pub struct Preview {
    pub layout: Layout,
    pub text: String,
    pub applied: Applied,
}
