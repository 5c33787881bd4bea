//! What a key is. Facts are stored; the status follows from them and the clock.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use diesel::prelude::*;
use ipnet::IpNet;

use crate::{
    environments::Mode,
    schema::{applications, environments, key_secrets, keys, users},
};

/// A key as pages show it, with the names of what it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = keys, check_for_backend(diesel::pg::Pg))]
pub struct Key {
    pub id: i64,
    /// Its id everywhere outside the database.
    pub public_key: String,
    pub name: String,
    pub note: String,
    pub application_id: i64,
    pub environment_id: i64,
    pub owner_id: Option<i64>,
    pub all_permissions: bool,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub disabled_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    pub revoke_reason: Option<String>,
    pub last_used_at: Option<DateTime<Utc>>,
    /// Goes up with every edit and regeneration.
    pub version: i32,
    #[diesel(embed)]
    pub application: ApplicationName,
    #[diesel(embed)]
    pub environment: EnvironmentName,
    #[diesel(embed)]
    pub owner: Option<OwnerName>,
    #[diesel(embed)]
    pub secret: MaskedSecret,
}

/// The application a key belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = applications, check_for_backend(diesel::pg::Pg))]
pub struct ApplicationName {
    pub app_id: String,
    #[diesel(column_name = name)]
    pub name: String,
}

/// The environment a key is good in.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = environments, check_for_backend(diesel::pg::Pg))]
pub struct EnvironmentName {
    pub slug: String,
    pub name: String,
    pub mode: String,
}

impl EnvironmentName {
    pub fn is_test(&self) -> bool {
        self.mode == "test"
    }

    /// Live or Test.
    pub fn mode(&self) -> Mode {
        if self.is_test() { Mode::Test } else { Mode::Live }
    }
}

/// Whose key it is.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
pub struct OwnerName {
    pub name: String,
}

/// What may be shown of the current secret.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = key_secrets, check_for_backend(diesel::pg::Pg))]
pub struct MaskedSecret {
    pub masked: String,
    pub created_at: DateTime<Utc>,
}

/// The strongest reason wins: a revoked key is revoked, whatever else happened to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Active,
    Inactive,
    Expired,
    Revoked,
}

impl Status {
    /// All, in the order of the filter.
    pub const ALL: [Self; 4] = [Self::Active, Self::Inactive, Self::Expired, Self::Revoked];

    /// As addresses and style sheets spell it.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }

    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Inactive => "Inactive",
            Self::Expired => "Expired",
            Self::Revoked => "Revoked",
        }
    }

    /// The status of that slug.
    pub fn parse(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.slug() == slug)
    }
}

impl Key {
    /// What the key is at that instant.
    pub fn status(&self, now: DateTime<Utc>) -> Status {
        if self.revoked_at.is_some() {
            Status::Revoked
        } else if self.expires_at.is_some_and(|expiry| expiry <= now) {
            Status::Expired
        } else if self.disabled_at.is_some() {
            Status::Inactive
        } else {
            Status::Active
        }
    }

    /// Its page.
    pub fn address(&self) -> String {
        format!("/keys/{}", self.public_key)
    }

    /// Who is named as its owner.
    pub fn owner_name(&self) -> &str {
        self.owner.as_ref().map_or("Operator", |owner| &owner.name)
    }
}

/// The windows a limit can have, in seconds, with their words.
pub const WINDOWS: [(i32, &str); 4] =
    [(1, "second"), (60, "minute"), (3_600, "hour"), (86_400, "day")];
/// No limit admits more requests in its window.
pub const MOST_REQUESTS: i32 = 1_000_000;
/// A key that ends within so many days is said to expire soon.
pub const SOON_DAYS: i64 = 14;

/// At most so many requests in so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    pub requests: i32,
    /// One of [`WINDOWS`].
    pub per_seconds: i32,
}

