//! The job that looks every minute for what there is to notice.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use diesel::{PgConnection, prelude::*};

use super::occasions::{
    AT_ONCE, keys_expire, keys_first_used, keys_used_after_expiry, keys_used_elsewhere,
};
use crate::{
    error::AppResult,
    jobs::{Halt, Running},
    schema::notices_progress,
};

/// Counts come so late: they wait in a node's memory for a second and in the journal for half a minute, on a busy
/// machine longer. What is looked at twice is told once.
const LATE: TimeDelta = TimeDelta::minutes(5);
/// No threshold is passed longer before an expiry.
const FURTHEST: TimeDelta = TimeDelta::days(14);

/// Looks at what happened since the last time.
pub fn run(running: &mut Running<'_>) -> Result<String, Halt> {
    let now = Utc::now();
    let looked_at = running.ask(looked_at)?;
    let (since, passed_after) = (looked_at - LATE, passed_after(looked_at, now));
    while running.step(|conn, _| Ok(keys_expire(conn, passed_after, now)?))? as i64 == AT_ONCE {}
    running.step(|conn, _| {
        keys_used_after_expiry(conn, since, now)?;
        Ok(keys_used_elsewhere(conn, since)?)
    })?;
    while running.step(|conn, _| Ok(keys_first_used(conn)?))? == AT_ONCE {}
    running.step(|conn, _| Ok(has_looked(conn, now)?))?;
    Ok("Looked.".into())
}

/// Everything at once, with what was counted from that instant on: for an installation that was filled in.
///
/// # Errors
/// When Postgres refuses.
pub fn look_back(conn: &mut PgConnection, since: DateTime<Utc>) -> AppResult<()> {
    let now = Utc::now();
    while keys_expire(conn, now - FURTHEST, now)? as i64 == AT_ONCE {}
    keys_used_after_expiry(conn, since, now)?;
    keys_used_elsewhere(conn, since)?;
    while keys_first_used(conn)? == AT_ONCE {}
    Ok(())
}

/// Since when a threshold is new: the last time, a little overlapping; once an hour all of them, for keys that were
/// disabled when theirs was passed and are enabled by now.
fn passed_after(looked_at: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    let hour = |at: DateTime<Utc>| at.duration_trunc(TimeDelta::hours(1)).unwrap_or(at);
    if hour(looked_at) == hour(now) { looked_at - LATE } else { now - FURTHEST }
}

fn looked_at(conn: &mut PgConnection) -> AppResult<DateTime<Utc>> {
    Ok(notices_progress::table.select(notices_progress::looked_at).first(conn)?)
}

fn has_looked(conn: &mut PgConnection, now: DateTime<Utc>) -> AppResult<()> {
    diesel::update(notices_progress::table)
        .set(notices_progress::looked_at.eq(now))
        .execute(conn)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_an_hour_every_threshold_is_looked_at() {
        let at = |minute: i64| DateTime::from_timestamp(1_800_000_000 + minute * 60, 0).unwrap();
        assert_eq!(passed_after(at(1), at(2)), at(1) - LATE);
        assert_eq!(passed_after(at(59), at(60)), at(60) - FURTHEST);
        assert_eq!(passed_after(at(0), at(3_000)), at(3_000) - FURTHEST);
    }
}
