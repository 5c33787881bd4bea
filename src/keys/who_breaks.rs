//! Who breaks? What used keys lately, for every question whose answer may stop somebody's program.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;

use super::{Key, spaced};
use crate::{
    error::{AppError, AppResult},
    text,
    usage::{self, Kind, Use},
    web::Moment,
};

/// Of very many keys, those used last are looked at.
const LOOKED_AT: usize = 500;
/// So many callers are named.
const NAMED: usize = 3;

/// What used one key or several in the last 24 hours and 7 days.
#[derive(Debug, Clone)]
pub struct WhoBreaks {
    pub day: Span,
    pub week: Span,
    /// The latest request that was answered with yes.
    pub last_used_at: Option<DateTime<Utc>>,
    /// The most frequent callers of the week.
    pub named: Vec<Caller>,
    /// Something was asked in the last hour.
    pub is_in_use: bool,
    /// How many keys this is about.
    pub keys: usize,
    /// Only so many of them were looked at: those used last.
    pub looked_at: Option<usize>,
}

/// Some time until now.
#[derive(Debug, Clone, Default)]
pub struct Span {
    pub accepted: i64,
    pub refused: i64,
    pub callers: i64,
    /// There are more than can be told apart, or some whose address is not told.
    pub are_more: bool,
}

/// A caller of the week.
#[derive(Debug, Clone)]
pub struct Caller {
    pub address: String,
    pub requests: String,
    pub last_seen_at: DateTime<Utc>,
}

impl WhoBreaks {
    /// What used these keys.
    ///
    /// # Errors
    /// When Postgres cannot be asked.
    pub fn of(conn: &mut PgConnection, keys: &[Key], now: DateTime<Utc>) -> AppResult<Self> {
        let (day, week) = (now - TimeDelta::days(1), now - TimeDelta::days(7));
        let mut looked_at: Vec<&Key> = keys.iter().collect();
        looked_at.sort_by_key(|key| std::cmp::Reverse(key.last_used_at));
        looked_at.truncate(LOOKED_AT);
        let ids: Vec<i64> = looked_at.iter().map(|key| key.id).collect();
        let uses = usage::uses_of(conn, &ids, week)?;
        let span = |conn: &mut PgConnection, since| -> AppResult<Span> {
            let totals = usage::totals_of(conn, &ids, since)?;
            let seen = |one: &&Use| one.accepted + one.refused > 0 && one.last_seen_at >= since;
            let of = |kind| uses.iter().filter(move |one| one.is(kind)).filter(seen);
            let callers = of(Kind::Caller).filter(|one| !one.is_rest()).count();
            let are_more =
                of(Kind::Caller).any(Use::is_rest) || of(Kind::NoCaller).next().is_some();
            let (accepted, refused) = (totals.valid, totals.refused);
            Ok(Span { accepted, refused, callers: callers as i64, are_more })
        };
        let named = uses
            .iter()
            .filter(|one| one.is(Kind::Caller) && !one.is_rest())
            .take(NAMED)
            .map(|one| Caller {
                address: one.value.clone(),
                requests: about(one),
                last_seen_at: one.last_seen_at,
            })
            .collect();
        Ok(Self {
            day: span(conn, day)?,
            week: span(conn, week)?,
            last_used_at: keys.iter().filter_map(|key| key.last_used_at).max(),
            named,
            is_in_use: usage::were_asked_about(conn, &ids, now - TimeDelta::hours(1))?,
            keys: keys.len(),
            looked_at: (keys.len() > ids.len()).then_some(ids.len()),
        })
    }

    /// Nothing in a week.
    pub fn is_quiet(&self) -> bool {
        self.week.accepted + self.week.refused == 0
    }

    pub fn last_used(&self) -> Option<Moment> {
        self.last_used_at.map(Moment::seen_now)
    }

    pub fn is_one(&self) -> bool {
        self.keys == 1
    }
}

impl Span {
    /// “1 204”
    pub fn requests(&self) -> String {
        spaced(self.accepted)
    }

    pub fn refusals(&self) -> String {
        spaced(self.refused)
    }

    /// “2”, “50 and others”
    pub fn callers(&self) -> String {
        match (self.callers, self.are_more) {
            (0, true) => "not told".into(),
            (callers, true) => format!("{} and others", spaced(callers)),
            (callers, false) => spaced(callers),
        }
    }
}

/// “1 204”, or “about 1 204” where a sample was logged.
fn about(one: &Use) -> String {
    let requests = spaced(one.accepted + one.refused);
    if one.is_about { format!("about {requests}") } else { requests }
}

/// What has to be typed before something that is in use is stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed {
    /// What has to be typed: a name, or how many keys they are.
    pub wanted: String,
    /// “the key’s name”
    pub what: &'static str,
    pub error: Option<String>,
}

impl Typed {
    /// What is asked, if something was asked of these keys in the last hour.
    pub fn name_of(what: &'static str, wanted: &str, who: &WhoBreaks) -> Option<Self> {
        who.is_in_use.then(|| Self { wanted: wanted.to_owned(), what, error: None })
    }

    /// With what is wrong with what was typed; nothing typed is no mistake yet.
    pub fn wrong(mut self, typed: &str) -> Self {
        self.error = Some(if typed.trim().is_empty() {
            format!("It was used within the last hour. Type {} to go on.", self.what)
        } else {
            format!("That is not {}. Type it as it is written above.", self.what)
        });
        self
    }
}

/// Refuses to stop what was used within the last hour unless its name was typed.
///
/// # Errors
/// [`AppError::NotTyped`], to be asked again.
pub fn must_be_typed(
    conn: &mut PgConnection,
    keys: &[i64],
    wanted: &str,
    typed: &str,
) -> AppResult<()> {
    if text::tidy(typed) == text::tidy(wanted)
        || !usage::were_asked_about(conn, keys, Utc::now() - TimeDelta::hours(1))?
    {
        return Ok(());
    }
    Err(AppError::NotTyped)
}
