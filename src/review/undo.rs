//! Taking back what a click did. How it was goes with the page, signed, so that it outlives a restart and nobody can make
//! it up; taking it back is an act like others, with the rights one has by then.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{PgConnection, prelude::*};
use serde::{Deserialize, Serialize};

use super::commands::CHANGED;
use crate::{
    error::{AppError, AppResult},
    keys::{
        Key, Permissions,
        commands::{self, Edited},
        queries,
    },
    schema::keys,
    users::Viewer,
    web::Signer,
};

/// Afterwards others may have come to rely on what was done.
const OFFERED: TimeDelta = TimeDelta::hours(1);
/// What it is signed as.
const WHAT: &str = "/review/undo";

/// What was done to a key, and how it was before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undo {
    pub public_key: String,
    /// Of the key as the click left it.
    version: i32,
    offered_until: DateTime<Utc>,
    was: Was,
}

/// How a key was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Was {
    /// Enabled, until it was disabled then.
    Enabled {
        disabled_at: DateTime<Utc>,
    },
    Ending {
        expires_at: Option<DateTime<Utc>>,
    },
    Holding {
        all: bool,
        sections: Vec<i64>,
        permissions: Vec<i64>,
        /// When it was last given something.
        since: Option<DateTime<Utc>>,
    },
}

impl Was {
    /// What a key holds before it is trimmed.
    ///
    /// # Errors
    /// When Postgres cannot be asked.
    pub fn holding(conn: &mut PgConnection, key: &Key, held: &Permissions) -> AppResult<Self> {
        let since = keys::table.find(key.id).select(keys::permissions_at).first(conn)?;
        let Permissions { all, sections, permissions } = held.clone();
        Ok(Self::Holding { all, sections, permissions, since })
    }
}

impl Undo {
    /// Of what was done to that key just now.
    pub fn of(key: &Key, was: Was) -> Self {
        let (public_key, version) = (key.public_key.clone(), key.version);
        Self { public_key, version, offered_until: Utc::now() + OFFERED, was }
    }

    /// Spells it for the form.
    pub fn spell(&self, signer: &Signer<'_>) -> String {
        let spelled = serde_json::to_string(self).expect("numbers and times have JSON");
        signer.spell(WHAT, &spelled)
    }

    /// What was spelled for this viewer.
    ///
    /// # Errors
    /// [`AppError::BadRequest`] for what was not; [`AppError::Conflict`] when it is too late.
    pub fn parse(typed: &str, signer: &Signer<'_>, now: DateTime<Utc>) -> AppResult<Self> {
        let undo: Self = signer
            .parse(WHAT, typed)
            .and_then(|spelled| serde_json::from_str(&spelled).ok())
            .ok_or_else(|| {
                AppError::BadRequest(
                    "The form is incomplete, or was made for somebody else. Reload the page and try again.".into(),
                )
            })?;
        if undo.offered_until < now {
            return Err(AppError::Conflict(
                "That was more than an hour ago, so it is not undone by a click. Open the key and change it there.".into(),
            ));
        }
        Ok(undo)
    }

    /// What is said of it when it is done.
    pub fn done(&self, name: &str) -> String {
        match self.was {
            Was::Enabled { .. } => format!("{name} is enabled again."),
            Was::Ending { expires_at: None } => {
                format!("{name} works until somebody stops it, as before.")
            }
            Was::Ending { .. } => format!("{name} ends when it did before."),
            Was::Holding { .. } => format!("{name} may do what it did before."),
        }
    }
}

/// Takes it back. What is back already stays so; what somebody changed since is theirs.
///
/// # Errors
/// [`AppError::NotFound`]; [`AppError::Conflict`] when the key has changed meanwhile; otherwise as an edit, or as enabling
/// a key.
pub fn undo(conn: &mut PgConnection, viewer: &Viewer, undo: &Undo) -> AppResult<Key> {
    let (viewer, key) = commands::take(conn, viewer, &undo.public_key)?;
    let held = queries::holdings_of(conn, &key)?;
    let mut changes = commands::unchanged(conn, &key, &held)?;
    match &undo.was {
        Was::Enabled { disabled_at } => {
            if key.disabled_at.is_none() {
                return Ok(key);
            }
            if key.version != undo.version || key.disabled_at != Some(*disabled_at) {
                return Err(AppError::Conflict(CHANGED.into()));
            }
            return commands::enable(conn, &viewer, &key.public_key);
        }
        Was::Ending { expires_at } => changes.expires_at = *expires_at,
        Was::Holding { all, sections, permissions, .. } => {
            changes.permissions = Permissions {
                all: *all,
                sections: sections.clone(),
                permissions: permissions.clone(),
            };
        }
    }
    if changes.expires_at == key.expires_at && changes.permissions == held.ids {
        return Ok(key);
    }
    let edited = commands::update(conn, &viewer, &key.public_key, undo.version, &changes, false)?;
    let Edited::Saved(saved) = edited else { return Err(AppError::Conflict(CHANGED.into())) };
    if let Was::Holding { since, .. } = &undo.was {
        // Nobody gave it anything that it had not before.
        diesel::update(keys::table.find(saved.id))
            .set(keys::permissions_at.eq(since))
            .execute(conn)?;
    }
    Ok(*saved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_good_for_whoever_clicked_and_for_an_hour() {
        let viewer = Viewer::operator();
        let signer = Signer { key: b"0123456789abcdef", viewer: &viewer };
        let now = Utc::now();
        let undo = Undo {
            public_key: "prod_pk_0123456789abcdef".into(),
            version: 3,
            offered_until: now + OFFERED,
            was: Was::Ending { expires_at: None },
        };
        let spelled = undo.spell(&signer);
        assert_eq!(Undo::parse(&spelled, &signer, now).unwrap(), undo);
        let later = now + TimeDelta::minutes(61);
        assert!(matches!(Undo::parse(&spelled, &signer, later), Err(AppError::Conflict(_))));
        let another = Viewer { id: Some(2), ..Viewer::operator() };
        let other = Signer { viewer: &another, ..signer };
        assert!(matches!(Undo::parse(&spelled, &other, now), Err(AppError::BadRequest(_))));
        let place = signer.spell("/review?group=unused", "1 2");
        for typed in ["", "x", &place] {
            assert!(matches!(Undo::parse(typed, &signer, now), Err(AppError::BadRequest(_))));
        }
    }
}
