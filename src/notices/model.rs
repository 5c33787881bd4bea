//! Kinds of notices, and what one says: to people, in mails, to programs.

use chrono::{DateTime, Utc};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A key has 14, 3 or 1 days left.
    KeyExpires,
    /// A gateway asked about a key that had expired.
    KeyUsedAfterExpiry,
    /// A key was presented to a gateway of another environment.
    KeyUsedElsewhere,
    /// A key was accepted for the first time.
    KeyFirstUsed,
    /// A credential was found where it should not be.
    LeakReported,
}

impl Kind {
    /// All of them: as stored and in forms; as webhooks name the event; as people read it.
    pub const ALL: [(Self, &'static str, &'static str, &'static str); 5] = [
        (Self::KeyExpires, "key_expires", "key.expires", "A key is about to expire"),
        (
            Self::KeyUsedAfterExpiry,
            "key_used_after_expiry",
            "key.used_after_expiry",
            "A key is used after its expiry",
        ),
        (
            Self::KeyUsedElsewhere,
            "key_used_elsewhere",
            "key.used_elsewhere",
            "A key is used in another environment",
        ),
        (
            Self::KeyFirstUsed,
            "key_first_used",
            "key.first_used",
            "A new key is used for the first time",
        ),
        (Self::LeakReported, "leak_reported", "leak.reported", "A leak is reported"),
    ];

    /// As stored.
    pub fn slug(self) -> &'static str {
        Self::ALL.iter().find(|(kind, ..)| *kind == self).map_or("", |(_, slug, ..)| slug)
    }

    /// As webhooks name the event.
    pub fn event(self) -> &'static str {
        Self::ALL.iter().find(|(kind, ..)| *kind == self).map_or("", |(_, _, event, _)| event)
    }

    /// As people read it.
    pub fn label(self) -> &'static str {
        Self::ALL.iter().find(|(kind, ..)| *kind == self).map_or("", |(.., label)| label)
    }

    /// When a notice of it is made.
    pub fn when(self) -> &'static str {
        match self {
            Self::KeyExpires => {
                "14, 3 and 1 days before, once each; not for keys that are disabled."
            }
            Self::KeyUsedAfterExpiry => "Once for each expiry.",
            Self::KeyUsedElsewhere => "Once a day for each key.",
            Self::KeyFirstUsed => {
                "Once for each key made from now on. Platforms that hand out many keys a day switch it off."
            }
            Self::LeakReported => "By a leak partner, or in leak triage by anybody.",
        }
    }

    /// The kind of that slug; `None` for one that a newer version knows.
    pub fn parse(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known, ..)| *known == slug).map(|(kind, ..)| kind)
    }
}

/// Something that happened, with what its words need.
#[derive(Debug, Clone)]
pub struct Notice {
    pub id: i64,
    pub kind: Kind,
    pub at: DateTime<Utc>,
    /// The key it is about; `None` for the leak of a credential that is no key’s.
    pub key: Option<AboutKey>,
    /// For [`Kind::KeyExpires`]: so many days before.
    pub days: Option<i64>,
    /// For [`Kind::KeyUsedElsewhere`]: the environment of the gateway that asked, if that is known.
    pub elsewhere: Option<String>,
    /// For [`Kind::LeakReported`]: who reported it, and what of.
    pub leak: Option<AboutLeak>,
}

/// The key of a notice as it is now.
#[derive(Debug, Clone)]
pub struct AboutKey {
    pub public_key: String,
    pub name: String,
    pub application: String,
    pub environment: String,
    pub expires_at: Option<DateTime<Utc>>,
}

/// What was reported.
#[derive(Debug, Clone)]
pub struct AboutLeak {
    pub reporter: String,
    /// What leaked when it was no key’s secret, such as `the App Secret of Atlas Mobile`.
    pub credential: String,
    /// What the report did: `notified`, `revoked`, `stopped`.
    pub outcome: String,
}

impl Notice {
    /// What happened, in a sentence.
    pub fn headline(&self) -> String {
        let key = self.key.as_ref().map_or("", |key| &key.name);
        match self.kind {
            Kind::KeyExpires => match self.days {
                Some(1) => format!("“{key}” expires within a day"),
                days => format!("“{key}” expires within {} days", days.unwrap_or_default()),
            },
            Kind::KeyUsedAfterExpiry => format!("“{key}” is still used after its expiry"),
            Kind::KeyUsedElsewhere => match &self.elsewhere {
                Some(elsewhere) => format!("“{key}” was used in {elsewhere}"),
                None => format!("“{key}” was used in another environment"),
            },
            Kind::KeyFirstUsed => format!("“{key}” was used for the first time"),
            Kind::LeakReported => match (&self.key, &self.leak) {
                (Some(_), _) => format!("A secret of “{key}” was found by others"),
                (None, Some(leak)) => format!("{} was found by others", capital(&leak.credential)),
                (None, None) => "A credential was found by others".into(),
            },
        }
    }

    /// What to do about it, in a sentence.
    pub fn advice(&self) -> &'static str {
        match self.kind {
            Kind::KeyExpires => {
                "Requests with it are refused from then on. Set a later expiry, or replace it before."
            }
            Kind::KeyUsedAfterExpiry => {
                "Its requests are refused. Whoever sends them needs a new key, or this one a later expiry."
            }
            Kind::KeyUsedElsewhere => {
                "Its requests are refused there. Whoever sends them has the key of the wrong environment."
            }
            Kind::KeyFirstUsed => "If nobody should be using it yet, revoke it.",
            Kind::LeakReported => "Replace it, and revoke it if that has not happened yet.",
        }
    }

    /// Where to act on it, on our own pages.
    pub fn address(&self) -> String {
        match (&self.key, self.kind) {
            (Some(key), _) => format!("/keys/{}", key.public_key),
            (None, _) => "/leaks".into(),
        }
    }
}

/// As at the beginning of a sentence.
fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
