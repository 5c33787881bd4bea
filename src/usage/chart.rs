//! What happened to a key over the last hour, day or thirty days, piece by piece.

use chrono::{DateTime, Days, DurationRound, NaiveTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use diesel::{
    PgConnection, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{Array, BigInt, Integer, Text, Timestamptz},
};

use crate::error::{AppError, AppResult};

/// How far a chart looks back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    Hour,
    Day,
    Month,
}

impl Range {
    /// In the order of the switch.
    pub const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Month];

    /// As addresses spell it.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// On the switch.
    pub fn label(self) -> &'static str {
        match self {
            Self::Hour => "Hour",
            Self::Day => "24 hours",
            Self::Month => "30 days",
        }
    }

    /// “in the last hour”
    pub fn words(self) -> &'static str {
        match self {
            Self::Hour => "in the last hour",
            Self::Day => "in the last 24 hours",
            Self::Month => "in the last 30 days",
        }
    }

    /// What a piece is, at the head of the table.
    pub fn piece(self) -> &'static str {
        match self {
            Self::Hour => "Minute",
            Self::Day => "Hour",
            Self::Month => "Day",
        }
    }

    /// The range of that slug; none: thirty days.
    ///
    /// # Errors
    /// [`AppError::BadRequest`] for what no page offers.
    pub fn parse(slug: &str) -> AppResult<Self> {
        match slug {
            "" => Ok(Self::Month),
            slug => Self::ALL.into_iter().find(|range| range.slug() == slug).ok_or_else(|| {
                AppError::BadRequest("There is no such range. Choose hour, day or month.".into())
            }),
        }
    }
}

/// The pieces of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pieces {
    pub range: Range,
    /// Where each begins, oldest first; the last goes on until now.
    pub starts: Vec<DateTime<Utc>>,
    /// In which zone a piece begins at midnight, or on the hour.
    pub zone: Tz,
}

impl Pieces {
    /// The pieces up to now. Days begin at midnight where the viewer is, if that is at a full hour of UTC: what is
    /// counted by hours cannot be cut in two. Otherwise they are days of UTC.
    pub fn of(range: Range, now: DateTime<Utc>, zone: Tz) -> Self {
        let back = |unit: TimeDelta, count: i32| {
            let last = now.duration_trunc(unit).unwrap_or(now);
            (0..count).rev().map(|ago| last - unit * ago).collect()
        };
        let (starts, zone) = match range {
            Range::Hour => (back(TimeDelta::minutes(1), 60), zone),
            Range::Day => (back(TimeDelta::hours(1), 24), zone),
            Range::Month => {
                let there = midnights(now, zone);
                if there.iter().all(|at| at.minute() == 0) {
                    (there, zone)
                } else {
                    (midnights(now, Tz::UTC), Tz::UTC)
                }
            }
        };
        Self { range, starts, zone }
    }

    /// When the first one begins.
    pub fn since(&self) -> DateTime<Utc> {
        self.starts.first().copied().unwrap_or_default()
    }
}

/// The beginnings of the last thirty days in a zone, today's last.
fn midnights(now: DateTime<Utc>, zone: Tz) -> Vec<DateTime<Utc>> {
    let today = now.with_timezone(&zone).date_naive();
    (0..30)
        .rev()
        .filter_map(|ago| today.checked_sub_days(Days::new(ago)))
        .filter_map(|day| {
            // Where clocks are put forward at midnight, the day begins an hour later.
            let begins = |hour| NaiveTime::from_hms_opt(hour, 0, 0).map(|time| day.and_time(time));
            [begins(0), begins(1)]
                .into_iter()
                .flatten()
                .find_map(|there| zone.from_local_datetime(&there).earliest())
        })
        .map(|at| at.with_timezone(&Utc))
        .collect()
}

/// What happened to a key, piece by piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    pub pieces: Pieces,
    pub allowed: Series,
    /// By reason, the most frequent first.
    pub refused: Vec<Series>,
}

/// The requests with one verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    pub code: String,
    /// One number for each piece.
    pub counts: Vec<i64>,
}

