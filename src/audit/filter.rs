//! The page's address: what is looked for, and from where on.

use std::net::IpAddr;

use chrono::{DateTime, LocalResult, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use ipnet::IpNet;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    credentials::Presented,
    error::{AppError, AppResult},
    text,
    web::Signer,
};

/// The query of the address, as typed. Empty values count as absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FilterForm {
    pub q: String,
    /// A person's id, `operator` or `visitor`.
    pub who: String,
    /// `key.revoked`, or `key.*`
    pub action: String,
    /// A public key, an App ID, `user:7`.
    pub subject: String,
    /// An address, or a range.
    pub ip: String,
    pub request: String,
    /// `2026-11-20T14:05` or `2026-11-20`, where the viewer is.
    pub from: String,
    /// Likewise; of a day, the end.
    pub to: String,
    pub after: String,
    pub before: String,
}

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    Person(i64),
    /// Whoever has a shell on the server.
    Operator,
    /// Somebody who was not signed in.
    Visitor,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acts {
    One(String),
    /// All that begin so: `key.`
    Kind(String),
}

/// The same as meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    pub search: Option<String>,
    pub actor: Option<Actor>,
    pub acts: Option<Acts>,
    pub subject: Option<String>,
    pub ip: Option<IpNet>,
    pub request: Option<Uuid>,
    pub from: Option<DateTime<Utc>>,
    /// Not included.
    pub to: Option<DateTime<Utc>>,
    pub cursor: Option<Cursor>,
}

/// A place in the trail: the event it is at, and on which side of it to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub at: DateTime<Utc>,
    pub number: i64,
    /// Towards the newest.
    pub backwards: bool,
}

impl Cursor {
    /// Spells it for the trail with what is looked for.
    pub fn spell(self, signer: &Signer<'_>, form: &FilterForm) -> String {
        let place = format!("{}.{}", self.at.timestamp_micros(), self.number);
        signer.spell(&form.first_page().address(), &place)
    }

    fn parse(typed: &str, backwards: bool, signer: &Signer<'_>, form: &FilterForm) -> Option<Self> {
        let place = signer.parse(&form.first_page().address(), typed)?;
        let (micros, number) = place.split_once('.')?;
        let at = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
        Some(Self { at, number: number.parse().ok()?, backwards })
    }
}

impl FilterForm {
    /// Everything about one thing.
    pub fn of_subject(subject: &str) -> Self {
        Self { subject: subject.to_owned(), ..Self::default() }
    }

    /// Understands the address, but for its place in the list.
    ///
    /// # Errors
    /// [`AppError::BadRequest`] for what no page of ours offers, and for a secret.
    pub fn parse(&self, zone: Tz) -> AppResult<Filter> {
        if self.fields().iter().any(|(_, typed)| Presented::looks_secret(typed)) {
            return Err(bad(
                "That looks like a secret, and the trail holds none. Paste it into the search under API Keys, which finds its key.",
            ));
        }
        let search = text::tidy(&self.q);
        if search.chars().count() > 255 || !text::is_showable(&search) {
            return Err(bad("Search for at most 255 characters that can be shown."));
        }
        let from = chosen(&self.from, |typed| moment(typed, zone, false))?;
        let to = chosen(&self.to, |typed| moment(typed, zone, true))?;
        if from.zip(to).is_some_and(|(from, to)| from >= to) {
            return Err(bad("The time it begins with lies after the time it ends with."));
        }
        Ok(Filter {
            search: Some(search).filter(|search| !search.is_empty()),
            actor: chosen(&self.who, |typed| match typed {
                "operator" => Some(Actor::Operator),
                "visitor" => Some(Actor::Visitor),
                id => id.parse().ok().filter(|id| *id > 0).map(Actor::Person),
            })?,
            acts: chosen(&self.action, acts)?,
            subject: chosen(&self.subject, |typed| {
                let typed = typed.trim();
                (typed.chars().count() <= 320 && text::is_showable(typed)).then(|| typed.to_owned())
            })?,
            ip: chosen(&self.ip, |typed| range(typed.trim()))
                .map_err(|_| bad("From where: an IP address, or a range such as 10.0.0.0/8."))?,
            request: chosen(&self.request, |typed| typed.trim().parse().ok()).map_err(|_| {
                bad("A request id looks like 018f2b8e-3f4a-4c55-9d1e-0a1b2c3d4e5f.")
            })?,
            from,
            to,
            cursor: None,
        })
    }

