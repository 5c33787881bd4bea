//! A partition for each day (UTC): made ahead, and dropped whole when it is over for long enough.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use diesel::{
    Connection, PgConnection, QueryableByName,
    connection::SimpleConnection,
    prelude::*,
    sql_query,
    sql_types::{Date, Text},
};

use crate::{error::AppResult, schema::request_log_gaps};

/// So many days are made ahead.
const AHEAD: i64 = 2;
/// Nodes that make or drop days at the same time do so one after the other.
const LOCK: &str = "select pg_advisory_xact_lock(hashtext('latchkey request log days'))";

/// Makes the partitions of today and the next two days.
///
/// # Errors
/// When Postgres refuses.
pub fn make_days(conn: &mut PgConnection, today: NaiveDate) -> AppResult<()> {
    let made = sql_query(
        "select from generate_series(0, 2) as ahead where to_regclass('request_logs_' || to_char($1::date + ahead, 'YYYYMMDD')) is null",
    );
    debug_assert_eq!(AHEAD, 2);
    if made.bind::<Date, _>(today).execute(conn)? == 0 {
        return Ok(());
    }
    conn.transaction(|conn| {
        conn.batch_execute(LOCK)?;
        for ahead in 0..=AHEAD {
            sql_query("select make_request_log_day($1)")
                .bind::<Date, _>(today + TimeDelta::days(ahead))
                .execute(conn)?;
        }
        Ok(())
    })
}

/// Forgets what is older than so many days, today not counted; returns the days that were dropped.
///
/// # Errors
/// When Postgres refuses, or somebody reads what is to be dropped for longer than a lock is waited for. What was
/// dropped before stays dropped.
pub fn retain(conn: &mut PgConnection, days: i32) -> AppResult<Vec<NaiveDate>> {
    let first = Utc::now().date_naive() - TimeDelta::days(i64::from(days));
    let old: Vec<NaiveDate> =
        days_there_are(conn)?.into_iter().filter(|day| *day < first).collect();
    for day in &old {
        conn.transaction(|conn| {
            conn.batch_execute(LOCK)?;
            conn.batch_execute(&format!("drop table if exists {}", partition(*day)))
        })?;
    }
    let begins: DateTime<Utc> = first.and_time(NaiveTime::MIN).and_utc();
    sql_query("delete from request_logs_other where at < $1")
        .bind::<diesel::sql_types::Timestamptz, _>(begins)
        .execute(conn)?;
    diesel::delete(request_log_gaps::table.filter(request_log_gaps::minute.lt(begins)))
        .execute(conn)?;
    Ok(old)
}

/// The days that have a partition, the first first.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn days_there_are(conn: &mut PgConnection) -> AppResult<Vec<NaiveDate>> {
    #[derive(QueryableByName)]
    struct Partition {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let partitions: Vec<Partition> = sql_query(
        "select relname::text as name from pg_inherits join pg_class on pg_class.oid = inhrelid \
         where inhparent = 'request_logs'::regclass order by relname",
    )
    .load(conn)?;
    let day = |partition: &Partition| {
        NaiveDate::parse_from_str(partition.name.strip_prefix("request_logs_")?, "%Y%m%d").ok()
    };
    Ok(partitions.iter().filter_map(day).collect())
}

fn partition(day: NaiveDate) -> String {
    format!("request_logs_{}", day.format("%Y%m%d"))
}
