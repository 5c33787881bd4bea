//! A row of the table with what stands beside it, for pages.

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Bool, Jsonb, Nullable, Text, Timestamptz},
};
use serde_json::Value;

use super::{AboutKey, AboutLeak, Kind, Notice};
use crate::keys::EnvironmentName;

/// A notice as the pages show it.
#[derive(Debug, Clone)]
pub struct Shown {
    pub notice: Notice,
    pub environment: Option<EnvironmentName>,
    /// Whether its key still has a page.
    pub has_page: bool,
    pub is_unread: bool,
}

#[derive(QueryableByName)]
pub struct Row {
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
    #[diesel(sql_type = Jsonb)]
    details: Value,
    #[diesel(sql_type = Bool)]
    is_unread: bool,
    #[diesel(sql_type = Nullable<Text>)]
    public_key: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    key_name: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    expires_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Bool)]
    has_page: bool,
    #[diesel(sql_type = Nullable<Text>)]
    application: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    slug: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    environment: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    mode: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    reporter: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    outcome: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    credential: Option<String>,
}

/// `$1`: whose mark tells what is unread.
macro_rules! rows {
    ($($rest:literal),+) => {
        concat!(
            "select notices.id, notices.kind, notices.at, details, \
                notices.id > coalesce((select notices_read_to from users where users.id = $1), 0) as is_unread, \
                public_key, keys.name as key_name, keys.expires_at, \
                public_key is not null and keys.deleted_at is null as has_page, \
                applications.name as application, slug, environments.name as environment, mode, \
                reporter, outcome, \
                coalesce('the App Secret of “' || leaked.name || '”', 'the token of the gateway “' || gateways.name || '”') as credential \
             from notices left join keys on keys.id = notices.key_id \
             left join applications on applications.id = keys.application_id \
             left join environments on environments.id = keys.environment_id \
             left join leak_reports on leak_reports.id = notices.leak_report_id \
             left join applications as leaked on leaked.id = leak_reports.application_id \
             left join gateways on gateways.id = leak_reports.gateway_id ",
            $($rest),+
        )
    };
}
pub(super) use rows;

impl Row {
    /// `None` for a kind that a newer version knows.
    pub fn shown(self) -> Option<Shown> {
        let environment = match (self.slug, &self.environment, self.mode) {
            (Some(slug), Some(name), Some(mode)) => {
                Some(EnvironmentName { slug, name: name.clone(), mode })
            }
            _ => None,
        };
        let key = self.public_key.map(|public_key| AboutKey {
            public_key,
            name: self.key_name.unwrap_or_default(),
            application: self.application.unwrap_or_default(),
            environment: self.environment.unwrap_or_default(),
            expires_at: self.expires_at,
        });
        let leak = self.reporter.map(|reporter| AboutLeak {
            reporter,
            credential: self.credential.unwrap_or_default(),
            outcome: self.outcome.unwrap_or_default(),
        });
        let notice = Notice {
            id: self.id,
            kind: Kind::parse(&self.kind)?,
            at: self.at,
            key,
            days: self.details["days"].as_i64(),
            elsewhere: self.details["elsewhere"].as_str().map(str::to_owned),
            leak,
        };
        Some(Shown { notice, environment, has_page: self.has_page, is_unread: self.is_unread })
    }
}
