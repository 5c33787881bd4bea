//! A fortnight of requests: quiet nights, busy middays, half as much at weekends, some of it refused.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{
    PgConnection, RunQueryDsl, sql_query,
    sql_types::{BigInt, Double, Text, Timestamptz},
};

use crate::{error::AppResult, usage};

/// What a key's callers did.
pub struct Traffic {
    pub key_id: i64,
    /// Requests a minute in the busiest hour.
    pub peak: f64,
    pub began: DateTime<Utc>,
    /// When the key was asked about last.
    pub ended: DateTime<Utc>,
    /// From when on it was refused every time, if it was.
    pub dead: Option<DateTime<Utc>>,
    pub refusal: &'static str,
    /// Which part of the requests was refused.
    pub refused: f64,
}

/// Writes it, minute by minute; to keys that are asked rarely, ten minutes by ten. What is older than minutes are kept is
/// written by the hour.
pub fn write(conn: &mut PgConnection, traffic: &Traffic, now: DateTime<Utc>) -> AppResult<()> {
    let fortnight = now - TimeDelta::days(14);
    let dead = traffic.dead.unwrap_or(now).min(traffic.ended.max(fortnight));
    let step: i64 = if traffic.peak < 5.0 { 10 } else { 1 };
    let span = |code, from: DateTime<Utc>, to, share| Span { code, from, to, share };
    let spans = [
        span("VALID", traffic.began.max(fortnight), dead, 1.0 - traffic.refused),
        match traffic.dead {
            Some(dead) => span(traffic.refusal, dead.max(fortnight), now, traffic.refused),
            None => span(traffic.refusal, traffic.began.max(fortnight), dead, traffic.refused),
        },
    ];
    for span in spans.iter().filter(|span| span.share > 0.0 && span.from < span.to) {
        sql_query(
            "with asked as (
                 select minute, floor($3 * (0.06 + exp(-power((hour - 13.5) / 4.2, 2)))
                     * case when extract(isodow from minute) > 5 then 0.5 else 1 end
                     * (0.6 + 0.8 * random()) + random())::bigint as requests
                 from (
                     select minute, extract(hour from minute) + extract(minute from minute) / 60 as hour
                     from generate_series(
                         date_trunc('hour', $4), $5 - interval '1 minute', $6 * interval '1 minute'
                     ) as minute
                     where minute >= $4
                 ) as clock
             ), older as (
                 insert into usage_hours (key_id, hour, code, requests)
                 select $1, date_trunc('hour', minute, 'UTC'), $2, sum(requests)::bigint
                 from asked where requests > 0 and minute < $7 group by 2
                 on conflict (key_id, hour, code) do update set requests = usage_hours.requests + excluded.requests
             )
             insert into usage_minutes (key_id, minute, code, requests)
             select $1, minute, $2, requests from asked where requests > 0 and minute >= $7",
        )
        .bind::<BigInt, _>(traffic.key_id)
        .bind::<Text, _>(span.code)
        .bind::<Double, _>(traffic.peak * step as f64 * span.share)
        .bind::<Timestamptz, _>(span.from)
        .bind::<Timestamptz, _>(span.to)
        .bind::<BigInt, _>(step)
        .bind::<Timestamptz, _>(usage::minutes_from(now))
        .execute(conn)?;
    }
    Ok(())
}

/// Adds up what was written, as if it had been rolled up all the time.
pub fn add_up(conn: &mut PgConnection, now: DateTime<Utc>) -> AppResult<()> {
    sql_query(
        "insert into usage_totals_hours (hour, environment_id, code, requests)
         select hour, environment_id, code, sum(requests)::bigint
         from usage_hours join keys on keys.id = key_id group by 1, 2, 3",
    )
    .execute(conn)?;
    sql_query("update usage_progress set hours_from = $1")
        .bind::<Timestamptz, _>(usage::minutes_from(now))
        .execute(conn)?;
    Ok(())
}

struct Span {
    code: &'static str,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    share: f64,
}
