//! Which requests, from where on: all of it in the address, as typed and as meant.

use std::net::IpAddr;

use chrono::{DateTime, LocalResult, NaiveDateTime, SecondsFormat, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use ipnet::IpNet;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    credentials::Presented,
    error::{AppError, AppResult},
    text,
    verify::Code,
    web::Signer,
};

/// The query of the list's address, as typed. Empty values count as absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FilterForm {
    pub key: String,
    pub application: String,
    pub environment: String,
    pub code: String,
    pub method: String,
    pub path: String,
    pub ip: String,
    pub customer: String,
    pub request: String,
    pub last: String,
    pub from: String,
    pub to: String,
    pub after: String,
    pub before: String,
}

/// The same as meant.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// A public key.
    pub key: Option<String>,
    /// An App ID.
    pub application: Option<String>,
    /// A slug.
    pub environment: Option<String>,
    pub code: Option<Outcome>,
    pub method: Option<String>,
    /// How the path begins.
    pub path: Option<String>,
    pub ip: Option<IpNet>,
    pub customer: Option<String>,
    pub request: Option<Uuid>,
    /// From then on.
    pub from: Option<DateTime<Utc>>,
    /// Before then.
    pub to: Option<DateTime<Utc>>,
    /// Only what comes after this place, which is older.
    pub after: Option<Place>,
    /// Only what comes before this place, which is newer; the nearest of it.
    pub before: Option<Place>,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Any code but VALID.
    Refused,
    Code(&'static str),
}

/// A place in the list, newest first: what is older than it comes after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub at: DateTime<Utc>,
    /// Of those at the same instant, only those with smaller ids.
    pub id: Uuid,
}

/// How far back, as addresses spell it and as people read it, in minutes.
pub const LAST: [(&str, &str, i64); 5] = [
    ("15m", "Last 15 minutes", 15),
    ("1h", "Last hour", 60),
    ("24h", "Last 24 hours", 24 * 60),
    ("7d", "Last 7 days", 7 * 24 * 60),
    ("30d", "Last 30 days", 30 * 24 * 60),
];

/// Methods to choose from; others can be typed into the address.
pub const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

impl Place {
    /// Between that instant and what is older.
    pub fn before(at: DateTime<Utc>) -> Self {
        Self { at, id: Uuid::nil() }
    }

    /// Spells it for the log with this filter.
    pub fn spell(self, signer: &Signer<'_>, filter: &FilterForm) -> String {
        let place = format!("{}\n{}", self.at.timestamp_micros(), self.id);
        signer.spell(&filter.first_page().address(), &place)
    }

    fn parse(typed: &str, signer: &Signer<'_>, filter: &FilterForm) -> Option<Self> {
        let place = signer.parse(&filter.first_page().address(), typed)?;
        let (micros, id) = place.split_once('\n')?;
        let at = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
        Some(Self { at, id: id.parse().ok()? })
    }
}

impl FilterForm {
    /// Understands the address, for somebody who lives in the viewer's zone, at that instant.
    ///
    /// # Errors
    /// [`AppError::BadRequest`] for a value that cannot be, and for a secret: it must not be in an address.
    pub fn parse(&self, signer: &Signer<'_>, now: DateTime<Utc>) -> AppResult<Filter> {
        if self.fields().iter().any(|(_, typed)| Presented::looks_secret(typed)) {
            return Err(bad(
                "A secret doesn’t belong in an address: others may see it there. Paste it into the field Key, and regenerate the key if the address was shared.",
            ));
        }
        let last = chosen(&self.last, "a time", |typed| {
            LAST.into_iter().find(|(slug, ..)| *slug == typed).map(|(.., minutes)| minutes)
        })?;
        let zone = signer.viewer.zone;
        let from = chosen(&self.from, "a time", |typed| parse_time(typed, zone))?;
        let to = chosen(&self.to, "a time", |typed| parse_time(typed, zone))?;
        if from.zip(to).is_some_and(|(from, to)| from >= to) {
            return Err(bad(
                "The time from which on requests are listed is not before the one at which the list ends.",
            ));
        }
        if !self.after.is_empty() && !self.before.is_empty() {
            return Err(bad_page());
        }
        let place = |typed: &str| {
            chosen(typed, "a page", |typed| Place::parse(typed, signer, self))
                .map_err(|_| bad_page())
        };
        Ok(Filter {
            key: chosen(&self.key, "a public key", public_key)?,
            application: chosen(&self.application, "an application", slug)?,
            environment: chosen(&self.environment, "an environment", slug)?,
            code: chosen(&self.code, "a code", Outcome::parse)?,
            method: chosen(&self.method, "a method", method)?,
            path: chosen(&self.path, "the beginning of a path, such as /orders", path)?,
            ip: chosen(&self.ip, "an IP address or range", ip)?,
            customer: chosen(&self.customer, "a customer’s id", customer)?,
            request: chosen(&self.request, "a request’s id", |typed| typed.trim().parse().ok())?,
            from: from.max(last.map(|minutes| now - TimeDelta::minutes(minutes))),
            to,
            after: place(&self.after)?,
            before: place(&self.before)?,
        })
    }

