//! Moments and days as markup: relative for people, exact on hover and for programs.

use std::fmt;

use askama::filters::HtmlSafe;
use chrono::{DateTime, NaiveDate, Utc};

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
            self.at.format("%-d %B %Y, %H:%M:%S UTC"),
            relative(self.at, self.now)
        )
    }
}

impl HtmlSafe for Moment {}

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
            self.0.format("%-d %B %Y, %H:%M:%S UTC"),
            spell_day(self.0.date_naive())
        )
    }
}

impl HtmlSafe for Day {}

/// `<time>` of a calendar day, for tables: 18 Feb 2027.
pub struct ShortDay(pub DateTime<Utc>);

impl fmt::Display for ShortDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            r#"<time datetime="{}" title="{}">{}</time>"#,
            self.0.format("%Y-%m-%dT%H:%M:%SZ"),
            self.0.format("%-d %B %Y, %H:%M:%S UTC"),
            self.0.format("%-d %b %Y")
        )
    }
}

impl HtmlSafe for ShortDay {}

/// 18 February 2027
pub fn spell_day(day: NaiveDate) -> String {
    day.format("%-d %B %Y").to_string()
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
