//! One struct per template.

use askama::Template;
use utoipa::openapi::OpenApi;

use super::shown::{Credential, Group, Part, Piece, credentials, groups, parts};

#[derive(Template)]
#[template(path = "reference/index.html")]
pub struct Reference {
    pub version: String,
    pub groups: Vec<Group>,
    pub credentials: Vec<Credential>,
    /// What is sent and answered.
    pub bodies: Vec<Part>,
    /// The codes, each with its meaning.
    pub codes: Vec<Part>,
}

impl Reference {
    /// The page about a document.
    pub fn new(document: &OpenApi) -> Self {
        let (bodies, codes) = parts(document).into_iter().partition(|part| part.codes.is_empty());
        Self {
            version: document.info.version.clone(),
            groups: groups(document),
            credentials: credentials(document),
            bodies,
            // The codes of refusals are among those of verdicts.
            codes: Vec::from_iter(codes)
                .into_iter()
                .filter(|part| part.name != "RefusalCode")
                .collect(),
        }
    }

    /// Where a body or a code is told: the codes of refusals with those of verdicts.
    fn anchor(&self, part: &str) -> String {
        let part = if part == "RefusalCode" { "Code" } else { part };
        format!("#part-{part}")
    }
}
