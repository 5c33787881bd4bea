//! What of a key nothing needed, and what it would keep. Pure, but for asking what it holds.

use chrono::{DateTime, Utc};
use diesel::PgConnection;

use super::Group;
use crate::{
    error::AppResult,
    keys::{Key, Permissions},
    usage::{self, HeldPermission, Memory},
};

/// What a key would lose and keep.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trim {
    /// Slugs of what nothing needed, in the order of the catalogue.
    pub taken: Vec<String>,
    /// How many permissions it keeps.
    pub kept: usize,
    /// All of it afterwards: whole sections only where nothing of them is taken.
    pub after: Permissions,
}

impl Trim {
    /// What can be taken from what a key holds. Of `held` those that are `wanted`; a key that holds everything holds a
    /// list afterwards.
    pub fn of(
        before: &Permissions,
        held: &[HeldPermission],
        wanted: impl Fn(&HeldPermission) -> bool,
    ) -> Self {
        let is_taken = |one: &HeldPermission| one.is_unneeded && wanted(one);
        let (taken, kept): (Vec<_>, Vec<_>) = held.iter().partition(|one| is_taken(one));
        let sections: Vec<i64> = before
            .sections
            .iter()
            .copied()
            .filter(|section| !before.all && taken.iter().all(|one| one.section_id != *section))
            .collect();
        let permissions = kept
            .iter()
            .filter(|one| {
                before.permissions.contains(&one.id) || !sections.contains(&one.section_id)
            })
            .map(|one| one.id)
            .collect();
        Self {
            taken: taken.iter().map(|one| one.slug.clone()).collect(),
            kept: kept.len(),
            after: Permissions { all: false, sections, permissions },
        }
    }

    /// Whether a key can be trimmed: something goes, and something stays.
    pub fn is_possible(&self) -> bool {
        !self.taken.is_empty() && !self.after.is_empty()
    }
}

/// What a key holds, if it can be told what of it was needed.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn held_of(
    conn: &mut PgConnection,
    key: &Key,
    now: DateTime<Utc>,
) -> AppResult<Option<Vec<HeldPermission>>> {
    let since = Group::Permissions.since(now);
    let is_known = Memory::of(conn, now)?.reaches(since)
        && key.created_at < since
        && !usage::was_sampled(conn, key.id, since)?;
    if !is_known {
        return Ok(None);
    }
    Ok(Some(usage::held_permissions(conn, &[key.id], since)?.remove(&key.id).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held() -> Vec<HeldPermission> {
        let one = |id, section_id, slug: &str, is_unneeded| {
            HeldPermission::new(id, section_id, slug, is_unneeded)
        };
        vec![
            one(1, 10, "orders:read", false),
            one(2, 10, "orders:write", true),
            one(3, 20, "reporting:read", false),
            one(4, 30, "payouts:read", true),
        ]
    }

    #[test]
    fn everything_becomes_a_list_of_what_was_needed() {
        let before = Permissions { all: true, ..Permissions::default() };
        let trim = Trim::of(&before, &held(), |_| true);
        assert_eq!(trim.taken, ["orders:write", "payouts:read"]);
        assert_eq!(trim.kept, 2);
        assert_eq!(
            trim.after,
            Permissions { all: false, sections: vec![], permissions: vec![1, 3] }
        );
        assert!(trim.is_possible());
    }

    #[test]
    fn a_section_stays_whole_where_nothing_of_it_goes() {
        let before = Permissions { all: false, sections: vec![10, 20], permissions: vec![4] };
        let trim = Trim::of(&before, &held(), |_| true);
        assert_eq!(
            trim.after,
            Permissions { all: false, sections: vec![20], permissions: vec![1] }
        );
    }

    #[test]
    fn only_what_was_shown_goes_and_something_has_to_stay() {
        let before = Permissions { all: false, sections: vec![10], permissions: vec![3, 4] };
        let trim = Trim::of(&before, &held(), |one| one.slug == "payouts:read");
        assert_eq!(trim.taken, ["payouts:read"]);
        assert_eq!(
            trim.after,
            Permissions { all: false, sections: vec![10], permissions: vec![3] }
        );
        let nothing = Trim::of(&before, &held(), |_| false);
        assert!(!nothing.is_possible());
        let all_of_it = [HeldPermission::new(4, 30, "payouts:read", true)];
        let before = Permissions { permissions: vec![4], ..Permissions::default() };
        assert!(!Trim::of(&before, &all_of_it, |_| true).is_possible());
    }
}
