//! Moments and days as markup: relative for people, exact on hover and for programs.
//!
//! In which zone is known as soon as the request knows who asks, and holds for everything that is drawn to answer it:
//! a row as well as a page, so that no view has to carry it.

use std::{cell::Cell, fmt};

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
};
use askama::filters::HtmlSafe;
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

tokio::task_local! {
    static ZONE: Cell<Tz>;
}

/// Lets each request have a zone of its own: UTC until somebody turns out to be asking.
///
/// # Errors
/// What the rest of the chain answers.
pub async fn in_the_viewers_zone<B: MessageBody>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    ZONE.scope(Cell::new(Tz::UTC), next.call(req)).await
}

/// From here on this request shows times in that zone.
pub fn show_in(zone: Tz) {
    // Outside a request there is nobody to show anything to.
    let _ = ZONE.try_with(|shown| shown.set(zone));
}

fn zone() -> Tz {
    ZONE.try_with(Cell::get).unwrap_or(Tz::UTC)
}

/// The calendar day it is then, where the viewer is.
pub fn day_of(at: DateTime<Utc>) -> NaiveDate {
    at.with_timezone(&zone()).date_naive()
}

/// “20 November 2026, 15:05:09 CET (14:05:09 UTC)”, with the day in UTC where it is another one.
pub fn exact(at: DateTime<Utc>) -> String {
    exact_in(at, zone())
}

fn exact_in(at: DateTime<Utc>, zone: Tz) -> String {
    let there = at.with_timezone(&zone);
    let shown = there.format("%-d %B %Y, %H:%M:%S %Z");
    if zone == Tz::UTC {
        shown.to_string()
    } else if there.date_naive() == at.date_naive() {
        format!("{shown} ({})", at.format("%H:%M:%S UTC"))
    } else {
        format!("{shown} ({})", at.format("%-d %B, %H:%M:%S UTC"))
    }
}

/// `<time>` with words relative to now. Safe by construction: only our own digits and words go in.
pub struct Moment {
    at: DateTime<Utc>,
    now: DateTime<Utc>,
}

impl Moment {
    pub fn new(at: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        Self { at, now }
    }

    /// For templates, which hand over references.
    pub fn of(at: &DateTime<Utc>) -> Self {
        Self::seen_now(*at)
    }

    /// As seen at this instant.
    pub fn seen_now(at: DateTime<Utc>) -> Self {
        Self::new(at, Utc::now())
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            r#"<time datetime="{}" title="{}" data-relative tabindex="0">{}</time>"#,
            self.at.format("%Y-%m-%dT%H:%M:%SZ"),
            exact(self.at),
            relative(self.at, self.now)
        )
    }
}

impl HtmlSafe for Moment {}

/// `<time>` to the millisecond, for lists in which that matters: 15:05:09.123, with the day unless it is today.
pub struct Clock(pub DateTime<Utc>);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let there = self.0.with_timezone(&zone());
        write!(
            f,
            r#"<time datetime="{}" title="{}">"#,
            self.0.format("%Y-%m-%dT%H:%M:%S%.3fZ"),
            exact(self.0)
        )?;
        if there.date_naive() != day_of(Utc::now()) {
            write!(f, "{} ", there.format("%-d %b"))?;
        }
        write!(f, "{}</time>", there.format("%H:%M:%S%.3f"))
    }
}

impl HtmlSafe for Clock {}

/// “15:05”, with the day unless it is today.
pub fn minute(at: DateTime<Utc>) -> String {
    let there = at.with_timezone(&zone());
    if there.date_naive() == day_of(Utc::now()) {
        there.format("%H:%M").to_string()
    } else {
        there.format("%-d %B, %H:%M").to_string()
    }
}

/// `<time>` of a calendar day: 18 February 2027.
pub struct Day(pub DateTime<Utc>);

impl Day {
    /// For templates, which hand over references.
    pub fn of(at: &DateTime<Utc>) -> Self {
        Self(*at)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            r#"<time datetime="{}" title="{}">{}</time>"#,
            self.0.format("%Y-%m-%dT%H:%M:%SZ"),
            exact(self.0),
            spell_day(day_of(self.0))
        )
    }
}

impl HtmlSafe for Day {}

