//! Rate limits as typed: one line for each window, an empty one for none.

use super::KeyForm;
use crate::{
    keys::{
        Limit,
        model::{MOST_REQUESTS, WINDOWS},
    },
    web::Problems,
};

/// The names of the fields, in the order of [`WINDOWS`].
const FIELDS: [&str; 4] = ["limit_second", "limit_minute", "limit_hour", "limit_day"];

/// A line of the rate limits.
pub struct LimitField<'a> {
    pub name: &'static str,
    /// “second”
    pub window: &'static str,
    pub typed: &'a str,
    per_seconds: i32,
}

impl KeyForm {
    /// The lines of the rate limits, the shortest window first.
    pub fn limit_fields(&self) -> [LimitField<'_>; 4] {
        let typed = [&self.limit_second, &self.limit_minute, &self.limit_hour, &self.limit_day];
        std::array::from_fn(|at| {
            let (per_seconds, window) = WINDOWS[at];
            LimitField { name: FIELDS[at], window, typed: typed[at], per_seconds }
        })
    }

    /// How often. Limits of which one can never refuse are pointed out: whoever typed them meant something else.
    pub fn check_rates(&self, errors: &mut Problems) -> Option<Vec<Limit>> {
        let lines = self.limit_fields().map(|line| errors.sort(line.name, line.parse()));
        let limits: Vec<Limit> =
            lines.into_iter().collect::<Option<Vec<_>>>()?.into_iter().flatten().collect();
        let together = Limit::check_together(&limits);
        let field = together.as_ref().err().and_then(|(idle, _)| {
            WINDOWS.iter().position(|(seconds, _)| *seconds == idle.per_seconds)
        });
        errors.sort(
            FIELDS[field.unwrap_or_default()],
            together.map(|()| limits).map_err(|(_, sentence)| sentence),
        )
    }

    /// The limits, whether or not they make sense together.
    pub(super) fn parse_rates(&self) -> Result<Vec<Limit>, String> {
        let lines = self.limit_fields().map(|line| line.parse());
        lines.into_iter().filter_map(Result::transpose).collect()
    }

    /// Those of the limits that can be understood.
    pub fn known_rates(&self) -> Vec<Limit> {
        self.limit_fields().iter().filter_map(|line| line.parse().ok().flatten()).collect()
    }
}

impl LimitField<'_> {
    fn parse(&self) -> Result<Option<Limit>, String> {
        let range =
            || "Give a whole number from 1 to 1 000 000, or leave the line empty.".to_owned();
        let typed = self.typed.trim();
        if typed.is_empty() {
            return Ok(None);
        }
        if typed.len() > 7 || !typed.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(range());
        }
        match typed.parse() {
            Ok(requests @ 1..=MOST_REQUESTS) => {
                Ok(Some(Limit { requests, per_seconds: self.per_seconds }))
            }
            _ => Err(range()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(limits: [&str; 4]) -> KeyForm {
        let [limit_second, limit_minute, limit_hour, limit_day] = limits.map(Into::into);
        KeyForm { limit_second, limit_minute, limit_hour, limit_day, ..KeyForm::default() }
    }

    #[test]
    fn rates_are_whole_numbers_in_range() {
        let rate = |typed: &str| form([typed, "", "", ""]).check_rates(&mut Problems::default());
        assert_eq!(rate("100"), Some(vec![Limit { requests: 100, per_seconds: 1 }]));
        assert_eq!(rate(" "), Some(vec![]));
        assert!(rate("1000000").is_some());
        for typed in ["0", "-1", "1e3", "1.5", "2147483648", "1000001", "NaN", "١٠", "+5", "1,000"]
        {
            assert_eq!(rate(typed), None, "{typed}");
        }
    }

    #[test]
    fn each_window_has_a_limit_of_its_own() {
        let limits = form(["100", "", "", "50000"]).check_rates(&mut Problems::default());
        assert_eq!(
            limits.unwrap(),
            [
                Limit { requests: 100, per_seconds: 1 },
                Limit { requests: 50_000, per_seconds: 86_400 }
            ]
        );
        let mut errors = Problems::default();
        assert_eq!(form(["x", "", "0", "5"]).check_rates(&mut errors), None);
        assert!(errors.has("limit_second") && errors.has("limit_hour") && !errors.has("limit_day"));
    }

    #[test]
    fn the_line_that_makes_no_sense_is_named() {
        for (limits, field) in [
            (["100", "50", "", ""], "limit_second"),
            (["100", "", "", "10000000"], "limit_day"),
            (["100", "6000", "", ""], "limit_minute"),
        ] {
            let mut errors = Problems::default();
            assert_eq!(form(limits).check_rates(&mut errors), None);
            assert!(errors.has(field), "{limits:?}: {errors:?}");
        }
    }
}
