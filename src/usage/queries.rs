//! Numbers for pages.

use std::collections::HashMap;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use diesel::{
    PgConnection, QueryableByName, RunQueryDsl,
    sql_types::{Array, BigInt, Date, Text, Timestamptz},
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

/// The last `days` days up to `today`, oldest first, days without requests included.
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
        "select (minute at time zone 'UTC')::date as date, \
            coalesce(sum(requests) filter (where code = 'VALID'), 0)::bigint as valid, \
            coalesce(sum(requests) filter (where code <> 'VALID'), 0)::bigint as refused \
         from usage_minutes where key_id = $1 and minute >= $2 group by 1",
    )
    .bind::<BigInt, _>(key_id)
    .bind::<Timestamptz, _>(first.and_time(NaiveTime::MIN).and_utc())
    .load(conn)?;
    let busy: HashMap<NaiveDate, Day> = busy.into_iter().map(|day| (day.date, day)).collect();
    let on = |date| busy.get(&date).copied().unwrap_or(Day { date, valid: 0, refused: 0 });
    Ok(dates.into_iter().map(on).collect())
}

/// What happened to a key since then.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn totals_since(
    conn: &mut PgConnection,
    key_id: i64,
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
        "select code, sum(requests)::bigint as requests from usage_minutes \
         where key_id = $1 and minute >= $2 group by code order by 2 desc, 1",
    )
    .bind::<BigInt, _>(key_id)
    .bind::<Timestamptz, _>(since)
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
        "select key_id, sum(requests)::bigint as requests from usage_minutes \
         where key_id = any($1) and minute >= $2 and code = 'VALID' group by key_id",
    )
    .bind::<Array<BigInt>, _>(key_ids)
    .bind::<Timestamptz, _>(since)
    .load(conn)?;
    Ok(counts.into_iter().map(|count| (count.key_id, count.requests)).collect())
}
