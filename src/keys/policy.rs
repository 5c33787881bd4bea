//! How long a key may live where: the policy of its environment. Pure.

use chrono::{DateTime, Utc};

use super::end_in_days;
use crate::{environments::Environment, web::time::spell_day};

/// The lifetimes that are always on offer, in days.
const LIFETIMES: [i64; 5] = [7, 30, 60, 90, 365];

/// The last instant a key of that environment may live to when it is made or changed now; `None`: there is no such.
pub fn latest_end(environment: &Environment, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    environment.longest_days.map(|days| end_in_days(now, days.into()))
}

/// Whether a key of that environment may be given this end now. What a key has already is nobody's to take away:
/// only a new end is asked about.
///
/// # Errors
/// The sentence for the field.
pub fn check_expiry(
    environment: &Environment,
    expires_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<(), String> {
    let name = &environment.name;
    match (expires_at, latest_end(environment, now)) {
        (None, None) if environment.allows_never => Ok(()),
        (None, _) => Err(format!("{name} takes no keys that never expire. Choose a day.")),
        (Some(end), Some(latest)) if end > latest => Err(format!(
            "{name} takes keys for at most {}. Choose a day up to {}.",
            days(environment.longest_days.unwrap_or_default().into()),
            spell_day(latest.date_naive())
        )),
        _ => Ok(()),
    }
}

/// What is said beside the field: “Production: at most 90 days; never is not allowed.”
pub fn statement(environment: &Environment) -> Option<String> {
    let name = &environment.name;
    match (environment.longest_days, environment.allows_never) {
        (Some(longest), _) => {
            Some(format!("{name}: at most {}; never is not allowed.", days(longest.into())))
        }
        (None, false) => Some(format!("{name}: every key expires; never is not allowed.")),
        (None, true) => None,
    }
}

/// The lifetimes on offer, in days: the usual ones, the one suggested here, and the longest that is allowed.
pub fn lifetimes(suggested: i64, environment: Option<&Environment>) -> Vec<i64> {
    let longest = environment.and_then(|environment| environment.longest_days).map(i64::from);
    let mut lifetimes: Vec<i64> = LIFETIMES.into_iter().chain([suggested]).chain(longest).collect();
    lifetimes.retain(|days| longest.is_none_or(|longest| *days <= longest));
    lifetimes.sort_unstable();
    lifetimes.dedup();
    lifetimes
}

fn days(count: i64) -> String {
    if count == 1 { "1 day".into() } else { format!("{count} days") }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::environments::Mode;

    fn environment(longest_days: Option<i32>, allows_never: bool) -> Environment {
        Environment {
            id: 1,
            slug: "production".into(),
            name: "Production".into(),
            prefix: "prod".into(),
            mode: Mode::Live,
            retired_at: None,
            longest_days,
            allows_never,
        }
    }

    #[test]
    fn a_key_lives_no_longer_than_its_environment_allows() {
        let now: DateTime<Utc> = "2026-11-20T16:00:00Z".parse().unwrap();
        let may = |longest, never, end: Option<&str>| {
            let end = end.map(|end| end.parse().unwrap());
            check_expiry(&environment(longest, never), end, now).is_ok()
        };
        assert!(may(None, true, None));
        assert!(may(None, true, Some("2036-01-01T00:00:00Z")));
        assert!(!may(None, false, None));
        assert!(may(None, false, Some("2036-01-01T00:00:00Z")));
        assert!(!may(Some(90), false, None));
        assert!(may(Some(90), false, Some("2027-02-18T23:59:59Z")));
        assert!(!may(Some(90), false, Some("2027-02-19T00:00:00Z")));
        // A key may be ended at once, whatever the policy.
        assert!(may(Some(90), false, Some("2026-11-20T15:00:00Z")));
        assert_eq!(
            latest_end(&environment(Some(1), false), now).unwrap() - now,
            TimeDelta::seconds(115_199)
        );
    }

    #[test]
    fn the_policy_is_said_in_words() {
        assert_eq!(statement(&environment(None, true)), None);
        assert_eq!(
            statement(&environment(Some(90), false)).unwrap(),
            "Production: at most 90 days; never is not allowed."
        );
        assert!(statement(&environment(Some(1), false)).unwrap().contains("at most 1 day;"));
        assert!(statement(&environment(None, false)).unwrap().contains("never is not allowed"));
    }

    #[test]
    fn what_is_not_allowed_is_not_on_offer() {
        assert_eq!(lifetimes(90, None), [7, 30, 60, 90, 365]);
        assert_eq!(lifetimes(45, Some(&environment(None, false))), [7, 30, 45, 60, 90, 365]);
        assert_eq!(lifetimes(90, Some(&environment(Some(45), false))), [7, 30, 45]);
        assert_eq!(lifetimes(90, Some(&environment(Some(3), false))), [3]);
    }
}
