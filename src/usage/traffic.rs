//! The last 24 hours of many keys together: by environment and verdict, and which keys were refused.

use std::collections::HashMap;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use diesel::{
    PgConnection, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{Array, BigInt, Integer, Text, Timestamptz},
};

use super::Hours;
use crate::error::AppResult;

/// What was not totalled yet is added up row by row, but not more of it.
const LIVE: i64 = 10_000;
/// Of refusals, the latest so many rows are looked at.
const REFUSALS: i64 = 20_000;
/// The keys that were refused most.
const MOST_REFUSED: i64 = 200;

/// The requests of an environment in the last 24 hours, the present hour included.
#[derive(Debug, Clone, Default)]
pub struct OfEnvironment {
    pub hours: Hours,
    pub by_code: HashMap<String, i64>,
}

impl OfEnvironment {
    pub fn valid(&self) -> i64 {
        self.hours.valid.iter().sum()
    }

    pub fn refused(&self) -> i64 {
        self.hours.refused.iter().sum()
    }
}

/// Whose requests.
#[derive(Debug, Clone, Copy)]
pub enum Whose<'a> {
    /// Of all keys there are.
    Everybodys,
    Of(&'a [i64]),
}

/// The requests of the last 24 hours by the ids of their keys' environments.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn traffic(
    conn: &mut PgConnection,
    whose: Whose<'_>,
    now: DateTime<Utc>,
) -> AppResult<HashMap<i64, OfEnvironment>> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        environment_id: i64,
        #[diesel(sql_type = Integer)]
        hour: i32,
        #[diesel(sql_type = Text)]
        code: String,
        #[diesel(sql_type = BigInt)]
        requests: i64,
    }
    let counted = match whose {
        // Each time is read in one place: hours that are whole, minutes that are totalled, and what came since then.
        Whose::Everybodys => {
            "select environment_id, hour as at, code, requests from usage_totals_hours, usage_progress \
                where hour >= $1 and hour < hours_from \
             union all select environment_id, minute, code, requests from usage_totals_minutes, usage_progress \
                where minute >= greatest(hours_from, $1) and minute < date_trunc('minute', totalled_until) \
             union all (select environment_id, minute, code, requests from usage_minutes join keys on keys.id = key_id \
                where minute >= (select greatest(date_trunc('minute', totalled_until), hours_from, $1) from usage_progress) \
                    and cardinality($2) = 0 \
                order by minute desc limit $3)"
        }
        Whose::Of(_) => {
            "select environment_id, at, code, requests from usage_counts join keys on keys.id = key_id \
             where key_id = any($2) and at >= $1 and $3 > 0"
        }
    };
    let first = now.duration_trunc(TimeDelta::hours(1)).unwrap_or(now) - TimeDelta::hours(23);
    let counts: Vec<Count> = sql_query(format!(
        "select environment_id, (extract(epoch from date_trunc('hour', at, 'UTC') - $1) / 3600)::int as hour, code, \
            sum(requests)::bigint as requests \
         from ({counted}) as counted group by 1, 2, 3"
    ))
    .bind::<Timestamptz, _>(first)
    .bind::<Array<BigInt>, _>(match whose {
        Whose::Everybodys => &[],
        Whose::Of(keys) => keys,
    })
    .bind::<BigInt, _>(LIVE)
    .load(conn)?;
    let mut traffic: HashMap<i64, OfEnvironment> = HashMap::new();
    for count in counts {
        let Ok(hour @ 0..24) = usize::try_from(count.hour) else { continue };
        let there = traffic.entry(count.environment_id).or_default();
        let hours = match count.code.as_str() {
            "VALID" => &mut there.hours.valid,
            _ => &mut there.hours.refused,
        };
        hours[hour] += count.requests;
        *there.by_code.entry(count.code).or_default() += count.requests;
    }
    Ok(traffic)
}

/// How often a key was refused for a reason.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Refused {
    #[diesel(sql_type = BigInt)]
    pub key_id: i64,
    #[diesel(sql_type = Text)]
    pub code: String,
    #[diesel(sql_type = BigInt)]
    pub requests: i64,
}

/// The keys that were refused most in the last 24 hours, by reason. Where there are very many refusals, of the latest.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn refused(
    conn: &mut PgConnection,
    whose: Whose<'_>,
    now: DateTime<Utc>,
) -> AppResult<Vec<Refused>> {
    let which = match whose {
        Whose::Everybodys => "cardinality($2) = 0",
        Whose::Of(_) => "key_id = any($2)",
    };
    Ok(sql_query(format!(
        "with counted as ( \
            select key_id, code, sum(requests) as requests from ( \
                (select key_id, code, requests from usage_hours where code <> 'VALID' and hour >= $1 and {which} \
                    order by hour desc limit $3) \
                union all (select key_id, code, requests from usage_minutes where code <> 'VALID' and minute >= $1 and {which} \
                    order by minute desc limit $3)) as latest \
            group by 1, 2), \
         most as (select key_id from counted group by 1 order by sum(requests) desc limit $4) \
         select key_id, code, requests::bigint from counted join most using (key_id) order by 3 desc, 1, 2"
    ))
    .bind::<Timestamptz, _>(now - TimeDelta::hours(24))
    .bind::<Array<BigInt>, _>(match whose {
        Whose::Everybodys => &[],
        Whose::Of(keys) => keys,
    })
    .bind::<BigInt, _>(REFUSALS)
    .bind::<BigInt, _>(MOST_REFUSED)
    .load(conn)?)
}
