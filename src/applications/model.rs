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
    /// When the current App Secret last identified the application.
    pub secret_last_used_at: Option<DateTime<Utc>>,
    /// Off the list and without new keys from then on; its App Secret is refused.
    pub archived_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

impl Application {
    pub fn is_archived(&self) -> bool {
        self.archived_at.is_some()
    }

    /// Its page.
    pub fn address(&self) -> String {
        format!("/applications/{}", self.app_id)
    }

    /// The list of its keys.
    pub fn keys_address(&self) -> String {
        format!("/keys?application={}", self.app_id)
    }
}
