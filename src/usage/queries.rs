//! Numbers for pages.

use std::collections::HashMap;

use chrono::{DateTime, Days, DurationRound, NaiveDate, NaiveTime, TimeDelta, Utc};
use diesel::{
    PgConnection, QueryableByName, RunQueryDsl,
    sql_types::{Array, BigInt, Date, Integer, Text, Timestamptz},
};

use crate::error::AppResult;

/// A day (UTC) of a key's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Day {
    #[diesel(sql_type = Date)]
    pub date: NaiveDate,
    #[diesel(sql_type = BigInt)]
    pub valid: i64,
    #[diesel(sql_type = BigInt)]
    pub refused: i64,
}

/// What happened to a key since some time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    pub valid: i64,
    pub refused: i64,
    /// Requests by verdict, most frequent first.
    pub by_code: Vec<(String, i64)>,
}

/// The last `days` days of UTC up to `today`, oldest first, days without requests included.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn by_day(
    conn: &mut PgConnection,
    key_id: i64,
    days: u64,
    today: NaiveDate,
) -> AppResult<Vec<Day>> {
    let dates: Vec<NaiveDate> =
        (0..days).rev().filter_map(|ago| today.checked_sub_days(Days::new(ago))).collect();
    let Some(first) = dates.first() else { return Ok(Vec::new()) };
    let busy: Vec<Day> = diesel::sql_query(
        "select (at at time zone 'UTC')::date as date, \
            coalesce(sum(requests) filter (where code = 'VALID'), 0)::bigint as valid, \
            coalesce(sum(requests) filter (where code <> 'VALID'), 0)::bigint as refused \
         from usage_counts where key_id = $1 and at >= $2 group by 1",
    )
    .bind::<BigInt, _>(key_id)
    .bind::<Timestamptz, _>(first.and_time(NaiveTime::MIN).and_utc())
    .load(conn)?;
    let busy: HashMap<NaiveDate, Day> = busy.into_iter().map(|day| (day.date, day)).collect();
    let on = |date| busy.get(&date).copied().unwrap_or(Day { date, valid: 0, refused: 0 });
    Ok(dates.into_iter().map(on).collect())
}

/// From when on to read: what is counted by the hour belongs to its hour, so the whole hour is taken rather than none
/// of it.
fn from(since: DateTime<Utc>) -> DateTime<Utc> {
    let is_by_minute = since >= Utc::now() - super::MINUTES_KEPT;
    let hour = || since.duration_trunc(TimeDelta::hours(1)).unwrap_or(since);
    if is_by_minute { since } else { hour() }
}

/// What happened to a key since then; if that is longer ago than an hour, since the beginning of that hour.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn totals_since(
    conn: &mut PgConnection,
    key_id: i64,
    since: DateTime<Utc>,
) -> AppResult<Totals> {
    totals_of(conn, &[key_id], since)
}

/// [`totals_since`] of several keys together.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn totals_of(
    conn: &mut PgConnection,
    key_ids: &[i64],
    since: DateTime<Utc>,
) -> AppResult<Totals> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = Text)]
        code: String,
        #[diesel(sql_type = BigInt)]
        requests: i64,
    }
    let counts: Vec<Count> = diesel::sql_query(
        "select code, sum(requests)::bigint as requests from usage_counts \
         where key_id = any($1) and at >= $2 group by code order by 2 desc, 1",
    )
    .bind::<Array<BigInt>, _>(key_ids)
    .bind::<Timestamptz, _>(from(since))
    .load(conn)?;
    let (valid, refused): (Vec<&Count>, Vec<&Count>) =
        counts.iter().partition(|count| count.code == "VALID");
    let sum = |counts: Vec<&Count>| counts.iter().map(|count| count.requests).sum();
    Ok(Totals {
        valid: sum(valid),
        refused: sum(refused),
        by_code: counts.into_iter().map(|count| (count.code, count.requests)).collect(),
    })
}

