//! Reading notices with what their words need, whoever they are for: who may know of one is asked where it is sent.

use chrono::{DateTime, Utc};
use diesel::{
    PgConnection, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{Array, BigInt, Jsonb, Nullable, Text, Timestamptz},
};
use serde_json::Value;

use super::{AboutKey, AboutLeak, Kind, Notice};
use crate::error::AppResult;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
    #[diesel(sql_type = Jsonb)]
    details: Value,
    #[diesel(sql_type = Nullable<Text>)]
    public_key: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    key: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    application: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    environment: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    expires_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Text>)]
    reporter: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    outcome: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    credential: Option<String>,
}

/// Those of these ids, the last first. One of a kind that a newer version knows is left out.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn by_ids(conn: &mut PgConnection, ids: &[i64]) -> AppResult<Vec<Notice>> {
    let rows: Vec<Row> = sql_query(
        "select notices.id, notices.kind, notices.at, notices.details, keys.public_key, keys.name as key, \
            applications.name as application, environments.name as environment, keys.expires_at, \
            reporter, outcome, \
            coalesce('The App Secret of ' || leaked.name, 'The token of the gateway ' || gateways.name) as credential \
         from notices \
         left join keys on keys.id = notices.key_id \
         left join applications on applications.id = keys.application_id \
         left join environments on environments.id = keys.environment_id \
         left join leak_reports on leak_reports.id = notices.leak_report_id \
         left join applications leaked on leaked.id = leak_reports.application_id \
         left join gateways on gateways.id = leak_reports.gateway_id \
         where notices.id = any($1) order by notices.id desc",
    )
    .bind::<Array<BigInt>, _>(ids)
    .load(conn)?;
    Ok(rows.into_iter().filter_map(Row::meant).collect())
}

impl Row {
    fn meant(self) -> Option<Notice> {
        let key = match (self.public_key, self.key, self.application, self.environment) {
            (Some(public_key), Some(name), Some(application), Some(environment)) => {
                Some(AboutKey {
                    public_key,
                    name,
                    application,
                    environment,
                    expires_at: self.expires_at,
                })
            }
            _ => None,
        };
        let leak = self.reporter.zip(self.outcome).map(|(reporter, outcome)| AboutLeak {
            reporter,
            credential: self.credential.unwrap_or_default(),
            outcome,
        });
        Some(Notice {
            id: self.id,
            kind: Kind::parse(&self.kind)?,
            at: self.at,
            key,
            days: self.details["days"].as_i64(),
            elsewhere: self.details["elsewhere"].as_str().map(ToOwned::to_owned),
            leak,
        })
    }
}