    /// Understands the whole address.
    ///
    /// # Errors
    /// As [`FilterForm::parse`], and for a place in another list.
    pub fn parse_page(&self, signer: &Signer<'_>) -> AppResult<Filter> {
        let filter = self.parse(signer.viewer.zone)?;
        let place = |typed: &str, backwards| {
            Cursor::parse(typed, backwards, signer, self).map(Some).ok_or_else(bad_page)
        };
        let cursor = match (self.after.as_str(), self.before.as_str()) {
            ("", "") => None,
            (after, "") => place(after, false)?,
            ("", before) => place(before, true)?,
            _ => return Err(bad_page()),
        };
        Ok(Filter { cursor, ..filter })
    }

    /// The same from the beginning on.
    pub fn first_page(&self) -> Self {
        Self { after: String::new(), before: String::new(), ..self.clone() }
    }

    /// Whether anything is left out.
    pub fn narrows(&self) -> bool {
        self.first_page() != Self::default()
    }

    /// What narrows the list, by name, for forms that stand around it.
    pub fn chosen(&self) -> Vec<(&'static str, &str)> {
        let is_place = |name: &str| ["after", "before"].contains(&name);
        let fields = self.fields().into_iter();
        fields.filter(|(name, value)| !is_place(name) && !value.is_empty()).collect()
    }

    /// The address of the list with this filter.
    pub fn address(&self) -> String {
        match self.to_query() {
            query if query.is_empty() => "/audit".into(),
            query => format!("/audit?{query}"),
        }
    }

    fn to_query(&self) -> String {
        let given = self.fields().into_iter().filter(|(_, value)| !value.is_empty());
        given
            .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
            .collect::<Vec<_>>()
            .join("&")
    }

    fn fields(&self) -> [(&'static str, &str); 10] {
        [
            ("q", &self.q),
            ("who", &self.who),
            ("action", &self.action),
            ("subject", &self.subject),
            ("ip", &self.ip),
            ("request", &self.request),
            ("from", &self.from),
            ("to", &self.to),
            ("after", &self.after),
            ("before", &self.before),
        ]
    }
}

fn chosen<T>(typed: &str, parse: impl Fn(&str) -> Option<T>) -> AppResult<Option<T>> {
    if typed.is_empty() {
        return Ok(None);
    }
    parse(typed).map(Some).ok_or_else(|| {
        bad("The address has a filter that doesn’t exist. Go back to the trail and choose again.")
    })
}

fn acts(typed: &str) -> Option<Acts> {
    let is_slug = |slug: &str| {
        (1..=60).contains(&slug.len())
            && slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    let (kind, act) = typed.split_once('.')?;
    match act {
        "*" => is_slug(kind).then(|| Acts::Kind(format!("{kind}."))),
        act => (is_slug(kind) && is_slug(act)).then(|| Acts::One(typed.to_owned())),
    }
}

fn range(typed: &str) -> Option<IpNet> {
    let range = typed.parse().or_else(|_| typed.parse::<IpAddr>().map(IpNet::from)).ok()?;
    Some(IpNet::trunc(&range))
}

/// A minute or a day, where the viewer is. What happens twice when clocks are put back is taken for the first; what
/// never happens when they are put forward, for the hour that did.
fn moment(typed: &str, zone: Tz, is_end: bool) -> Option<DateTime<Utc>> {
    let minute = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(typed, format).ok());
    let local = match minute {
        Some(minute) => minute,
        None => {
            let day = NaiveDate::parse_from_str(typed, "%Y-%m-%d").ok()?;
            (if is_end { day.succ_opt()? } else { day }).and_hms_opt(0, 0, 0)?
        }
    };
    if !(1970..=9000).contains(&chrono::Datelike::year(&local)) {
        return None;
    }
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Some(at.to_utc()),
        LocalResult::None => zone
            .from_local_datetime(&(local + TimeDelta::hours(1)))
            .earliest()
            .map(|at| at.to_utc()),
    }
}

fn bad(message: &str) -> AppError {
    AppError::BadRequest(message.into())
}

