//! Pasted text: what was found in it, whose it is, as far as whoever pasted it may know. The text itself is gone before
//! anything is asked.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::{PgConnection, prelude::*};
use serde_json::json;

use super::{
    known::{Whose, whose},
    reports::{self, Finder, Outcome},
    scan::{Candidate, Found, Kind},
};
use crate::{
    applications::{self, Application},
    audit::{self, Action, Subject},
    credentials::SecretHash,
    environments::{self, Environment},
    error::AppResult,
    gateways::{self, Gateway},
    keys::{self, Key, Row, commands},
    schema::keys as keys_table,
    usage,
    users::Viewer,
};

/// So many keys are shown; a text that holds more is looked at again when these are dealt with.
pub const MOST: usize = 500;

/// What was found in a text.
pub struct Triage {
    pub keys: Vec<FoundKey>,
    /// How many more keys there are than are shown.
    pub more_keys: usize,
    pub applications: Vec<(Application, Candidate)>,
    pub gateways: Vec<(Gateway, Candidate)>,
    /// Secrets of keys that were deleted.
    pub deleted: Vec<(DeletedKey, Candidate)>,
    /// Well formed and not known; to a manager also whatever is not theirs.
    pub others: Vec<Other>,
    /// Public keys and App IDs: no secrets. Each with its key, if the viewer may see it.
    pub public: Vec<(Candidate, Option<Key>)>,
    /// Lines with the shape of a secret and not its checksum.
    pub mistyped: Vec<u32>,
    /// How many bytes were looked at.
    pub length: usize,
}

/// A key with those of its secrets that were found.
pub struct FoundKey {
    pub row: Row,
    /// Requests let through in the last hour.
    pub recent: i64,
    pub secrets: Vec<(Candidate, Standing)>,
}

/// How a secret stands to its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Current,
    /// A regeneration replaced it, and it works until then.
    Until(DateTime<Utc>),
    /// It was replaced then and is refused.
    Replaced(DateTime<Utc>),
}

/// What is left of a key that was deleted.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = keys_table, check_for_backend(diesel::pg::Pg))]
pub struct DeletedKey {
    pub id: i64,
    pub public_key: String,
    pub name: String,
}

/// A credential that is not known.
pub struct Other {
    pub candidate: Candidate,
    /// The name of the environment with its prefix.
    pub environment: Option<String>,
}

impl Triage {
    /// How many secrets are known here, to this viewer.
    pub fn known(&self) -> usize {
        let of_keys: usize = self.keys.iter().map(|key| key.secrets.len()).sum();
        of_keys + self.applications.len() + self.gateways.len() + self.deleted.len()
    }

    /// How many secrets there are.
    pub fn secrets(&self) -> usize {
        self.known() + self.others.len()
    }

    /// Whether this application or gateway, as the trail calls it, is among what was found.
    pub fn has(&self, subject: &str) -> bool {
        self.applications.iter().any(|(found, _)| found.app_id == subject)
            || self.gateways.iter().any(|(found, _)| found.subject() == subject)
    }

    /// The keys that one of the found secrets still opens.
    pub fn live(&self) -> impl Iterator<Item = &FoundKey> {
        self.keys.iter().filter(|key| key.is_live())
    }
}

impl FoundKey {
    /// Whether somebody who has the text can use the key.
    pub fn is_live(&self) -> bool {
        let works =
            |(_, standing): &(Candidate, Standing)| !matches!(standing, Standing::Replaced(_));
        self.row.status() == keys::Status::Active && self.secrets.iter().any(works)
    }
}

