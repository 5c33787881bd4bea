//! The last 24 hours, as far as the viewer sees keys: traffic by environment, refusals by reason, keys that need a look.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{PgConnection, prelude::*};

use crate::{
    environments::{self, Environment},
    error::AppResult,
    keys::{self, Key, SOON_DAYS, Status, spaced},
    schema::keys as keys_table,
    usage::{self, OfEnvironment, Refused, Whose},
    users::Viewer,
};

/// Of somebody with very many keys, those used last are added up.
const MOST_OF_ONE: i64 = 100;
/// So many keys are named.
const NAMED: usize = 8;
/// Refusals are a concern when they are at least so many and such a part of the requests, in percent.
const OFTEN: i64 = 20;
const PART: i64 = 10;

/// The last 24 hours.
pub struct Lately {
    /// Those with traffic, and all others that are open.
    pub environments: Vec<(Environment, OfEnvironment)>,
    /// Refusals by reason, the most frequent first.
    pub refusals: Vec<(String, i64)>,
    pub concerns: Vec<Concern>,
    /// How many keys need a look and are not named.
    pub unnamed: usize,
    /// These are the numbers of so many keys only, those used last.
    pub of_most: Option<i64>,
}

/// A key that needs a look.
pub struct Concern {
    pub key: Key,
    pub why: String,
    /// The reason to look for in the log.
    pub code: Option<String>,
    weight: i64,
}

impl Lately {
    /// As the viewer sees it, in the mode they look at.
    ///
    /// # Errors
    /// When Postgres cannot be asked.
    pub fn read(conn: &mut PgConnection, viewer: &Viewer, now: DateTime<Utc>) -> AppResult<Self> {
        let mine = match viewer.is_administrator() {
            true => None,
            false => Some(used_last(conn, viewer)?),
        };
        let whose = mine.as_deref().map_or(Whose::Everybodys, Whose::Of);
        let mut traffic = usage::traffic(conn, whose, now)?;
        let shown =
            |environment: &Environment| viewer.mode.is_none_or(|mode| environment.mode == mode);
        let environments: Vec<(Environment, OfEnvironment)> = environments::list(conn)?
            .into_iter()
            .filter(shown)
            .map(|environment| {
                let traffic = traffic.remove(&environment.id).unwrap_or_default();
                (environment, traffic)
            })
            .filter(|(environment, traffic)| {
                !environment.is_retired() || traffic.valid() + traffic.refused() > 0
            })
            .collect();
        let mut by_code: HashMap<String, i64> = HashMap::new();
        for (code, requests) in environments.iter().flat_map(|(_, traffic)| &traffic.by_code) {
            if code != "VALID" {
                *by_code.entry(code.clone()).or_default() += requests;
            }
        }
        let mut refusals: Vec<(String, i64)> = by_code.into_iter().collect();
        refusals.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        let mut concerns = concerns(conn, viewer, whose, now)?;
        concerns.retain(|concern| {
            viewer.mode.is_none_or(|mode| concern.key.environment.mode() == mode)
        });
        let unnamed = concerns.len().saturating_sub(NAMED);
        concerns.truncate(NAMED);
        let of_most = mine.map(|mine| mine.len() as i64).filter(|count| *count == MOST_OF_ONE);
        Ok(Self { environments, refusals, concerns, unnamed, of_most })
    }

    /// Whether anything was asked.
    pub fn has_traffic(&self) -> bool {
        self.environments.iter().any(|(_, traffic)| traffic.valid() + traffic.refused() > 0)
    }
}

/// The ids of somebody's own keys, those used last first.
fn used_last(conn: &mut PgConnection, viewer: &Viewer) -> AppResult<Vec<i64>> {
    let Some(owner) = viewer.id else { return Ok(Vec::new()) };
    Ok(keys_table::table
        .filter(keys_table::owner_id.eq(owner).and(keys_table::deleted_at.is_null()))
        .order((keys_table::last_used_at.desc().nulls_last(), keys_table::id.desc()))
        .select(keys_table::id)
        .limit(MOST_OF_ONE)
        .load(conn)?)
}

