//! The flags of `latchkey key create`, as typed and as meant. Pure.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use ipnet::IpNet;

use crate::keys::{Limit, WINDOWS, end_of, parse_origin, parse_range};

/// No key lives longer unless it lives for ever.
const LONGEST_DAYS: i64 = 3_650;

/// `100/s`, `100/minute`, …
///
/// # Errors
/// The sentence for the flag.
pub fn parse_rate(typed: &str) -> Result<Limit, String> {
    let wrong = || "give a rate such as 100/s: 1 to 1000000 per s, m, h or d".to_owned();
    let (requests, unit) = typed.split_once('/').ok_or_else(wrong)?;
    let is_number = !requests.is_empty() && requests.bytes().all(|byte| byte.is_ascii_digit());
    let requests: i32 = requests.parse().ok().filter(|_| is_number).ok_or_else(wrong)?;
    let (per_seconds, _) = WINDOWS
        .into_iter()
        .find(|(_, word)| *word == unit || word[..1] == *unit)
        .ok_or_else(wrong)?;
    if (1..=1_000_000).contains(&requests) {
        Ok(Limit { requests, per_seconds })
    } else {
        Err(wrong())
    }
}

/// When a key ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    Never,
    Days(i64),
    /// With the end of that day, UTC.
    On(NaiveDate),
}

impl Expiry {
    /// `90d`, `2027-01-31` or `never`.
    ///
    /// # Errors
    /// The sentence for the flag.
    pub fn parse(typed: &str) -> Result<Self, String> {
        let wrong = || "give 90d, a day such as 2027-01-31, or never".to_owned();
        if typed == "never" {
            return Ok(Self::Never);
        }
        if let Some(days) = typed.strip_suffix('d') {
            let is_number = !days.is_empty() && days.bytes().all(|byte| byte.is_ascii_digit());
            let days = days.parse().ok().filter(|_| is_number).ok_or_else(wrong)?;
            return match days {
                1..=LONGEST_DAYS => Ok(Self::Days(days)),
                _ => Err(format!("give 1d to {LONGEST_DAYS}d, or never")),
            };
        }
        let is_date =
            typed.len() == 10 && typed.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        let day = NaiveDate::parse_from_str(typed, "%Y-%m-%d").ok().filter(|_| is_date);
        day.map(Self::On).ok_or_else(wrong)
    }

    /// The instant, seen from now.
    ///
    /// # Errors
    /// The sentence for a day that has passed or is too far away.
    pub fn at(self, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, String> {
        match self {
            Self::Never => Ok(None),
            Self::Days(days) => Ok(Some(now + TimeDelta::days(days))),
            Self::On(day) if end_of(day) <= now => {
                Err(format!("The day {day} has passed. Give a later one."))
            }
            Self::On(day) if day > (now + TimeDelta::days(LONGEST_DAYS)).date_naive() => {
                Err(format!(
                    "The day {day} is more than ten years away. Give an earlier one, or never."
                ))
            }
            Self::On(day) => Ok(Some(end_of(day))),
        }
    }
}

/// An address or range, without host bits; IPv4 in IPv6's clothes is IPv4.
///
/// # Errors
/// The sentence for the flag.
pub fn parse_ip(typed: &str) -> Result<IpNet, String> {
    parse_range(typed)
        .ok_or_else(|| "give an IP address or range such as 203.0.113.0/24".to_owned())
}

/// A web origin, as browsers spell it.
///
/// # Errors
/// The sentence for the flag.
pub fn parse_web_origin(typed: &str) -> Result<String, String> {
    parse_origin(typed).ok_or_else(|| "give an origin such as https://shop.example".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_and_a_window() {
        for (typed, requests, per_seconds) in [
            ("100/s", 100, 1),
            ("100/second", 100, 1),
            ("1/m", 1, 60),
            ("1000000/hour", 1_000_000, 3_600),
            ("5/d", 5, 86_400),
        ] {
            assert_eq!(parse_rate(typed), Ok(Limit { requests, per_seconds }), "{typed}");
        }
        for typed in [
            "",
            "100",
            "0/s",
            "-1/s",
            "+1/s",
            "1.5/s",
            "1e3/s",
            "1000001/s",
            "99999999999/s",
            "1/w",
            "1/",
            "/s",
            "١/s",
            "1/sec",
        ] {
            assert!(parse_rate(typed).is_err(), "{typed}");
        }
    }

    #[test]
    fn an_expiry_is_days_a_day_or_never() {
        let now: DateTime<Utc> = "2026-11-20T16:00:00Z".parse().unwrap();
        let at = |typed: &str| Expiry::parse(typed).and_then(|expiry| expiry.at(now));
        assert_eq!(at("never"), Ok(None));
        assert_eq!(at("90d"), Ok(Some("2027-02-18T16:00:00Z".parse().unwrap())));
        assert_eq!(at("2027-01-31"), Ok(Some("2027-01-31T23:59:59Z".parse().unwrap())));
        assert_eq!(at("2026-11-20"), Ok(Some("2026-11-20T23:59:59Z".parse().unwrap())));
        for typed in [
            "",
            "d",
            "0d",
            "-1d",
            "90",
            "3651d",
            "9999999999999999999d",
            "2026-11-19",
            "2026-02-30",
            "9999-12-31",
            "0000-01-01",
            "2027-1-31",
            "31.01.2027",
            "Never",
        ] {
            assert!(at(typed).is_err(), "{typed}");
        }
    }
}
