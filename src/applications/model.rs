//! What an application is.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::schema::applications;

/// What keys belong to. Its App Secret is stored as a hash only.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = applications, check_for_backend(diesel::pg::Pg))]
pub struct Application {
    pub id: i64,
    /// `app_` and 16 base62 characters: safe to share.
    pub app_id: String,
    pub name: String,
    pub secret_created_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
}

impl Application {
    /// Its page.
    pub fn address(&self) -> String {
        format!("/applications/{}", self.app_id)
    }

    /// The list of its keys.
    pub fn keys_address(&self) -> String {
        format!("/keys?application={}", self.app_id)
    }
}