fn concerns(
    conn: &mut PgConnection,
    viewer: &Viewer,
    whose: Whose<'_>,
    now: DateTime<Utc>,
) -> AppResult<Vec<Concern>> {
    let refused = usage::refused(conn, whose, now)?;
    let mut ids: Vec<i64> = refused.iter().map(|refused| refused.key_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let valid = usage::valid_since(conn, &ids, now - TimeDelta::days(1))?;
    let mut of_key: HashMap<i64, Vec<Refused>> = HashMap::new();
    for refused in refused {
        of_key.entry(refused.key_id).or_default().push(refused);
    }
    let mut concerns: Vec<Concern> = keys::queries::by_ids(conn, viewer, &ids)?
        .into_iter()
        .filter_map(|key| {
            let refused = of_key.remove(&key.id)?;
            judge(key, &refused, valid.get(&refused[0].key_id).copied().unwrap_or_default())
        })
        .collect();
    for key in keys::queries::ending_soon(conn, viewer, now, NAMED as i64)? {
        let is_used = key.last_used_at.is_some_and(|at| at > now - TimeDelta::days(7));
        if is_used && !concerns.iter().any(|concern| concern.key.id == key.id) {
            let days = key.expires_at.map_or(0, |at| (at - now).num_days());
            let why = match days {
                0 => "expires today and is in use".to_owned(),
                1 => "expires tomorrow and is in use".to_owned(),
                days => format!("expires in {days} days and is in use"),
            };
            concerns.push(Concern { key, why, code: None, weight: 1 + SOON_DAYS - days });
        }
    }
    concerns.sort_by_key(|concern| (std::cmp::Reverse(concern.weight), concern.key.id));
    Ok(concerns)
}

/// The strongest reason why a key needs a look, if there is one.
fn judge(key: Key, refused: &[Refused], valid: i64) -> Option<Concern> {
    let of = |code: &str| {
        refused.iter().find(|refused| refused.code == code).map_or(0, |refused| refused.requests)
    };
    let all: i64 = refused.iter().map(|refused| refused.requests).sum();
    let is_much = |requests| requests >= OFTEN && requests * 100 >= (all + valid) * PART;
    let times = |count: i64| match count {
        1 => "once".to_owned(),
        count => format!("{} times", spaced(count)),
    };
    let others = all
        - of("EXPIRED")
        - of("REVOKED")
        - of("SECRET_REPLACED")
        - of("RATE_LIMITED")
        - of("DISABLED");
    let (why, code, weight) = if of("EXPIRED") > 0 {
        (format!("called {} after it expired", times(of("EXPIRED"))), "EXPIRED", of("EXPIRED"))
    } else if of("SECRET_REPLACED") > 0 {
        let calls = of("SECRET_REPLACED");
        (format!("called {} with an old secret", times(calls)), "SECRET_REPLACED", calls)
    } else if of("REVOKED") > 0 {
        (format!("called {} after it was revoked", times(of("REVOKED"))), "REVOKED", of("REVOKED"))
    } else if of("DISABLED") > 0 && key.status(Utc::now()) == Status::Inactive {
        (format!("called {} while disabled", times(of("DISABLED"))), "DISABLED", of("DISABLED"))
    } else if is_much(of("RATE_LIMITED")) {
        let calls = of("RATE_LIMITED");
        (format!("beyond its limit {}", times(calls)), "RATE_LIMITED", calls)
    } else if is_much(others) {
        let (most, part) = (refused.first()?, others * 100 / (others + valid).max(1));
        (format!("{part} % of its requests refused"), most.code.as_str(), others)
    } else {
        return None;
    };
    // A program that is dead already is worse than one that is slowed down.
    let weight = weight + if code == "RATE_LIMITED" { 0 } else { 1_000 };
    Some(Concern { key, why, code: Some(code.to_owned()), weight })
}