fn bad_page() -> AppError {
    bad("This is a bad page address: it belongs to another list. Go back to the first page.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::users::Viewer;

    fn parse(form: &FilterForm) -> AppResult<Filter> {
        form.parse(Tz::Europe__Berlin)
    }

    #[test]
    fn a_cursor_is_good_for_the_person_and_the_filter_it_came_from() {
        let viewer = Viewer::operator();
        let signer = Signer { key: b"0123456789abcdef", viewer: &viewer };
        let form = FilterForm { who: "7".into(), ..FilterForm::default() };
        let at = DateTime::from_timestamp_micros(1_795_943_879_998_278).unwrap();
        let cursor = Cursor { at, number: 42, backwards: false };
        let spelled = cursor.spell(&signer, &form);
        assert_eq!(Cursor::parse(&spelled, false, &signer, &form), Some(cursor));
        assert_eq!(Cursor::parse(&spelled, false, &signer, &FilterForm::default()), None);
        for forged in ["42", &spelled[..spelled.len() - 2], &spelled.to_lowercase()] {
            assert_eq!(Cursor::parse(forged, false, &signer, &form), None, "{forged}");
        }
        let other = Viewer { id: Some(7), ..Viewer::operator() };
        let signer = Signer { key: b"0123456789abcdef", viewer: &other };
        assert_eq!(Cursor::parse(&spelled, false, &signer, &form), None);
    }

    #[test]
    fn times_are_those_of_the_viewer() {
        for (from, to, begins, ends) in [
            ("2026-11-20T14:05", "2026-11-20", "2026-11-20T13:05:00Z", "2026-11-20T23:00:00Z"),
            ("2026-07-01", "2026-07-01T08:00:30", "2026-06-30T22:00:00Z", "2026-07-01T06:00:30Z"),
            (
                "2026-03-29T02:30",
                "2026-10-25T02:30",
                "2026-03-29T01:30:00Z",
                "2026-10-25T00:30:00Z",
            ),
        ] {
            let form = FilterForm { from: from.into(), to: to.into(), ..FilterForm::default() };
            let filter = parse(&form).unwrap();
            assert_eq!(filter.from, begins.parse().ok(), "{from}");
            assert_eq!(filter.to, ends.parse().ok(), "{to}");
        }
    }

    #[test]
    fn what_no_page_offers_is_a_bad_request() {
        let empty = FilterForm::default;
        for form in [
            FilterForm { q: "a\0b".into(), ..empty() },
            FilterForm { q: "x".repeat(256), ..empty() },
            FilterForm { q: "prod_sk_0123456789abcdefghij".into(), ..empty() },
            FilterForm { who: "-1".into(), ..empty() },
            FilterForm { who: "1 or 1=1".into(), ..empty() },
            FilterForm { action: "key".into(), ..empty() },
            FilterForm { action: "key.%".into(), ..empty() },
            FilterForm { action: "key.revoked.x".into(), ..empty() },
            FilterForm { subject: "a\u{202e}b".into(), ..empty() },
            FilterForm { ip: "10.0.0.1/33".into(), ..empty() },
            FilterForm { ip: "localhost".into(), ..empty() },
            FilterForm { request: "42".into(), ..empty() },
            FilterForm { from: "2026-02-30".into(), ..empty() },
            FilterForm { from: "yesterday".into(), ..empty() },
            FilterForm { to: "99999-01-01T00:00".into(), ..empty() },
            FilterForm { from: "2026-02-02".into(), to: "2026-02-01".into(), ..empty() },
        ] {
            assert!(matches!(parse(&form), Err(AppError::BadRequest(_))), "{form:?}");
        }
    }

    #[test]
    fn what_pages_offer_is_understood() {
        let form = FilterForm {
            who: "visitor".into(),
            action: "key.*".into(),
            ip: "10.1.2.3/8".into(),
            ..FilterForm::default()
        };
        let filter = parse(&form).unwrap();
        assert_eq!(filter.actor, Some(Actor::Visitor));
        assert_eq!(filter.acts, Some(Acts::Kind("key.".into())));
        assert_eq!(filter.ip.unwrap().to_string(), "10.0.0.0/8");
        assert_eq!(form.address(), "/audit?who=visitor&action=key%2E%2A&ip=10%2E1%2E2%2E3%2F8");
        assert_eq!(FilterForm::default().address(), "/audit");
    }
}
