//! How long the old secret goes on beside the new one, and who still calls with it.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{PgConnection, dsl::exists, prelude::*};

use super::{Key, spaced};
use crate::{
    error::AppResult,
    schema::{key_secrets, secret_callers},
    web::Moment,
};

/// For so many days a page shows who is refused for calling with a secret that has stopped.
const REMEMBERED_DAYS: i64 = 7;

/// When the secret that a regeneration replaces stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlap {
    Now,
    QuarterHour,
    Hour,
    Day,
    Week,
}

impl Overlap {
    /// In the order of the form.
    pub const ALL: [Self; 5] = [Self::Now, Self::QuarterHour, Self::Hour, Self::Day, Self::Week];

    /// As forms and the command line spell it.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::QuarterHour => "15m",
            Self::Hour => "1h",
            Self::Day => "24h",
            Self::Week => "7d",
        }
    }

    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Now => "At once",
            Self::QuarterHour => "After 15 minutes",
            Self::Hour => "After an hour",
            Self::Day => "After 24 hours",
            Self::Week => "After 7 days",
        }
    }

    /// The overlap of that spelling.
    ///
    /// # Errors
    /// The sentence for the field.
    pub fn parse(slug: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|overlap| overlap.slug() == slug)
            .ok_or_else(|| "Choose when the old secret stops: now, 15m, 1h, 24h or 7d.".to_owned())
    }

    /// When an overlap that begins now ends: never after the key itself.
    pub fn end(self, now: DateTime<Utc>, expires_at: Option<DateTime<Utc>>) -> DateTime<Utc> {
        let end = now + self.length();
        expires_at.map_or(end, |expiry| end.min(expiry))
    }

    fn length(self) -> TimeDelta {
        match self {
            Self::Now => TimeDelta::zero(),
            Self::QuarterHour => TimeDelta::minutes(15),
            Self::Hour => TimeDelta::hours(1),
            Self::Day => TimeDelta::hours(24),
            Self::Week => TimeDelta::days(7),
        }
    }
}

/// One of the answers that a form offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub overlap: Overlap,
    pub ends_at: DateTime<Utc>,
    /// It would be longer if the key did not expire before.
    pub is_cut: bool,
}

impl Choice {
    /// What this key can be offered: of the overlaps that pass its expiry only the shortest, cut to it.
    pub fn all(now: DateTime<Utc>, expires_at: Option<DateTime<Utc>>) -> Vec<Self> {
        let mut choices = Vec::new();
        for overlap in Overlap::ALL {
            let ends_at = overlap.end(now, expires_at);
            let is_cut = ends_at < now + overlap.length();
            choices.push(Self { overlap, ends_at, is_cut });
            if is_cut {
                break;
            }
        }
        choices
    }

    /// “21 November, 14:05 UTC”
    pub fn until(&self) -> String {
        spell(self.ends_at)
    }
}

/// A secret that was replaced: it still works for a while, or is refused while somebody still calls with it.
pub struct OldSecret {
    pub masked: String,
    pub ends_at: DateTime<Utc>,
    /// Most busy first; one without a name stands for all the others.
    pub callers: Vec<Caller>,
    now: DateTime<Utc>,
}

/// Who presented it.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = secret_callers, check_for_backend(diesel::pg::Pg))]
pub struct Caller {
    /// The address that the gateway named.
    pub caller: String,
    pub requests: i64,
    pub last_seen_at: DateTime<Utc>,
}

impl OldSecret {
    /// Whether it works now.
    pub fn works(&self) -> bool {
        self.ends_at > self.now
    }

    /// “21 November, 14:05 UTC”
    pub fn until(&self) -> String {
        spell(self.ends_at)
    }

    pub fn ends(&self) -> Moment {
        Moment::new(self.ends_at, self.now)
    }

    /// Requests since it was replaced.
    pub fn requests(&self) -> String {
        spaced(self.callers.iter().map(|caller| caller.requests).sum())
    }

    pub fn last_seen(&self) -> Option<Moment> {
        let last = self.callers.iter().map(|caller| caller.last_seen_at).max();
        last.map(|at| Moment::new(at, self.now))
    }
}