impl Series {
    fn new(code: &str, pieces: usize) -> Self {
        Self { code: code.to_owned(), counts: vec![0; pieces] }
    }

    pub fn total(&self) -> i64 {
        self.counts.iter().sum()
    }
}

impl Chart {
    /// Nothing happened.
    pub fn is_empty(&self) -> bool {
        self.allowed.total() == 0 && self.refused.is_empty()
    }

    /// All refusals.
    pub fn refusals(&self) -> i64 {
        self.refused.iter().map(Series::total).sum()
    }
}

/// Reads the chart of a key.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn chart(conn: &mut PgConnection, key_id: i64, pieces: Pieces) -> AppResult<Chart> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = Integer)]
        piece: i32,
        #[diesel(sql_type = Text)]
        code: String,
        #[diesel(sql_type = BigInt)]
        requests: i64,
    }
    let counts: Vec<Count> = sql_query(
        "select width_bucket(at, $2) as piece, code, sum(requests)::bigint as requests \
         from usage_counts where key_id = $1 and at >= $3 group by 1, 2",
    )
    .bind::<BigInt, _>(key_id)
    .bind::<Array<Timestamptz>, _>(&pieces.starts)
    .bind::<Timestamptz, _>(pieces.since())
    .load(conn)?;
    let mut allowed = Series::new("VALID", pieces.starts.len());
    let mut refused: Vec<Series> = Vec::new();
    for count in counts {
        // The first piece is number one.
        let Some(piece) = usize::try_from(count.piece).ok().and_then(|piece| piece.checked_sub(1))
        else {
            continue;
        };
        let series = if count.code == "VALID" {
            &mut allowed
        } else if let Some(known) = refused.iter().position(|series| series.code == count.code) {
            &mut refused[known]
        } else {
            refused.push(Series::new(&count.code, pieces.starts.len()));
            let last = refused.len() - 1;
            &mut refused[last]
        };
        series.counts[piece] += count.requests;
    }
    refused.sort_by(|one, other| {
        other.total().cmp(&one.total()).then_with(|| one.code.cmp(&other.code))
    });
    Ok(Chart { pieces, allowed, refused })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn an_hour_has_sixty_minutes_and_a_day_twenty_four_hours() {
        let now = at("2026-11-29T10:20:30Z");
        let hour = Pieces::of(Range::Hour, now, Tz::UTC);
        assert_eq!(hour.starts.len(), 60);
        assert_eq!(hour.since(), at("2026-11-29T09:21:00Z"));
        assert_eq!(hour.starts.last(), Some(&at("2026-11-29T10:20:00Z")));
        let day = Pieces::of(Range::Day, now, Tz::UTC);
        assert_eq!(day.starts.len(), 24);
        assert_eq!(day.since(), at("2026-11-28T11:00:00Z"));
    }

    #[test]
    fn days_begin_at_the_midnight_of_the_viewer_also_over_a_change_of_the_clocks() {
        let month = Pieces::of(Range::Month, at("2026-11-02T23:30:00Z"), Tz::Europe__Berlin);
        assert_eq!(month.starts.len(), 30);
        assert_eq!(month.starts.last(), Some(&at("2026-11-02T23:00:00Z")), "already the third");
        assert_eq!(month.since(), at("2026-10-04T22:00:00Z"), "in summer");
        assert!(month.starts.is_sorted());
    }

    #[test]
    fn where_midnight_is_at_half_past_days_are_those_of_utc() {
        let month = Pieces::of(Range::Month, at("2026-11-02T23:30:00Z"), Tz::Asia__Kolkata);
        assert_eq!(month.zone, Tz::UTC);
        assert_eq!(month.starts.last(), Some(&at("2026-11-02T00:00:00Z")));
    }

    #[test]
    fn only_what_is_offered_is_a_range() {
        assert!(matches!(Range::parse(""), Ok(Range::Month)));
        for range in Range::ALL {
            assert_eq!(Range::parse(range.slug()).unwrap(), range);
        }
        for wrong in ["week", "HOUR", "1", "'"] {
            assert!(Range::parse(wrong).is_err(), "{wrong}");
        }
    }
}
