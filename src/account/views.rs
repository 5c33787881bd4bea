//! One struct per template.

use askama::Template;

use super::forms::Welcome as Form;
use crate::{
    users::Viewer,
    web::{Day, Layout, Problems},
};

#[derive(Template)]
#[template(path = "account/show.html")]
pub struct Show {
    pub layout: Layout,
    pub problems: Problems,
}

#[derive(Template)]
#[template(path = "account/welcome.html")]
pub struct Welcome {
    pub person: Viewer,
    pub form: Form,
    pub problems: Problems,
}
