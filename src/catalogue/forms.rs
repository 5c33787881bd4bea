//! The forms as typed, and what they mean.

use serde::Deserialize;

use super::commands::{NewPermission, PermissionChanges};
use crate::{
    scopes::{self, Access, Permission, Section},
    text,
    web::Problems,
};

/// A section, new or renamed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SectionForm {
    pub slug: String,
    pub name: String,
}

impl SectionForm {
    /// Slug and name.
    pub fn parse_new(&self) -> Result<(String, String), Problems> {
        let mut problems = Problems::default();
        let name = problems.sort("name", text::parse_name("Name", &self.name, 60));
        let slug = problems.sort("slug", scopes::parse_slug(self.slug.trim()));
        slug.zip(name).ok_or(problems)
    }

    /// The name.
    pub fn parse_changes(&self, before: &Section) -> Result<String, Problems> {
        let mut problems = Problems::default();
        let name = problems.sort("name", text::parse_name("Name", &self.name, 60));
        refuse_another_slug(&self.slug, &before.slug, &mut problems);
        name.filter(|_| problems.is_empty()).ok_or(problems)
    }
}

/// A permission, new or with other words.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PermissionForm {
    /// The slug of its section.
    pub section: String,
    pub slug: String,
    pub label: String,
    pub description: String,
    /// `READ` or `WRITE`
    pub access: String,
}

impl PermissionForm {
    pub fn of(permission: &Permission) -> Self {
        Self {
            section: String::new(),
            slug: permission.slug.clone(),
            label: permission.label.clone(),
            description: permission.description.clone(),
            access: permission.access.slug().into(),
        }
    }

    pub fn is_access(&self, access: Access) -> bool {
        self.access == access.slug()
    }

    pub fn parse_new(&self, sections: &[Section]) -> Result<NewPermission, Problems> {
        let mut problems = Problems::default();
        let words = self.parse_words(&mut problems);
        let slug = problems.sort("slug", scopes::parse_slug(self.slug.trim()));
        let section = problems.sort(
            "section",
            sections
                .iter()
                .find(|section| section.slug == self.section)
                .map(|section| section.id)
                .ok_or_else(|| "Choose one of the sections.".to_owned()),
        );
        match (words, slug, section) {
            (
                Some(PermissionChanges { label, description, access }),
                Some(slug),
                Some(section_id),
            ) => Ok(NewPermission { section_id, slug, label, description, access }),
            _ => Err(problems),
        }
    }

    pub fn parse_changes(&self, before: &Permission) -> Result<PermissionChanges, Problems> {
        let mut problems = Problems::default();
        let words = self.parse_words(&mut problems);
        refuse_another_slug(&self.slug, &before.slug, &mut problems);
        words.filter(|_| problems.is_empty()).ok_or(problems)
    }

    fn parse_words(&self, problems: &mut Problems) -> Option<PermissionChanges> {
        let label = problems.sort("label", text::parse_name("Label", &self.label, 60));
        let description =
            problems.sort("description", scopes::parse_description(&self.description));
        let access = problems.sort(
            "access",
            Access::try_from(self.access.clone()).map_err(|_| "Choose READ or WRITE.".into()),
        );
        Some(PermissionChanges { label: label?, description: description?, access: access? })
    }
}

fn refuse_another_slug(typed: &str, known: &str, problems: &mut Problems) {
    if !typed.is_empty() && typed != known {
        problems.add("slug", "The slug is fixed: programs ask for it. Add another one instead.");
    }
}

/// What is said when the slug is taken.
pub fn slug_taken(what: &str) -> Problems {
    Problems::one("slug", format!("Another {what} has this slug. Choose another."))
}