impl Limit {
    /// The word of its window: “second”.
    pub fn window(&self) -> &'static str {
        WINDOWS
            .iter()
            .find(|(seconds, _)| *seconds == self.per_seconds)
            .map_or("window", |(_, word)| word)
    }

    /// How tight it is in the long run: the fewer requests a second, the tighter.
    fn tightness(&self) -> i64 {
        // A day is the longest window: over it every limit admits a whole number of requests.
        i64::from(self.requests) * i64::from(86_400 / self.per_seconds)
    }

    /// The tightest first.
    pub fn by_tightness(limits: &[Self]) -> Vec<Self> {
        let mut limits = limits.to_vec();
        limits.sort_by_key(Self::tightness);
        limits
    }

    /// Whether each of several limits can ever be the one that refuses.
    ///
    /// # Errors
    /// The one that cannot, and the sentence about it.
    pub fn check_together(limits: &[Self]) -> Result<(), (Self, String)> {
        for short in limits {
            for long in limits.iter().filter(|long| long.per_seconds > short.per_seconds) {
                let (often, seldom) = (short.in_words(), long.in_words());
                if long.requests <= short.requests {
                    return Err((
                        *short,
                        format!(
                            "A limit of {often} is never reached: {seldom} stops the key first. Lower it, or leave it out."
                        ),
                    ));
                }
                if long.tightness() >= short.tightness() {
                    return Err((
                        *long,
                        format!(
                            "A limit of {seldom} is never reached: {often} allows no more than that. Lower it, or leave it out."
                        ),
                    ));
                }
            }
        }
        Ok(())
    }

    /// “100 / second”
    pub fn short(&self) -> String {
        format!("{} / {}", spaced(self.requests.into()), self.window())
    }

    /// “100 times a second”, “once an hour”
    pub fn in_words(&self) -> String {
        let article = if self.per_seconds == 3_600 { "an" } else { "a" };
        match self.requests {
            1 => format!("once {article} {}", self.window()),
            requests => format!("{} times {article} {}", spaced(requests.into()), self.window()),
        }
    }
}

/// 12 345: thousands are set apart by a narrow space that does not break.
pub fn spaced(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut spaced = String::from(if number < 0 { "−" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            spaced.push('\u{202f}');
        }
        spaced.push(digit);
    }
    spaced
}

/// What a key may do, by the catalogue's ids. Nothing chosen means nothing, never everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permissions {
    /// Everything there is and will be.
    pub all: bool,
    /// Whole sections, with what is added to them later.
    pub sections: Vec<i64>,
    pub permissions: Vec<i64>,
}

impl Permissions {
    pub fn is_empty(&self) -> bool {
        !self.all && self.sections.is_empty() && self.permissions.is_empty()
    }

    /// Whether something is among them that was not held before, as far as ids tell: a permission that was held by its
    /// section counts as new.
    pub fn add_to(&self, before: &Self) -> bool {
        let new = |ids: &[i64], held: &[i64]| ids.iter().any(|id| !held.contains(id));
        !before.all
            && (self.all
                || new(&self.sections, &before.sections)
                || new(&self.permissions, &before.permissions))
    }
}

/// A key about to be made.
#[derive(Debug, Clone)]
pub struct NewKey {
    pub name: String,
    pub note: String,
    pub application_id: i64,
    pub environment_id: i64,
    /// `None`: the operator keeps it.
    pub owner_id: Option<i64>,
    pub permissions: Permissions,
    pub limits: Vec<Limit>,
    pub expires_at: Option<DateTime<Utc>>,
    /// Only for these customers; empty: for any.
    pub customers: Vec<i64>,
    /// Only from these addresses; empty: from anywhere.
    pub allowed_ips: Vec<IpNet>,
    /// Never from these.
    pub excluded_ips: Vec<IpNet>,
    /// The public key alone only from pages of these web origins; empty: from any, and without one.
    pub allowed_origins: Vec<String>,
}

/// What an edit may change.
#[derive(Debug, Clone)]
pub struct KeyChanges {
    pub name: String,
    pub note: String,
    pub permissions: Permissions,
    pub limits: Vec<Limit>,
    pub expires_at: Option<DateTime<Utc>>,
    pub customers: Vec<i64>,
    pub allowed_ips: Vec<IpNet>,
    pub excluded_ips: Vec<IpNet>,
    pub allowed_origins: Vec<String>,
}