/// Says of everything that was found whose it is, notes it as reported, and writes who looked into the trail: how many
/// there were and which were known, nothing of the text.
///
/// # Errors
/// [`crate::error::AppError::NoApiAccess`].
pub fn triage(conn: &mut PgConnection, viewer: &Viewer, found: Found) -> AppResult<Triage> {
    let viewer = viewer.confirm_api_access(conn)?;
    let now = Utc::now();
    let owners = whose(conn, found.secrets())?;
    let environments = environments::list(conn)?;
    let mut triage = Triage {
        keys: Vec::new(),
        more_keys: 0,
        applications: Vec::new(),
        gateways: Vec::new(),
        deleted: Vec::new(),
        others: Vec::new(),
        public: Vec::new(),
        mistyped: found.mistyped,
        length: found.length,
    };
    let theirs = Theirs::of(conn, &viewer, owners.values())?;
    let mut secrets: HashMap<i64, Vec<(Candidate, Standing)>> = HashMap::new();
    let mut public = Vec::new();
    let count = found.candidates.iter().filter(|candidate| candidate.kind.is_secret()).count();
    for candidate in found.candidates {
        if !candidate.kind.is_secret() {
            public.push(candidate);
            continue;
        }
        match owners.get(&candidate.hash) {
            Some(Whose::Key { id, ends_at, .. }) if theirs.keys.contains_key(id) => {
                secrets.entry(*id).or_default().push((candidate, standing(*ends_at, now)));
            }
            Some(Whose::Key { id, .. }) if theirs.deleted.contains_key(id) => {
                triage.deleted.push((theirs.deleted[id].clone(), candidate));
            }
            Some(Whose::Application { id }) if theirs.applications.contains_key(id) => {
                triage.applications.push((theirs.applications[id].clone(), candidate));
            }
            Some(Whose::Gateway { id }) if theirs.gateways.contains_key(id) => {
                triage.gateways.push((theirs.gateways[id].clone(), candidate));
            }
            _ => triage.others.push(other(candidate, &environments)),
        }
    }
    report(conn, &viewer, &owners, &theirs, count, now)?;
    triage.public = with_their_keys(conn, &viewer, public)?;
    fill_in(conn, &viewer, &mut triage, theirs, secrets, now)?;
    Ok(triage)
}

/// What of the known ones the viewer may know.
struct Theirs {
    keys: HashMap<i64, Key>,
    deleted: HashMap<i64, DeletedKey>,
    applications: HashMap<i64, Application>,
    gateways: HashMap<i64, Gateway>,
}

impl Theirs {
    fn of<'a>(
        conn: &mut PgConnection,
        viewer: &Viewer,
        owners: impl Iterator<Item = &'a Whose>,
    ) -> AppResult<Self> {
        let (mut keys, mut applications, mut gateways) = (Vec::new(), Vec::new(), Vec::new());
        for whose in owners {
            match *whose {
                Whose::Key { id, .. } => keys.push(id),
                Whose::Application { id } => applications.push(id),
                Whose::Gateway { id } => gateways.push(id),
            }
        }
        let visible = keys::queries::by_ids(conn, viewer, &keys)?;
        let mut theirs = Self {
            keys: visible.into_iter().map(|key| (key.id, key)).collect(),
            deleted: HashMap::new(),
            applications: HashMap::new(),
            gateways: HashMap::new(),
        };
        // A manager knows of own keys only; App Secrets and gateways are the administrators'.
        if !viewer.is_administrator() {
            return Ok(theirs);
        }
        let deleted: Vec<DeletedKey> = keys_table::table
            .filter(keys_table::id.eq_any(&keys))
            .filter(keys_table::deleted_at.is_not_null())
            .select(DeletedKey::as_select())
            .load(conn)?;
        theirs.deleted = deleted.into_iter().map(|key| (key.id, key)).collect();
        let found = applications::by_ids(conn, viewer, &applications)?;
        theirs.applications = found.into_iter().map(|found| (found.id, found)).collect();
        let found = gateways::by_ids(conn, viewer, &gateways)?;
        theirs.gateways = found.into_iter().map(|found| (found.id, found)).collect();
        Ok(theirs)
    }
}

