//! Which keys are meant when many are: ticked one by one, or all that match the list's filter; and what would happen
//! to each of them.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    Key,
    filter::{Filter, FilterForm},
    routes::parse_key,
    spaced,
};
use crate::{
    error::{AppError, AppResult},
    web::Signer,
};

/// More than that many are changed by a job.
pub const AT_ONCE: usize = 1_000;
/// No more keys are changed at once.
pub const MOST: usize = 10_000;

/// What can be done to many keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BulkAct {
    Disable,
    Revoke,
}

impl BulkAct {
    /// The last word of its address.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Revoke => "revoke",
        }
    }

    pub fn is_revoke(self) -> bool {
        self == Self::Revoke
    }

    pub fn parse(slug: &str) -> Option<Self> {
        [Self::Disable, Self::Revoke].into_iter().find(|act| act.slug() == slug)
    }
}

/// The form around the list, and that of the summary.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BulkForm {
    /// The public keys of ticked rows.
    pub key: Vec<String>,
    /// `matching`: all that match, whatever is ticked.
    pub all: String,
    /// The button that was pressed.
    pub act: String,
    /// What the summary was drawn of.
    pub seen: String,
    pub reason: String,
    /// How many they are, where one of them was used a moment ago.
    pub typed: String,
    /// Where one was.
    pub back: String,

    pub q: String,
    pub status: String,
    pub environment: String,
    pub application: String,
    pub permission: String,
    pub owner: String,
    pub last_used: String,
    pub expiring: String,
}

impl BulkForm {
    /// The filter of the list it stands around.
    pub fn filter(&self) -> FilterForm {
        FilterForm {
            q: self.q.clone(),
            status: self.status.clone(),
            environment: self.environment.clone(),
            application: self.application.clone(),
            permission: self.permission.clone(),
            owner: self.owner.clone(),
            last_used: self.last_used.clone(),
            expiring: self.expiring.clone(),
            ..FilterForm::default()
        }
    }

    /// The keys that are meant.
    ///
    /// # Errors
    /// [`AppError::Unprocessable`] for none or too many, [`AppError::NotFound`] for what cannot be a key,
    /// [`AppError::BadRequest`] for a filter that no page offers.
    pub fn parse(&self, signer: &Signer<'_>) -> AppResult<Selection> {
        match self.all.as_str() {
            "matching" => return Ok(Selection::Matching(Box::new(self.filter().parse(signer)?))),
            "" => {}
            _ => {
                return Err(AppError::BadRequest(
                    "The form is incomplete. Reload the list and try again.".into(),
                ));
            }
        }
        if self.key.is_empty() {
            return Err(AppError::Unprocessable(
                "No key is selected. Tick the keys that are meant, then choose what happens to them.".into(),
            ));
        }
        if self.key.len() > MOST {
            return Err(too_many());
        }
        let mut named = self.key.iter().map(|key| parse_key(key)).collect::<AppResult<Vec<_>>>()?;
        named.sort_unstable();
        named.dedup();
        Ok(Selection::Named(named))
    }
}

/// The keys that are meant.
#[derive(Debug)]
pub enum Selection {
    /// By their public keys, each once.
    Named(Vec<String>),
    Matching(Box<Filter>),
}

impl Selection {
    /// Whether other keys may be meant a moment later.
    pub fn is_by_filter(&self) -> bool {
        matches!(self, Self::Matching(_))
    }
}

/// What tells one set of keys from another.
pub fn fingerprint(ids: &[i64]) -> String {
    let mut hash = Sha256::new();
    for id in ids {
        hash.update(id.to_le_bytes());
    }
    format!("{}-{}", ids.len(), hex::encode(&hash.finalize()[..16]))
}

/// The answer to more keys than are changed at once.
pub fn too_many() -> AppError {
    AppError::Unprocessable(
        "At most 10 000 keys are changed at once, and these are more. Narrow the list first."
            .into(),
    )
}

/// What happens to each key of a selection.
#[derive(Debug)]
pub struct Plan {
    pub changing: Vec<Key>,
    /// Left alone: nothing changes a revoked key any more.
    pub revoked: usize,
    /// Left alone: they are disabled already.
    pub disabled: usize,
    /// Left alone: they were deleted meanwhile, or are somebody else’s by now.
    pub gone: usize,
}

impl Plan {
    pub fn of(act: BulkAct, keys: Vec<Key>) -> Self {
        let mut plan = Self { changing: Vec::new(), revoked: 0, disabled: 0, gone: 0 };
        for key in keys {
            if key.revoked_at.is_some() {
                plan.revoked += 1;
            } else if act == BulkAct::Disable && key.disabled_at.is_some() {
                plan.disabled += 1;
            } else {
                plan.changing.push(key);
            }
        }
        plan
    }

    /// With those of another plan for the same act.
    pub fn extend(&mut self, other: Self) {
        self.changing.extend(other.changing);
        self.revoked += other.revoked;
        self.disabled += other.disabled;
        self.gone += other.gone;
    }

    /// “2 are left alone: revoked already.”
    pub fn skipped(&self) -> Vec<String> {
        let already = [(self.revoked, "revoked"), (self.disabled, "disabled")]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| match count {
                1 => format!("One is left alone: it is {what} already."),
                count => format!("{} are left alone: they are {what} already.", number(count)),
            });
        let gone = match self.gone {
            0 => None,
            1 => Some("One is gone from the list meanwhile.".to_owned()),
            count => Some(format!("{} are gone from the list meanwhile.", number(count))),
        };
        already.chain(gone).collect()
    }

    /// The sentence for the next page.
    pub fn done(&self, act: BulkAct) -> String {
        let mut said = match (act, self.changing.as_slice()) {
            (_, []) => "Nothing was changed.".to_owned(),
            (BulkAct::Disable, [one]) => format!("{} is disabled.", one.name),
            (BulkAct::Disable, many) => format!("{} keys are disabled.", number(many.len())),
            (BulkAct::Revoke, [one]) => format!("{} is revoked for good.", one.name),
            (BulkAct::Revoke, many) => {
                format!("{} keys are revoked for good.", number(many.len()))
            }
        };
        for skipped in self.skipped() {
            said.push(' ');
            said.push_str(&skipped);
        }
        said
    }
}

fn number(count: usize) -> String {
    spaced(i64::try_from(count).unwrap_or(i64::MAX))
}