/// The last second of that day, UTC: “until 18 February” includes the 18th.
pub fn end_of(day: NaiveDate) -> DateTime<Utc> {
    day.and_hms_opt(23, 59, 59).expect("every day has a last second").and_utc()
}

/// The end of the day so many days from now.
pub fn end_in_days(now: DateTime<Utc>, days: i64) -> DateTime<Utc> {
    end_of((now + TimeDelta::days(days)).date_naive())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        let now = Utc::now();
        Key {
            id: 1,
            public_key: "prod_pk_0123456789abcdef".into(),
            name: "deploy bot".into(),
            note: String::new(),
            application_id: 1,
            environment_id: 1,
            owner_id: None,
            all_permissions: false,
            created_at: now,
            expires_at: None,
            disabled_at: None,
            revoked_at: None,
            revoke_reason: None,
            last_used_at: None,
            version: 1,
            application: ApplicationName {
                app_id: "app_0123456789abcdef".into(),
                name: "Storefront".into(),
            },
            environment: EnvironmentName {
                slug: "production".into(),
                name: "Production".into(),
                mode: "live".into(),
            },
            owner: None,
            secret: MaskedSecret { masked: "prod_sk_abcd…wxyz".into(), created_at: now },
        }
    }

    #[test]
    fn the_strongest_reason_wins() {
        let now = Utc::now();
        let mut key = key();
        assert_eq!(key.status(now), Status::Active);
        key.disabled_at = Some(now);
        assert_eq!(key.status(now), Status::Inactive);
        key.expires_at = Some(now);
        assert_eq!(key.status(now), Status::Expired);
        assert_eq!(key.status(now - TimeDelta::seconds(1)), Status::Inactive);
        key.revoked_at = Some(now);
        assert_eq!(key.status(now), Status::Revoked);
    }

    #[test]
    fn limits_read_as_sentences() {
        assert_eq!(Limit { requests: 100, per_seconds: 1 }.in_words(), "100 times a second");
        assert_eq!(Limit { requests: 1, per_seconds: 3_600 }.in_words(), "once an hour");
        assert_eq!(Limit { requests: 50_000, per_seconds: 86_400 }.short(), "50\u{202f}000 / day");
    }

    #[test]
    fn the_tightest_limit_is_the_one_that_admits_least_in_the_long_run() {
        let limit = |requests, per_seconds| Limit { requests, per_seconds };
        let sorted = Limit::by_tightness(&[limit(100, 1), limit(7_000, 60), limit(50_000, 86_400)]);
        assert_eq!(sorted, [limit(50_000, 86_400), limit(100, 1), limit(7_000, 60)]);
        assert!(
            Limit::by_tightness(&[limit(1_000_000, 1)])[0].tightness() > limit(1, 1).tightness()
        );
    }

    #[test]
    fn a_limit_that_can_never_refuse_is_pointed_out() {
        let limit = |requests, per_seconds| Limit { requests, per_seconds };
        let idle = |limits: &[Limit]| Limit::check_together(limits).err().map(|(idle, _)| idle);
        assert_eq!(idle(&[]), None);
        assert_eq!(idle(&[limit(100, 1)]), None);
        assert_eq!(idle(&[limit(100, 1), limit(50_000, 86_400)]), None);
        assert_eq!(idle(&[limit(10, 1), limit(500, 60), limit(20_000, 3_600)]), None);
        assert_eq!(idle(&[limit(100, 1), limit(100, 60)]), Some(limit(100, 1)));
        assert_eq!(idle(&[limit(100, 1), limit(50, 86_400)]), Some(limit(100, 1)));
        assert_eq!(idle(&[limit(100, 1), limit(6_000, 60)]), Some(limit(6_000, 60)));
        assert_eq!(idle(&[limit(1, 1), limit(1_000_000, 86_400)]), Some(limit(1_000_000, 86_400)));
    }

    #[test]
    fn a_day_includes_its_last_second() {
        let day = NaiveDate::from_ymd_opt(2027, 2, 18).unwrap();
        assert_eq!(end_of(day).to_string(), "2027-02-18 23:59:59 UTC");
    }
}
