//! What API access covers. Pure.

use crate::keys::Permissions;

/// What a manager may hand out: the environments and the permissions of the keys they manage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// `None`: every environment there is and will be.
    pub environments: Option<Vec<i64>>,
    pub permissions: Permissions,
    /// What the whole sections hold at present.
    in_sections: Vec<i64>,
}

impl Grant {
    /// Every environment and every permission there is and will be.
    pub fn everything() -> Self {
        Self::of(None, Permissions { all: true, ..Permissions::default() })
    }

    /// These environments and these permissions.
    pub fn of(environments: Option<Vec<i64>>, permissions: Permissions) -> Self {
        Self { environments, permissions, in_sections: Vec::new() }
    }

    /// The same, knowing which permissions the whole sections hold at present.
    pub(super) fn with_sections_holding(self, in_sections: Vec<i64>) -> Self {
        Self { in_sections, ..self }
    }

    /// Whether nothing is outside it.
    pub fn is_everything(&self) -> bool {
        self.environments.is_none() && self.permissions.all
    }

    /// Whether keys of that environment are within it.
    pub fn covers_environment(&self, id: i64) -> bool {
        self.environments.as_ref().is_none_or(|granted| granted.contains(&id))
    }

    /// Whether a section is within it as a whole, with what is added to it later.
    pub fn covers_section(&self, id: i64) -> bool {
        self.permissions.all || self.permissions.sections.contains(&id)
    }

    /// Whether a permission is within it, by itself or with its section.
    pub fn covers_permission(&self, id: i64) -> bool {
        self.permissions.all
            || self.permissions.permissions.contains(&id)
            || self.in_sections.contains(&id)
    }

    /// The part of these permissions that is outside it; empty when it covers all of them. “All permissions” is
    /// covered by nothing less, and neither is a whole section: both grow.
    pub fn lacks(&self, wanted: &Permissions) -> Permissions {
        let outside = |ids: &[i64], covers: &dyn Fn(i64) -> bool| {
            ids.iter().copied().filter(|id| !covers(*id)).collect()
        };
        Permissions {
            all: wanted.all && !self.permissions.all,
            sections: outside(&wanted.sections, &|id| self.covers_section(id)),
            permissions: outside(&wanted.permissions, &|id| self.covers_permission(id)),
        }
    }

    /// Whether a key of that environment with these permissions is within it.
    pub fn covers(&self, environment_id: i64, wanted: &Permissions) -> bool {
        self.covers_environment(environment_id) && self.lacks(wanted).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Two sections of two permissions each.
    const CATALOGUE: [(i64, [i64; 2]); 2] = [(1, [11, 12]), (2, [21, 22])];

    /// Every choice there is: all or not, some of the sections, some of the permissions.
    fn choices() -> impl Iterator<Item = Permissions> {
        let some = |of: &[i64], bits: usize| -> Vec<i64> {
            of.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1).map(|(_, &id)| id).collect()
        };
        (0..2 * 4 * 16).map(move |bits| Permissions {
            all: bits & 1 == 1,
            sections: some(&[1, 2], bits >> 1 & 3),
            permissions: some(&[11, 12, 21, 22], bits >> 3),
        })
    }

    /// What a choice means one day, when each section has one permission more and there is one more section.
    fn one_day(chosen: &Permissions) -> BTreeSet<i64> {
        let mut held: BTreeSet<i64> = chosen.permissions.iter().copied().collect();
        for (section, permissions) in CATALOGUE {
            if chosen.all || chosen.sections.contains(&section) {
                held.extend(permissions);
                held.insert(section * 10 + 9);
            }
        }
        if chosen.all {
            held.insert(99);
        }
        held
    }

    fn grant(permissions: Permissions) -> Grant {
        let held = CATALOGUE
            .into_iter()
            .filter(|(section, _)| permissions.sections.contains(section))
            .flat_map(|(_, permissions)| permissions)
            .collect();
        Grant::of(None, permissions).with_sections_holding(held)
    }

    #[test]
    fn a_grant_covers_what_it_will_still_cover_when_the_catalogue_has_grown() {
        for granted in choices() {
            let within = one_day(&granted);
            let grant = grant(granted.clone());
            for wanted in choices() {
                let is_within = one_day(&wanted).is_subset(&within);
                assert_eq!(grant.covers(1, &wanted), is_within, "{granted:?} ⊇ {wanted:?}");
            }
        }
    }

    #[test]
    fn what_is_lacking_is_named_and_nothing_else() {
        let grant =
            grant(Permissions { sections: vec![1], permissions: vec![21], ..Default::default() });
        let wanted =
            Permissions { all: true, sections: vec![1, 2], permissions: vec![11, 21, 22, 31] };
        let lacking = Permissions { all: true, sections: vec![2], permissions: vec![22, 31] };
        assert_eq!(grant.lacks(&wanted), lacking);
        assert!(grant.lacks(&Permissions::default()).is_empty());
    }

    #[test]
    fn an_environment_is_granted_by_itself_or_with_all() {
        let nothing = Permissions::default();
        assert!(Grant::everything().covers(7, &nothing));
        assert!(Grant::of(Some(vec![7]), nothing.clone()).covers(7, &nothing));
        assert!(!Grant::of(Some(vec![7]), nothing.clone()).covers(8, &nothing));
        assert!(!Grant::of(Some(Vec::new()), nothing.clone()).covers(7, &nothing));
        assert!(Grant::everything().is_everything());
        assert!(!Grant::of(Some(Vec::new()), nothing).is_everything());
    }
}