impl Caller {
    pub fn spaced(&self) -> String {
        spaced(self.requests)
    }

    pub fn last_seen(&self) -> Moment {
        Moment::seen_now(self.last_seen_at)
    }
}

/// Whether a secret of that key was ever replaced.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn has_old_secrets(conn: &mut PgConnection, key_id: i64) -> AppResult<bool> {
    let replaced = key_secrets::table
        .filter(key_secrets::key_id.eq(key_id))
        .filter(key_secrets::ends_at.is_not_null());
    Ok(diesel::select(exists(replaced)).get_result(conn)?)
}

/// The old secrets of a key that its owner should know of, the one that still works first. When the key itself is
/// revoked there is nothing left to change over.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn old_secrets(
    conn: &mut PgConnection,
    key: &Key,
    now: DateTime<Utc>,
) -> AppResult<Vec<OldSecret>> {
    if key.revoked_at.is_some() {
        return Ok(Vec::new());
    }
    let replaced: Vec<(i64, String, Option<DateTime<Utc>>)> = key_secrets::table
        .filter(key_secrets::key_id.eq(key.id))
        .filter(key_secrets::ends_at.gt(now - TimeDelta::days(REMEMBERED_DAYS)))
        .order(key_secrets::ends_at.desc())
        .limit(5)
        .select((key_secrets::id, key_secrets::masked, key_secrets::ends_at))
        .load(conn)?;
    let mut old = Vec::new();
    for (id, masked, ends_at) in replaced {
        let Some(ends_at) = ends_at else { continue };
        let mut callers = secret_callers::table
            .filter(secret_callers::secret_id.eq(id))
            .order((secret_callers::requests.desc(), secret_callers::caller))
            .select(Caller::as_select())
            .load(conn)?;
        if ends_at <= now {
            // Whoever changed over in time is of no interest any more.
            callers.retain(|caller| caller.last_seen_at >= ends_at);
            if callers.is_empty() {
                continue;
            }
        }
        old.push(OldSecret { masked, ends_at, callers, now });
    }
    Ok(old)
}

/// Until when an old secret still works, if one does.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn overlap_of(
    conn: &mut PgConnection,
    key_id: i64,
    now: DateTime<Utc>,
) -> AppResult<Option<DateTime<Utc>>> {
    Ok(key_secrets::table
        .filter(key_secrets::key_id.eq(key_id).and(key_secrets::ends_at.gt(now)))
        .select(diesel::dsl::max(key_secrets::ends_at))
        .first(conn)?)
}

/// “21 November, 14:05 UTC”
pub(super) fn spell(at: DateTime<Utc>) -> String {
    at.format("%-d %B, %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlap_is_spelled_one_way() {
        for overlap in Overlap::ALL {
            assert_eq!(Overlap::parse(overlap.slug()), Ok(overlap));
        }
        for wrong in ["", "-1", "10y", "3650d", "15M", " now", "15", "forever"] {
            assert!(Overlap::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn no_overlap_passes_the_expiry() {
        let now = Utc::now();
        let expiry = now + TimeDelta::hours(2);
        assert_eq!(Overlap::Hour.end(now, Some(expiry)), now + TimeDelta::hours(1));
        assert_eq!(Overlap::Week.end(now, Some(expiry)), expiry);
        assert_eq!(Overlap::Week.end(now, None), now + TimeDelta::days(7));
        assert_eq!(Overlap::Now.end(now, Some(expiry)), now);
    }

    #[test]
    fn what_would_pass_the_expiry_is_offered_once_and_cut() {
        let now = Utc::now();
        let offered = |expiry: Option<DateTime<Utc>>| -> Vec<(&str, bool)> {
            let choices = Choice::all(now, expiry);
            choices.iter().map(|choice| (choice.overlap.slug(), choice.is_cut)).collect()
        };
        assert_eq!(offered(None).len(), 5);
        assert_eq!(
            offered(Some(now + TimeDelta::hours(2))),
            [("now", false), ("15m", false), ("1h", false), ("24h", true)]
        );
        assert_eq!(
            offered(Some(now + TimeDelta::minutes(15))),
            [("now", false), ("15m", false), ("1h", true)]
        );
    }
}