    /// Whether anything is left out of the list.
    pub fn narrows(&self) -> bool {
        self.first_page() != Self::default()
    }

    /// The address of the list with this filter.
    pub fn address(&self) -> String {
        self.address_of("/logs", &[])
    }

    /// Another address that takes this filter and more.
    pub fn address_of(&self, path: &str, more: &[(&str, &str)]) -> String {
        let mut query = self.to_query();
        for (name, value) in more {
            let and = if query.is_empty() { "" } else { "&" };
            query += &format!("{and}{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC));
        }
        if query.is_empty() { path.into() } else { format!("{path}?{query}") }
    }

    /// The first page of the list.
    pub fn first_page(&self) -> Self {
        Self { after: String::new(), before: String::new(), ..self.clone() }
    }

    fn to_query(&self) -> String {
        self.fields()
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
            .collect::<Vec<_>>()
            .join("&")
    }

    fn fields(&self) -> [(&'static str, &String); 14] {
        [
            ("key", &self.key),
            ("application", &self.application),
            ("environment", &self.environment),
            ("code", &self.code),
            ("method", &self.method),
            ("path", &self.path),
            ("ip", &self.ip),
            ("customer", &self.customer),
            ("request", &self.request),
            ("last", &self.last),
            ("from", &self.from),
            ("to", &self.to),
            ("after", &self.after),
            ("before", &self.before),
        ]
    }
}

impl Outcome {
    /// As addresses spell it: `refused`, `EXPIRED`.
    fn parse(typed: &str) -> Option<Self> {
        if typed == "refused" {
            return Some(Self::Refused);
        }
        let code = Code::ALL.into_iter().map(Code::slug).find(|code| *code == typed);
        code.map(Self::Code)
    }
}

/// How forms spell an instant, in the zone of whoever reads it.
pub fn in_form(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%Y-%m-%dT%H:%M").to_string()
}

/// How addresses spell it.
pub fn in_address(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// RFC 3339, or as a form spells it, in that zone. What a change of clocks leaves out or has twice is the earlier one.
pub fn parse_time(typed: &str, zone: Tz) -> Option<DateTime<Utc>> {
    let at = match DateTime::parse_from_rfc3339(typed) {
        Ok(at) => at.to_utc(),
        Err(_) => {
            let formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];
            let local = formats
                .iter()
                .find_map(|format| NaiveDateTime::parse_from_str(typed, format).ok())?;
            match zone.from_local_datetime(&local) {
                LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.to_utc(),
                LocalResult::None => {
                    zone.from_local_datetime(&(local - TimeDelta::hours(1))).earliest()?.to_utc()
                        + TimeDelta::hours(1)
                }
            }
        }
    };
    let years = at.format("%Y").to_string().parse::<i32>().ok()?;
    (2000..=2200).contains(&years).then_some(at)
}

fn chosen<T>(typed: &str, what: &str, parse: impl Fn(&str) -> Option<T>) -> AppResult<Option<T>> {
    if typed.is_empty() {
        return Ok(None);
    }
    parse(typed).map(Some).ok_or_else(|| {
        bad(&format!(
            "The filter has something that is not {what}. Go back to the list and choose again."
        ))
    })
}

fn public_key(typed: &str) -> Option<String> {
    let is_public = matches!(Presented::parse(typed.trim()), Some(Presented::PublicKey(_)));
    is_public.then(|| typed.trim().to_owned())
}

fn slug(typed: &str) -> Option<String> {
    let fine = |character: char| character.is_ascii_alphanumeric() || "_:-.".contains(character);
    (typed.len() <= 100 && typed.chars().all(fine)).then(|| typed.to_owned())
}

fn method(typed: &str) -> Option<String> {
    let method = typed.trim().to_ascii_uppercase();
    let fine = |byte: u8| byte.is_ascii_uppercase() || byte == b'-' || byte == b'_';
    ((1..=32).contains(&method.len()) && method.bytes().all(fine)).then_some(method)
}

fn path(typed: &str) -> Option<String> {
    let typed = typed.trim();
    let fine = typed.starts_with('/') && typed.len() <= 512 && text::is_showable(typed);
    fine.then(|| typed.to_owned())
}

fn ip(typed: &str) -> Option<IpNet> {
    let typed = typed.trim();
    match typed.parse::<IpNet>() {
        Ok(range) => Some(crate::keys::fold_mapped(range.trunc())),
        Err(_) => typed.parse().ok().map(|ip: IpAddr| IpNet::from(ip.to_canonical())),
    }
}

fn customer(typed: &str) -> Option<String> {
    crate::customers::parse_external_id(typed).ok().map(ToOwned::to_owned)
}

fn bad_page() -> AppError {
    bad("This is a bad page address: it belongs to another list. Go back to the first page.")
}

fn bad(message: &str) -> AppError {
    AppError::BadRequest(message.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::users::Viewer;

    fn signer(viewer: &Viewer) -> Signer<'_> {
        Signer { key: b"0123456789abcdef", viewer }
    }

    #[test]
    fn a_place_is_good_for_the_list_it_came_from() {
        let viewer = Viewer::operator();
        let form = FilterForm { code: "refused".into(), ..FilterForm::default() };
        let at = DateTime::from_timestamp_micros(1_796_000_000_123_456).unwrap();
        let place = Place { at, id: Uuid::new_v4() };
        let spelled = place.spell(&signer(&viewer), &form);
        assert_eq!(Place::parse(&spelled, &signer(&viewer), &form), Some(place));
        assert_eq!(Place::parse(&spelled, &signer(&viewer), &FilterForm::default()), None);
        let other = Viewer { id: Some(7), ..Viewer::operator() };
        assert_eq!(Place::parse(&spelled, &signer(&other), &form), None);
        for forged in ["", "x", &spelled[..spelled.len() - 2], &spelled.to_lowercase()] {
            assert_eq!(Place::parse(forged, &signer(&viewer), &form), None, "{forged}");
        }
    }

    #[test]
    fn what_cannot_be_is_a_bad_request() {
        let viewer = Viewer::operator();
        for (field, typed) in [
            ("key", "deploy bot"),
            ("key", "prod_sk_0123456789abcdefghij"),
            ("code", "MAYBE"),
            ("code", "valid"),
            ("method", "GET /"),
            ("path", "orders"),
            ("path", "/a\0b"),
            ("ip", "10.0.0"),
            ("ip", "10.0.0.0/33"),
            ("last", "1y"),
            ("from", "yesterday"),
            ("from", "9999-01-01T00:00:00Z"),
            ("to", "2026-02-30T00:00"),
            ("request", "1"),
            ("after", "x"),
            ("before", "x"),
            ("environment", "a b"),
            ("customer", "a\u{202e}b"),
        ] {
            let query = format!("{field}={}", utf8_percent_encode(typed, NON_ALPHANUMERIC));
            let form: FilterForm = serde_html_form::from_str(&query).unwrap();
            assert!(
                matches!(form.parse(&signer(&viewer), Utc::now()), Err(AppError::BadRequest(_))),
                "{field} {typed:?}"
            );
        }
    }

    #[test]
    fn times_are_those_of_the_viewers_zone_unless_they_say_which() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().ok();
        for (typed, zone, meant) in [
            ("2026-11-20T14:05", Tz::UTC, "2026-11-20T14:05:00Z"),
            ("2026-11-20T14:05", Tz::Europe__Berlin, "2026-11-20T13:05:00Z"),
            ("2026-11-20T14:05:00+02:00", Tz::Europe__Berlin, "2026-11-20T12:05:00Z"),
            // The clocks go forward over it, and back through it.
            ("2026-03-29T02:30", Tz::Europe__Berlin, "2026-03-29T01:30:00Z"),
            ("2026-10-25T02:30", Tz::Europe__Berlin, "2026-10-25T00:30:00Z"),
        ] {
            assert_eq!(parse_time(typed, zone), at(meant), "{typed} {zone}");
        }
    }

    #[test]
    fn an_address_is_an_address_or_a_range_of_them() {
        assert_eq!(ip("203.0.113.9").unwrap().to_string(), "203.0.113.9/32");
        assert_eq!(ip("::ffff:203.0.113.9").unwrap().to_string(), "203.0.113.9/32");
        assert_eq!(ip("10.1.2.3/8").unwrap().to_string(), "10.0.0.0/8");
        assert_eq!(ip("2001:db8::/32").unwrap().to_string(), "2001:db8::/32");
    }
}
