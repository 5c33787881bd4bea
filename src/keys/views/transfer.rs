//! Who shall have it?

use askama::Template;

use crate::{keys::Key, web::Layout};

/// Somebody who may get a key.
pub struct Candidate {
    pub id: String,
    pub name: String,
    /// Whether their API access covers it; who would hold too much is shown all the same.
    pub fits: bool,
}

/// As a page, or its dialog over another.
#[derive(Template)]
#[template(path = "keys/transfer.html", blocks = ["dialog"])]
pub struct Transfer {
    pub layout: Layout,
    pub key: Key,
    pub candidates: Vec<Candidate>,
    /// Who is chosen; empty for the operator.
    pub owner: String,
    pub error: Option<String>,
}