/// `<time>` of the day on which something ends. Such a day was chosen, and is the same everywhere: it ends at midnight
/// UTC.
pub struct LastDay(pub DateTime<Utc>);

impl fmt::Display for LastDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            r#"<time datetime="{}" title="{}">{}</time>"#,
            self.0.format("%Y-%m-%dT%H:%M:%SZ"),
            exact(self.0),
            spell_day(self.0.date_naive())
        )
    }
}

impl HtmlSafe for LastDay {}

/// `<time>` of a calendar day, for tables: 18 Feb 2027.
pub struct ShortDay(pub DateTime<Utc>);

impl fmt::Display for ShortDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            r#"<time datetime="{}" title="{}">{}</time>"#,
            self.0.format("%Y-%m-%dT%H:%M:%SZ"),
            exact(self.0),
            spell_short(day_of(self.0))
        )
    }
}

impl HtmlSafe for ShortDay {}

/// 18 February 2027
pub fn spell_day(day: NaiveDate) -> String {
    day.format("%-d %B %Y").to_string()
}

/// 18 Feb 2027
pub fn spell_short(day: NaiveDate) -> String {
    day.format("%-d %b %Y").to_string()
}

/// “3 hours ago”, “in 14 days”, “just now”.
pub fn relative(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let seconds = (now - at).num_seconds();
    let (count, unit) = match seconds.abs() {
        0..45 => return if seconds >= 0 { "just now".into() } else { "in a moment".into() },
        near @ 45..3_600 => ((near + 30) / 60, "minute"),
        near @ 3_600..86_400 => (near / 3_600, "hour"),
        near @ 86_400..2_592_000 => (near / 86_400, "day"),
        near @ 2_592_000..31_536_000 => (near / 2_592_000, "month"),
        far => (far / 31_536_000, "year"),
    };
    let unit = if count == 1 { unit.to_owned() } else { format!("{unit}s") };
    if seconds >= 0 { format!("{count} {unit} ago") } else { format!("in {count} {unit}") }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn the_exact_time_is_told_where_one_is_and_in_utc() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        for (then, zone, told) in [
            ("2026-11-20T14:05:09Z", Tz::UTC, "20 November 2026, 14:05:09 UTC"),
            (
                "2026-11-20T14:05:09Z",
                Tz::Europe__Berlin,
                "20 November 2026, 15:05:09 CET (14:05:09 UTC)",
            ),
            (
                "2026-07-20T14:05:09Z",
                Tz::Europe__Berlin,
                "20 July 2026, 16:05:09 CEST (14:05:09 UTC)",
            ),
            (
                "2026-11-20T23:05:09Z",
                Tz::Asia__Tokyo,
                "21 November 2026, 08:05:09 JST (20 November, 23:05:09 UTC)",
            ),
            (
                "2026-11-20T12:00:00Z",
                Tz::America__Sao_Paulo,
                "20 November 2026, 09:00:00 -03 (12:00:00 UTC)",
            ),
        ] {
            assert_eq!(exact_in(at(then), zone), told);
        }
    }

    #[actix_web::test]
    async fn each_request_has_a_zone_of_its_own() {
        let at: DateTime<Utc> = "2026-11-20T23:05:09Z".parse().unwrap();
        let there = ZONE.scope(Cell::new(Tz::UTC), async {
            show_in(Tz::Asia__Tokyo);
            tokio::task::yield_now().await;
            ShortDay(at).to_string()
        });
        let here = ZONE.scope(Cell::new(Tz::UTC), async { ShortDay(at).to_string() });
        let (there, here) = tokio::join!(there, here);
        assert!(there.contains(">21 Nov 2026<"), "{there}");
        assert!(here.contains(">20 Nov 2026<"), "{here}");
        assert!(ShortDay(at).to_string().contains(">20 Nov 2026<"));
    }

    #[test]
    fn times_are_told_as_people_tell_them() {
        let now = Utc::now();
        for (seconds, words) in [
            (0, "just now"),
            (-10, "in a moment"),
            (60, "1 minute ago"),
            (3_599, "60 minutes ago"),
            (7_200, "2 hours ago"),
            (-86_400 * 14, "in 14 days"),
            (86_400 * 40, "1 month ago"),
            (86_400 * 800, "2 years ago"),
        ] {
            assert_eq!(relative(now - TimeDelta::seconds(seconds), now), words);
        }
    }
}
