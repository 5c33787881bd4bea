//! The permissions and environments there are: one fact for all keys. What a key was granted refers to it by ids, so
//! that a change of the catalogue makes one fact old and not a million.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use actix_web::http::header::HeaderValue;
use serde_json::value::{RawValue, to_raw_value};

use super::{
    answer::header_value,
    facts::{Fact, Terms},
    verdict::By,
};
use crate::{credentials::SecretHash, metrics::Memory};

/// Everything that can be granted, and every environment.
#[derive(Debug)]
pub struct Catalogue {
    /// Tells apart what was read at different times.
    number: u64,
    /// In the order in which they are shown.
    permissions: Vec<Permission>,
    /// Where each slug stands among them.
    places: HashMap<Box<str>, u32>,
    /// Slugs by id.
    environments: Vec<(i64, Box<str>)>,
}

/// One that can be granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    pub id: i64,
    pub section_id: i64,
    pub slug: Box<str>,
    /// The public key alone may do it.
    pub publishable: bool,
}

/// What a key was granted. Nothing granted is nothing, never everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Granted {
    pub everything: bool,
    /// Whole sections, whatever is in them. In ascending order.
    pub sections: Box<[i64]>,
    /// In ascending order.
    pub permissions: Box<[i64]>,
}

/// The permissions of a key, as answers list them.
#[derive(Debug)]
pub struct Listed {
    catalogue: u64,
    /// With spaces between them, as a header's value.
    pub spaced: HeaderValue,
    /// A JSON array.
    pub json: Box<RawValue>,
}

/// The only catalogue there is.
impl Fact for Catalogue {
    const MEMORY: Memory = Memory::Catalogue;

    fn id(&self) -> i64 {
        0
    }
}

impl Catalogue {
    pub fn new(permissions: Vec<Permission>, environments: Vec<(i64, Box<str>)>) -> Self {
        static READ: AtomicU64 = AtomicU64::new(0);
        let places = permissions.iter().zip(0..).map(|(one, place)| (one.slug.clone(), place));
        Self {
            number: READ.fetch_add(1, Ordering::Relaxed),
            places: places.collect(),
            permissions,
            environments,
        }
    }

    /// Under what memory keeps it: the hash of nothing that could be presented.
    pub fn hash() -> SecretHash {
        SecretHash::stored(&[0; 32]).expect("it has the length of a hash")
    }

    /// Whether what was granted has this permission, presented this way. Compared letter by letter: no wildcards, no
    /// case folding.
    pub fn has(&self, granted: &Granted, by: By, slug: &str) -> bool {
        let permission = self.places.get(slug).map(|place| &self.permissions[*place as usize]);
        permission.is_some_and(|permission| granted.has(permission) && by.stands_for(permission))
    }

    /// What a key may do when presented this way.
    pub fn listed(&self, terms: &Terms, by: By) -> Arc<Listed> {
        // Nearly everyone presents the secret, and then the list is nearly always the one it was.
        if by == By::PublicKey {
            return Arc::new(self.list(&terms.granted, by));
        }
        let mut kept = terms.listed.lock();
        match &*kept {
            Some(listed) if listed.catalogue == self.number => Arc::clone(listed),
            _ => Arc::clone(kept.insert(Arc::new(self.list(&terms.granted, by)))),
        }
    }

    fn list(&self, granted: &Granted, by: By) -> Listed {
        let slugs: Vec<&str> = self
            .permissions
            .iter()
            .filter(|permission| granted.has(permission) && by.stands_for(permission))
            .map(|permission| &*permission.slug)
            .collect();
        let json = to_raw_value(&slugs).expect("texts are always JSON");
        Listed { catalogue: self.number, spaced: header_value(&slugs.join(" ")), json }
    }

    /// The slug of an environment.
    pub fn environment(&self, id: i64) -> Option<&str> {
        let (_, slug) = self.environments.iter().find(|(known, _)| *known == id)?;
        Some(slug)
    }
}

impl Granted {
    fn has(&self, permission: &Permission) -> bool {
        self.everything
            || self.sections.binary_search(&permission.section_id).is_ok()
            || self.permissions.binary_search(&permission.id).is_ok()
    }
}

impl By {
    /// Everyone may know a public key: alone it only stands for what is safe in a browser.
    fn stands_for(self, permission: &Permission) -> bool {
        self == Self::Secret || permission.publishable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue(slugs: &[(&str, bool)]) -> Catalogue {
        let permission = |(id, (slug, publishable)): (i64, &(&str, bool))| Permission {
            id,
            section_id: 100 + id / 2,
            slug: (*slug).into(),
            publishable: *publishable,
        };
        Catalogue::new((0..).zip(slugs).map(permission).collect(), vec![(1, "production".into())])
    }

    fn granted(sections: &[i64], permissions: &[i64]) -> Granted {
        Granted { everything: false, sections: sections.into(), permissions: permissions.into() }
    }

    #[test]
    fn what_is_granted_is_listed_in_the_order_of_the_catalogue() {
        let catalogue = catalogue(&[
            ("b:read", true),
            ("b:write", false),
            ("a:read", false),
            ("a:write", true),
        ]);
        let listed = |granted: &Granted, by| {
            catalogue.listed(&Terms::new(granted.clone(), [].into()), by).json.get().to_owned()
        };
        let everything = Granted { everything: true, ..Granted::default() };
        assert_eq!(listed(&everything, By::Secret), r#"["b:read","b:write","a:read","a:write"]"#);
        assert_eq!(listed(&everything, By::PublicKey), r#"["b:read","a:write"]"#);
        assert_eq!(listed(&granted(&[101], &[0]), By::Secret), r#"["b:read","a:read","a:write"]"#);
        assert_eq!(listed(&Granted::default(), By::Secret), "[]");
        assert!(catalogue.has(&granted(&[101], &[]), By::PublicKey, "a:write"));
        assert!(!catalogue.has(&granted(&[101], &[]), By::PublicKey, "a:read"));
        assert!(!catalogue.has(&everything, By::Secret, "A:read"));
        assert!(!catalogue.has(&everything, By::Secret, "*"));
    }

    #[test]
    fn a_list_is_made_again_when_the_catalogue_is_another() {
        let terms = Terms::new(granted(&[], &[0, 1]), [].into());
        let slugs = |catalogue: &Catalogue| catalogue.listed(&terms, By::Secret).spaced.clone();
        let (before, after) =
            (catalogue(&[("a", false)]), catalogue(&[("a", false), ("b", false)]));
        assert_eq!(slugs(&before), "a");
        assert_eq!(slugs(&after), "a b");
    }
}
