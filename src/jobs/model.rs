//! What kinds of jobs there are, and what is known of one.

use std::time::Duration;

use crate::users::Viewer;

/// What is done later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Sweep,
    RollUp,
    Retention,
    Notices,
    KeysExport,
    Bulk,
    CustomersImport,
    Mail,
    Webhooks,
}

impl Kind {
    /// All of them, with the name that is stored and the one that people read.
    pub const ALL: [(Self, &'static str, &'static str); 9] = [
        (Self::Sweep, "sweep", "Clearing up"),
        (Self::RollUp, "roll_up", "Rolling up usage"),
        (Self::Retention, "retention", "Removing what is too old"),
        (Self::Notices, "notices", "Noticing"),
        (Self::KeysExport, "keys_export", "Export of API keys"),
        (Self::Bulk, "bulk", "Many keys at once"),
        (Self::CustomersImport, "customers_import", "Import of customers"),
        (Self::Mail, "mail", "E-mails about notices"),
        (Self::Webhooks, "webhooks", "Deliveries to webhooks"),
    ];

    /// As stored, and as addresses and metrics spell it.
    pub fn slug(self) -> &'static str {
        Self::ALL.iter().find(|(kind, ..)| *kind == self).map_or("", |(_, slug, _)| slug)
    }

    /// As people read it.
    pub fn label(self) -> &'static str {
        Self::ALL.iter().find(|(kind, ..)| *kind == self).map_or("", |(.., label)| label)
    }

    /// The kind of that slug; `None` for one that a newer version knows.
    pub fn parse(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known, _)| *known == slug).map(|(kind, ..)| kind)
    }

    /// Whether one may take minutes. One of a node's workers leaves these alone, so that nothing short ever waits for
    /// them.
    pub fn is_long(self) -> bool {
        match self {
            Self::Sweep | Self::RollUp | Self::Notices | Self::Mail | Self::Webhooks => false,
            Self::Retention | Self::KeysExport | Self::Bulk | Self::CustomersImport => true,
        }
    }

    /// Whether one speaks to servers of others, which may take their time. A worker of its own does these, so that
    /// nothing else ever waits for them.
    pub fn is_outside(self) -> bool {
        matches!(self, Self::Mail | Self::Webhooks)
    }

    /// Whether managers ask for such jobs, too.
    pub fn is_for_managers(self) -> bool {
        matches!(self, Self::KeysExport | Self::Bulk)
    }

    /// So often one may go wrong before it has failed for good.
    pub fn most_failures(self) -> i32 {
        5
    }

    /// How long to wait after the `failures`-th time it went wrong: 1 s, 2 s, 4 s and so on, a minute at most; between
    /// half of it and all of it, so that what failed together does not come back together.
    pub fn pause_after(self, failures: i32) -> Duration {
        let doublings = u32::try_from(failures.clamp(1, 16) - 1).unwrap_or(0);
        let longest = Duration::from_secs(60);
        let pause = Duration::from_secs(1).saturating_mul(1 << doublings).min(longest);
        pause.mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}

/// How a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    Queued,
    Running,
    Done,
    Failed,
    Cancelled,
}

impl State {
    /// All of them, with the name in addresses and metrics and the one that people read.
    pub const ALL: [(Self, &'static str, &'static str); 5] = [
        (Self::Queued, "queued", "Queued"),
        (Self::Running, "running", "Running"),
        (Self::Done, "done", "Done"),
        (Self::Failed, "failed", "Failed"),
        (Self::Cancelled, "cancelled", "Cancelled"),
    ];

    /// As addresses and metrics spell it.
    pub fn slug(self) -> &'static str {
        Self::ALL.iter().find(|(state, ..)| *state == self).map_or("", |(_, slug, _)| slug)
    }

    /// As people read it.
    pub fn label(self) -> &'static str {
        Self::ALL.iter().find(|(state, ..)| *state == self).map_or("", |(.., label)| label)
    }

    /// The state of that slug.
    pub fn parse(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known, _)| *known == slug).map(|(state, ..)| state)
    }
}

/// Who or what asked for a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Starter {
    /// By the id in `users`.
    User(i64),
    /// By the id in `applications`.
    Application(i64),
    /// At the command line.
    Operator,
    /// Latchkey itself, because it was time.
    System,
}

impl Starter {
    /// The person, or the operator at the command line.
    pub fn of(viewer: &Viewer) -> Self {
        viewer.id.map_or(Self::Operator, Self::User)
    }

    /// As stored.
    pub fn slug(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Application(_) => "application",
            Self::Operator => "operator",
            Self::System => "system",
        }
    }

    /// From a row.
    pub fn stored(slug: &str, user_id: Option<i64>, application_id: Option<i64>) -> Option<Self> {
        match (slug, user_id, application_id) {
            ("user", Some(id), None) => Some(Self::User(id)),
            ("application", None, Some(id)) => Some(Self::Application(id)),
            ("operator", None, None) => Some(Self::Operator),
            ("system", None, None) => Some(Self::System),
            _ => None,
        }
    }

    pub(super) fn ids(&self) -> (Option<i64>, Option<i64>) {
        match self {
            Self::User(id) => (Some(*id), None),
            Self::Application(id) => (None, Some(*id)),
            Self::Operator | Self::System => (None, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_and_state_is_found_by_its_slug() {
        for (kind, slug, label) in Kind::ALL {
            assert_eq!(Kind::parse(slug), Some(kind));
            assert_eq!((kind.slug(), kind.label()), (slug, label));
        }
        for (state, slug, label) in State::ALL {
            assert_eq!(State::parse(slug), Some(state));
            assert_eq!((state.slug(), state.label()), (slug, label));
        }
        assert_eq!((Kind::parse("mine_bitcoin"), State::parse("asleep")), (None, None));
    }

    #[test]
    fn each_failure_is_followed_by_a_longer_pause_up_to_a_minute() {
        for (failures, most) in [(1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0), (7, 60.0), (99, 60.0)] {
            let pause = Kind::Sweep.pause_after(failures).as_secs_f64();
            assert!((most / 2.0..=most).contains(&pause), "{failures}: {pause}");
        }
    }
}
