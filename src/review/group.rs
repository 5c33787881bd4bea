//! The four groups. What is needed and what is not, nobody can know: each says how long nothing has asked for it.

use chrono::{DateTime, TimeDelta, Utc};

/// After so many days without a request, a permission or a key is taken for unused.
pub const UNUSED_DAYS: i64 = 90;
/// A key that was never used is given so many days to begin.
pub const NEVER_DAYS: i64 = 30;
/// After so many days a secret is old.
pub const OLD_DAYS: i64 = 365;
/// A key that is to end has so many days left, for whoever uses it after all.
pub const NOTICE_DAYS: i64 = 14;

/// What is looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Used keys that hold permissions which nothing needed.
    Permissions,
    /// Keys that were used once, and not since.
    Unused,
    /// Keys that were never used.
    Never,
    /// Secrets that are old.
    Secrets,
}

impl Group {
    /// All, in the order of the page.
    pub const ALL: [Self; 4] = [Self::Permissions, Self::Unused, Self::Never, Self::Secrets];

    /// As addresses spell it.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Permissions => "permissions",
            Self::Unused => "unused",
            Self::Never => "never",
            Self::Secrets => "secrets",
        }
    }

    /// The group of that slug.
    pub fn parse(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.slug() == slug)
    }

    /// Its page.
    pub fn address(self) -> String {
        format!("/review?group={}", self.slug())
    }

    /// As the entries above the list have it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Permissions => "Unused permissions",
            Self::Unused => "Unused keys",
            Self::Never => "Never used",
            Self::Secrets => "Old secrets",
        }
    }

    /// As the heading has it.
    pub fn title(self) -> String {
        match self {
            Self::Permissions => format!("Permissions not used for {UNUSED_DAYS} days"),
            Self::Unused => format!("Keys not used for {UNUSED_DAYS} days"),
            Self::Never => format!("Keys never used, made more than {NEVER_DAYS} days ago"),
            Self::Secrets => "Secrets older than a year".into(),
        }
    }

    /// What it is about and what helps.
    pub fn lead(self) -> &'static str {
        match self {
            Self::Permissions => {
                "These keys are in use, but no request that was let through needed all that they may do. Trim takes away what nothing needed; the key works on with the rest."
            }
            Self::Unused => {
                "Each was used at some time, and not since. Disable stops a key at once; an end in two weeks leaves time for whoever still has it."
            }
            Self::Never => {
                "Nobody has used these since they were made. What was made in advance can stay; what was a try can go."
            }
            Self::Secrets => {
                "The longer a secret is about, the more places have a copy. Regenerate it together with whoever uses the key."
            }
        }
    }

    /// What is the case where the list is empty.
    pub fn nothing(self) -> &'static str {
        match self {
            Self::Permissions => "Every permission of a key that is in use was needed lately.",
            Self::Unused => "Every key that was ever used was used lately.",
            Self::Never => "Every key that has been there for a while was used.",
            Self::Secrets => "No secret is older than a year.",
        }
    }

    /// What happened before that, or not at all since, counts.
    pub fn since(self, now: DateTime<Utc>) -> DateTime<Utc> {
        let days = match self {
            Self::Permissions | Self::Unused => UNUSED_DAYS,
            Self::Never => NEVER_DAYS,
            Self::Secrets => OLD_DAYS,
        };
        now - TimeDelta::days(days)
    }

    pub fn is_permissions(self) -> bool {
        self == Self::Permissions
    }

    pub fn is_secrets(self) -> bool {
        self == Self::Secrets
    }

    /// Whether many of them may be disabled together.
    pub fn is_idle(self) -> bool {
        matches!(self, Self::Unused | Self::Never)
    }
}
