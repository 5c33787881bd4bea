//! A gateway's question as a page asks it: all of it in the address.

use std::net::IpAddr;

use chrono::{DateTime, LocalResult, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use url::form_urlencoded;

use crate::{
    credentials::Presented,
    environments::Environment,
    error::{AppError, AppResult},
    text,
    verify::With,
    web::Problems,
};

/// A question names fewer scopes than this, as one of a gateway.
const TOO_MANY_SCOPES: usize = 100;
/// No text in it is longer.
const LONGEST: usize = 255;

/// As typed. Empty values count as absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QuestionForm {
    /// `secret`, `old` or `public`
    pub with: String,
    /// Slugs of permissions, and whatever else a request may require.
    pub scope: Vec<String>,
    /// The slug of the gateway's environment.
    pub environment: String,
    pub customer: String,
    pub ip: String,
    pub origin: String,
    /// RFC 3339, or date and time where the viewer is.
    pub at: String,
}

/// As meant.
#[derive(Debug)]
pub struct Meant {
    pub with: With,
    pub environment: Environment,
    pub ip: Option<IpAddr>,
    /// `None`: now.
    pub at: Option<DateTime<Utc>>,
}

impl QuestionForm {
    /// Reads the query of an address.
    ///
    /// # Errors
    /// [`AppError::BadRequest`] for what no page of ours asks, and for a secret: it must not be in an address.
    pub fn read(query: &str) -> AppResult<Self> {
        let mut form: Self = serde_html_form::from_str(query).map_err(|_| {
            AppError::BadRequest("The address asks for something that isn’t explained here, or for one thing twice. Start again from the key’s page.".into())
        })?;
        if form.values().any(Presented::looks_secret) {
            return Err(AppError::BadRequest(
                "A secret doesn’t belong in an address: others may see it there. Regenerate the key if the address was shared.".into(),
            ));
        }
        form.scope.retain(|scope| !scope.is_empty());
        Ok(form)
    }

    /// What is meant, for a key of the environment with that id.
    ///
    /// # Errors
    /// What is wrong with it, field by field.
    pub fn parse(
        &self,
        environments: &[Environment],
        own: i64,
        zone: Tz,
    ) -> Result<Meant, Problems> {
        let mut problems = Problems::default();
        let with = problems.sort("with", parse_with(&self.with));
        let environment = environments.iter().find(|known| match self.environment.as_str() {
            "" => known.id == own,
            slug => known.slug == slug,
        });
        let environment = problems.sort(
            "environment",
            environment.cloned().ok_or_else(|| "There is no such environment.".to_owned()),
        );
        if self.scope.len() >= TOO_MANY_SCOPES {
            problems.add("scope", "A question names fewer than 100 permissions.");
        }
        if !self.scope.iter().all(|scope| is_short(scope)) {
            problems.add("scope", "A permission’s name has at most 255 characters.");
        }
        let ip = problems.sort("ip", optional(&self.ip, parse_ip));
        for (field, typed) in [("customer", &self.customer), ("origin", &self.origin)] {
            if !is_short(typed) {
                problems.add(field, "At most 255 characters that can be shown.");
            }
        }
        let at = problems.sort("at", optional(&self.at, |typed| parse_time(typed, zone)));
        match (with, environment, ip, at) {
            (Some(with), Some(environment), Some(ip), Some(at)) if problems.is_empty() => {
                Ok(Meant { with, environment, ip, at })
            }
            _ => Err(problems),
        }
    }

    /// The address that asks this about a key.
    pub fn address(&self, public_key: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let scopes = self.scope.iter().map(|scope| ("scope", scope));
        let fields = [
            ("with", &self.with),
            ("environment", &self.environment),
            ("customer", &self.customer),
            ("ip", &self.ip),
            ("origin", &self.origin),
            ("at", &self.at),
        ];
        query.extend_pairs(fields.into_iter().filter(|(_, value)| !value.is_empty()));
        query.extend_pairs(scopes);
        match query.finish() {
            query if query.is_empty() => format!("/keys/{public_key}/explain"),
            query => format!("/keys/{public_key}/explain?{query}"),
        }
    }

    /// Whether a permission is required.
    pub fn requires(&self, slug: &str) -> bool {
        self.scope.iter().any(|scope| scope == slug)
    }

    /// The time as a field for date and time has it; what is not understood stays as it is.
    pub fn at_in(&self, zone: Tz) -> String {
        parse_time(&self.at, zone).map_or_else(
            |_| self.at.clone(),
            |at| at.with_timezone(&zone).format("%Y-%m-%dT%H:%M:%S").to_string(),
        )
    }