fn standing(ends_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Standing {
    match ends_at {
        None => Standing::Current,
        Some(at) if at > now => Standing::Until(at),
        Some(at) => Standing::Replaced(at),
    }
}

fn other(candidate: Candidate, environments: &[Environment]) -> Other {
    let known = environments.iter().find(|known| known.prefix == candidate.prefix);
    Other { environment: known.map(|environment| environment.name.clone()), candidate }
}

/// Marks what is theirs as found, and writes the trail.
fn report(
    conn: &mut PgConnection,
    viewer: &Viewer,
    owners: &HashMap<SecretHash, Whose>,
    theirs: &Theirs,
    count: usize,
    now: DateTime<Utc>,
) -> AppResult<()> {
    let finder = Finder {
        partner_id: None,
        user_id: viewer.id,
        name: &viewer.name,
        url: "",
        source: "triage",
    };
    let mut found: Vec<(&Whose, &Key)> = owners
        .values()
        .filter_map(|whose| match whose {
            Whose::Key { id, .. } => theirs.keys.get(id).map(|key| (whose, key)),
            _ => None,
        })
        .collect();
    found.sort_by_key(|(_, key)| key.id);
    let mut events = Vec::new();
    for (whose, key) in &found {
        let worked = key.status(now) == keys::Status::Active && !whose.is_replaced(now);
        reports::note(conn, whose, &finder, worked, Outcome::Notified)?;
        let details = json!({ "by": "triage", "worked": worked });
        events.push((key.public_key.clone(), key.name.clone(), details));
    }
    audit::record_each(conn, viewer, Action::KeyLeakFound, events)?;
    for whose in owners.values() {
        let is_theirs = match whose {
            Whose::Key { .. } => false,
            Whose::Application { id } => theirs.applications.contains_key(id),
            Whose::Gateway { id } => theirs.gateways.contains_key(id),
        };
        if is_theirs {
            reports::note(conn, whose, &finder, true, Outcome::Notified)?;
        }
    }
    let mut named: Vec<String> = found.iter().map(|(_, key)| key.public_key.clone()).collect();
    named.extend(theirs.applications.values().map(|application| application.app_id.clone()));
    named.extend(theirs.gateways.values().map(Gateway::subject));
    named.dedup();
    let details = json!({ "candidates": count, "known": named });
    let subject = Subject { id: "leaks", name: "Leak triage" };
    audit::record(conn, viewer, Action::LeaksTriaged, subject, details)
}

fn with_their_keys(
    conn: &mut PgConnection,
    viewer: &Viewer,
    public: Vec<Candidate>,
) -> AppResult<Vec<(Candidate, Option<Key>)>> {
    let named: Vec<&str> = public
        .iter()
        .filter(|candidate| candidate.kind == Kind::PublicKey)
        .map(|candidate| candidate.shown.as_str())
        .collect();
    let mut keys: HashMap<String, Key> = keys::queries::by_public_keys(conn, viewer, &named)?
        .into_iter()
        .map(|key| (key.public_key.clone(), key))
        .collect();
    Ok(public
        .into_iter()
        .map(|candidate| {
            let key = keys.remove(&candidate.shown);
            (candidate, key)
        })
        .collect())
}

fn fill_in(
    conn: &mut PgConnection,
    viewer: &Viewer,
    triage: &mut Triage,
    theirs: Theirs,
    mut secrets: HashMap<i64, Vec<(Candidate, Standing)>>,
    now: DateTime<Utc>,
) -> AppResult<()> {
    let mut found: Vec<Key> = theirs.keys.into_values().collect();
    // What works comes first, then by name.
    found.sort_by(|one, other| {
        let order = |key: &Key| (key.status(now) != keys::Status::Active, key.name.to_lowercase());
        order(one).cmp(&order(other)).then(one.id.cmp(&other.id))
    });
    triage.more_keys = found.len().saturating_sub(MOST);
    found.truncate(MOST);
    let ids: Vec<i64> = found.iter().map(|key| key.id).collect();
    let recent = usage::valid_since(conn, &ids, now - chrono::TimeDelta::hours(1))?;
    let mut held = keys::queries::holdings_of_all(conn, &found)?;
    let may = commands::may(conn, viewer)?;
    triage.keys = found
        .into_iter()
        .map(|key| FoundKey {
            recent: recent.get(&key.id).copied().unwrap_or_default(),
            secrets: secrets.remove(&key.id).unwrap_or_default(),
            row: Row::new(key.clone(), held.remove(&key.id).unwrap_or_default(), viewer, may, now),
        })
        .collect();
    Ok(())
}
