//! What applying a preset did, or would do.

use std::collections::HashSet;

use super::model::Preset;
use crate::{
    environments::Environment,
    scopes::{self, Section},
};

/// What applying a preset did.
#[derive(Debug, Clone)]
pub struct Applied {
    pub preset: Preset,
    pub environments: Outcome,
    pub sections: Outcome,
    pub permissions: Outcome,
    /// Permissions that are browser-safe from then on and were not before.
    pub published: Vec<String>,
}

/// The slugs that came, went, changed, or stayed although the preset lacks them, because something uses them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    pub added: Vec<String>,
    pub changed: Vec<String>,
    pub removed: Vec<String>,
    pub kept: Vec<String>,
}

impl Outcome {
    /// `wanted` are the preset's, `before` those that were there, in order; `used` must stay.
    pub(super) fn of(wanted: &[&str], before: &[String], used: &HashSet<String>) -> Self {
        let lacking = || before.iter().filter(|slug| !wanted.contains(&slug.as_str()));
        Self {
            added: wanted
                .iter()
                .filter(|slug| !before.iter().any(|known| known == **slug))
                .map(ToString::to_string)
                .collect(),
            changed: Vec::new(),
            removed: lacking().filter(|slug| !used.contains(*slug)).cloned().collect(),
            kept: lacking().filter(|slug| used.contains(*slug)).cloned().collect(),
        }
    }
}

/// What has a slug, and can be compared with what it was.
pub trait Sluggish: PartialEq {
    fn slug(&self) -> &str;
}

impl Sluggish for Environment {
    fn slug(&self) -> &str {
        &self.slug
    }
}

impl Sluggish for (String, String, bool) {
    fn slug(&self) -> &str {
        &self.0
    }
}

/// The slugs of what was there and is something else now.
pub fn changed<T: Sluggish>(before: &[T], after: &[T]) -> Vec<String> {
    after
        .iter()
        .filter(|row| before.iter().any(|was| was.slug() == row.slug() && was != *row))
        .map(|row| row.slug().to_owned())
        .collect()
}

/// Slug, name and whether it is retired.
pub fn named(catalogue: &[Section]) -> Vec<(String, String, bool)> {
    catalogue
        .iter()
        .map(|section| (section.slug.clone(), section.name.clone(), section.is_retired()))
        .collect()
}

/// Permissions as they are compared.
#[derive(PartialEq)]
pub struct PermissionRow<'a>(&'a scopes::Permission);

impl PermissionRow<'_> {
    pub fn is_publishable(&self) -> bool {
        self.0.publishable
    }
}

impl Sluggish for PermissionRow<'_> {
    fn slug(&self) -> &str {
        &self.0.slug
    }
}

/// The permissions of all sections.
pub fn rows(catalogue: &[Section]) -> Vec<PermissionRow<'_>> {
    catalogue.iter().flat_map(|section| &section.permissions).map(PermissionRow).collect()
}