    fn values(&self) -> impl Iterator<Item = &str> {
        let single =
            [&self.with, &self.environment, &self.customer, &self.ip, &self.origin, &self.at];
        single.into_iter().chain(&self.scope).map(String::as_str)
    }
}

fn parse_with(typed: &str) -> Result<With, String> {
    match typed {
        "" | "secret" => Ok(With::Secret),
        "old" => Ok(With::OldSecret),
        "public" => Ok(With::PublicKey),
        _ => Err("Choose with what the key is presented.".into()),
    }
}

fn parse_ip(typed: &str) -> Result<IpAddr, String> {
    typed.parse().map(|ip: IpAddr| ip.to_canonical()).map_err(|_| {
        "Write one address, such as 203.0.113.9 or 2001:db8::1, without port or range.".into()
    })
}

fn parse_time(typed: &str, zone: Tz) -> Result<DateTime<Utc>, String> {
    const HOW: &str = "Write a date and time between 2000 and 2199, such as 2027-02-18T09:30 or 2027-02-18T09:30:00Z.";
    let there = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"]
        .into_iter()
        .find_map(|format| NaiveDateTime::parse_from_str(typed, format).ok());
    let at = match there {
        // A clock that is put back has some times twice: the first is meant.
        Some(there) => match zone.from_local_datetime(&there) {
            LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.to_utc(),
            LocalResult::None => {
                return Err(format!("In {zone} the clock was put forward over that time."));
            }
        },
        None => DateTime::parse_from_rfc3339(typed).map_err(|_| HOW.to_owned())?.to_utc(),
    };
    let year = |year| Utc.with_ymd_and_hms(year, 1, 1, 0, 0, 0).single();
    let is_near = year(2000).is_some_and(|first| at >= first) && year(2200) > Some(at);
    if is_near { Ok(at) } else { Err(HOW.to_owned()) }
}

fn optional<T>(
    typed: &str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, String> {
    match typed.trim() {
        "" => Ok(None),
        typed => parse(typed).map(Some),
    }
}

fn is_short(typed: &str) -> bool {
    typed.chars().count() <= LONGEST && text::is_showable(typed)
}

#[cfg(test)]
mod tests {
    use chrono::SecondsFormat;

    use super::*;

    #[test]
    fn a_time_is_where_the_viewer_is_unless_it_says_otherwise() {
        let spell = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let at = |typed: &str, zone| parse_time(typed, zone).map(spell);
        for (typed, zone, meant) in [
            ("2027-02-18T09:30", Tz::UTC, "2027-02-18T09:30:00Z"),
            ("2027-02-18T09:30:05", Tz::Europe__Berlin, "2027-02-18T08:30:05Z"),
            ("2027-02-18T09:30:00+09:00", Tz::Europe__Berlin, "2027-02-18T00:30:00Z"),
            ("2027-02-18T09:30:00Z", Tz::Asia__Tokyo, "2027-02-18T09:30:00Z"),
            ("2026-10-25T02:30", Tz::Europe__Berlin, "2026-10-25T00:30:00Z"),
        ] {
            assert_eq!(at(typed, zone).as_deref(), Ok(meant), "{typed} {zone}");
        }
        for wrong in [
            "now",
            "2027-02-30T09:30",
            "0000-01-01T00:00",
            "9999-01-01T00:00:00Z",
            "1999-12-31T23:59:59Z",
            "2027-02-18",
            "2027-02-18T09:30:00Z ' or 1=1",
        ] {
            assert!(at(wrong, Tz::UTC).is_err(), "{wrong}");
        }
        assert!(at("2026-03-29T02:30", Tz::Europe__Berlin).unwrap_err().contains("put forward"));
    }

    #[test]
    fn an_address_says_only_what_was_asked() {
        let form = QuestionForm {
            scope: vec!["a:b".into(), "c".into()],
            customer: "Ada & Co".into(),
            ..QuestionForm::default()
        };
        let address = form.address("prod_pk_0123456789abcdef");
        assert_eq!(
            address,
            "/keys/prod_pk_0123456789abcdef/explain?customer=Ada+%26+Co&scope=a%3Ab&scope=c"
        );
        let (_, query) = address.split_once('?').unwrap();
        assert_eq!(QuestionForm::read(query).unwrap(), form);
        assert_eq!(QuestionForm::default().address("x_pk_1"), "/keys/x_pk_1/explain");
    }

    #[test]
    fn what_no_page_asks_is_a_bad_request() {
        for query in ["key=x", "ip=1.2.3.4&ip=1.2.3.4", "scope=prod_sk_0123456789abcdefghij", "a"] {
            assert!(matches!(QuestionForm::read(query), Err(AppError::BadRequest(_))), "{query}");
        }
        assert_eq!(QuestionForm::read("scope=&ip=&at=").unwrap(), QuestionForm::default());
    }
}
