//! Whether this machine and Postgres agree about the time: what ends is written with one clock and judged by another.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query, sql_types::Timestamptz};

use crate::error::AppResult;

/// So far apart they may be.
pub const TOLERATED: TimeDelta = TimeDelta::seconds(2);

/// How far apart the two clocks are at least: how long the answer took says nothing against either.
///
/// # Errors
/// When Postgres does not answer.
pub fn apart(conn: &mut PgConnection) -> AppResult<TimeDelta> {
    #[derive(QueryableByName)]
    struct Theirs {
        #[diesel(sql_type = Timestamptz)]
        now: DateTime<Utc>,
    }
    let before = Utc::now();
    let theirs: Theirs = sql_query("select clock_timestamp() as now").get_result(conn)?;
    Ok(at_least(before, theirs.now, Utc::now()))
}

/// In words, if it is too much.
pub fn complaint(apart: TimeDelta) -> Option<String> {
    (apart > TOLERATED).then(|| {
        let seconds = apart.as_seconds_f64();
        format!("the clock differs from that of Postgres by {seconds:.1} s")
    })
}

fn at_least(before: DateTime<Utc>, theirs: DateTime<Utc>, after: DateTime<Utc>) -> TimeDelta {
    (before - theirs).max(theirs - after).max(TimeDelta::zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apart(before: i64, theirs: i64, after: i64) -> i64 {
        let at = |millis| DateTime::from_timestamp_millis(millis).unwrap();
        at_least(at(before), at(theirs), at(after)).num_milliseconds()
    }

    #[test]
    fn clocks_differ_by_what_the_way_to_postgres_does_not_explain() {
        assert_eq!(apart(10_000, 10_020, 10_050), 0);
        assert_eq!(apart(10_000, 9_000, 10_050), 1_000, "ours is fast");
        assert_eq!(apart(10_000, 13_050, 10_050), 3_000, "ours is slow");
        assert_eq!(apart(10_000, 15_000, 20_000), 0, "a slow answer is no difference");
    }

    #[test]
    fn two_seconds_are_tolerated() {
        assert_eq!(complaint(TOLERATED), None);
        assert_eq!(
            complaint(TimeDelta::milliseconds(120_400)).unwrap(),
            "the clock differs from that of Postgres by 120.4 s"
        );
    }
}