/// How many requests each of these keys was answered since then; those without any are left out.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn valid_since(
    conn: &mut PgConnection,
    key_ids: &[i64],
    since: DateTime<Utc>,
) -> AppResult<HashMap<i64, i64>> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        key_id: i64,
        #[diesel(sql_type = BigInt)]
        requests: i64,
    }
    let counts: Vec<Count> = diesel::sql_query(
        "select key_id, sum(requests)::bigint as requests from usage_counts \
         where key_id = any($1) and at >= $2 and code = 'VALID' group by key_id",
    )
    .bind::<Array<BigInt>, _>(key_ids)
    .bind::<Timestamptz, _>(from(since))
    .load(conn)?;
    Ok(counts.into_iter().map(|count| (count.key_id, count.requests)).collect())
}

/// Those of these keys that anything was asked about since then, whatever the answer was. Not for longer than an hour.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn asked_about(
    conn: &mut PgConnection,
    key_ids: &[i64],
    since: DateTime<Utc>,
) -> AppResult<Vec<i64>> {
    #[derive(QueryableByName)]
    struct Asked {
        #[diesel(sql_type = BigInt)]
        key_id: i64,
    }
    let asked: Vec<Asked> = diesel::sql_query(
        "select distinct key_id from usage_minutes where key_id = any($1) and minute > $2",
    )
    .bind::<Array<BigInt>, _>(key_ids)
    .bind::<Timestamptz, _>(since - TimeDelta::minutes(1))
    .load(conn)?;
    Ok(asked.into_iter().map(|asked| asked.key_id).collect())
}

/// Whether anything was asked about one of these keys since then, whatever the answer was. Not for longer than an hour.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn were_asked_about(
    conn: &mut PgConnection,
    key_ids: &[i64],
    since: DateTime<Utc>,
) -> AppResult<bool> {
    let asked = diesel::sql_query(
        "select from usage_minutes where key_id = any($1) and minute > $2 limit 1",
    )
    .bind::<Array<BigInt>, _>(key_ids)
    .bind::<Timestamptz, _>(since - TimeDelta::minutes(1))
    .execute(conn)?;
    Ok(asked > 0)
}

/// The last hours of a key, for a line in a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hours {
    /// Requests of each of the last 24 hours, oldest first.
    pub valid: [i64; 24],
    pub refused: [i64; 24],
}

/// The last 24 hours of each of these keys, the present one included; those without requests are left out.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn hours_of(
    conn: &mut PgConnection,
    key_ids: &[i64],
    now: DateTime<Utc>,
) -> AppResult<HashMap<i64, Hours>> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        key_id: i64,
        #[diesel(sql_type = Integer)]
        hour: i32,
        #[diesel(sql_type = BigInt)]
        valid: i64,
        #[diesel(sql_type = BigInt)]
        refused: i64,
    }
    let first = now.duration_trunc(TimeDelta::hours(1)).unwrap_or(now) - TimeDelta::hours(23);
    let counts: Vec<Count> = diesel::sql_query(
        "select key_id, (extract(epoch from at - $2) / 3600)::int as hour, \
            coalesce(sum(requests) filter (where code = 'VALID'), 0)::bigint as valid, \
            coalesce(sum(requests) filter (where code <> 'VALID'), 0)::bigint as refused \
         from (select key_id, date_trunc('hour', at, 'UTC') as at, code, requests from usage_counts \
            where key_id = any($1) and at >= $2) as counted \
         group by 1, 2",
    )
    .bind::<Array<BigInt>, _>(key_ids)
    .bind::<Timestamptz, _>(first)
    .load(conn)?;
    let mut hours: HashMap<i64, Hours> = HashMap::new();
    for count in counts {
        let Ok(hour @ 0..24) = usize::try_from(count.hour) else { continue };
        let of_key = hours.entry(count.key_id).or_default();
        of_key.valid[hour] = count.valid;
        of_key.refused[hour] = count.refused;
    }
    Ok(hours)
}
