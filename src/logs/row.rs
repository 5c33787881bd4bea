//! What is kept of a request.

use std::{borrow::Cow, mem};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use ipnet::IpNet;
use uuid::{Builder, Uuid};

use super::{
    log::{Answered, Told},
    words::{LONGEST, path, tame},
};
use crate::schema::request_logs;

/// Methods that anybody uses are shorter.
const LONGEST_METHOD: usize = 32;
/// All required scopes together are kept up to this many bytes.
const LONGEST_SCOPES: usize = 1_024;
/// The ids of customers have at most 255 characters of four bytes.
const LONGEST_CUSTOMER: usize = 1_020;

/// A request on its way to the table.
#[derive(Debug, Clone, PartialEq, Insertable)]
#[diesel(table_name = request_logs, check_for_backend(diesel::pg::Pg), treat_none_as_default_value = false)]
pub struct Row {
    pub at: DateTime<Utc>,
    pub id: Uuid,
    pub key_id: Option<i64>,
    pub application_id: Option<i64>,
    pub environment_id: i64,
    pub gateway_id: i64,
    pub stands_for: i32,
    pub took_micros: i32,
    pub code: &'static str,
    pub ip: Option<IpNet>,
    pub endpoint: &'static str,
    pub method: String,
    pub path: String,
    pub customer: Option<String>,
    pub agent: String,
    pub detail: String,
    pub scopes: Vec<String>,
}

impl Row {
    pub fn new(at: DateTime<Utc>, answered: &Answered<'_>, told: &Told<'_>) -> Self {
        Self {
            at,
            id: new_id(at),
            key_id: answered.key_id,
            application_id: answered.application_id,
            environment_id: answered.environment_id,
            gateway_id: answered.gateway_id,
            stands_for: 1,
            took_micros: i32::try_from(answered.took.as_micros()).unwrap_or(i32::MAX),
            code: answered.code,
            ip: answered.ip.map(|ip| IpNet::from(ip.to_canonical())),
            endpoint: answered.endpoint,
            method: tame(&told.method, LONGEST_METHOD),
            path: path(&told.path),
            customer: answered.customer.map(|customer| tame(customer, LONGEST_CUSTOMER)),
            agent: tame(&told.agent, LONGEST),
            detail: tame(answered.detail, LONGEST),
            scopes: tame_scopes(answered.scopes),
        }
    }

    /// How much memory it takes, about.
    pub fn weight(&self) -> usize {
        let texts = [&self.method, &self.path, &self.agent, &self.detail];
        let scopes = self.scopes.iter().map(|scope| scope.len() + mem::size_of::<String>());
        mem::size_of::<Self>()
            + texts.into_iter().map(String::len).sum::<usize>()
            + self.customer.as_ref().map_or(0, String::len)
            + scopes.sum::<usize>()
    }
}

/// As many as there is room for.
fn tame_scopes(scopes: &[Cow<'_, str>]) -> Vec<String> {
    let mut room = LONGEST_SCOPES;
    let mut kept = Vec::with_capacity(scopes.len());
    for scope in scopes {
        let scope = tame(scope, 128);
        let Some(left) = room.checked_sub(scope.len()) else { break };
        room = left;
        kept.push(scope);
    }
    kept
}

/// A UUID of version 7: whoever has it knows when the request was, and can look for it there.
fn new_id(at: DateTime<Utc>) -> Uuid {
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0);
    let random = fastrand::u128(..).to_ne_bytes();
    let mut bytes = [0; 10];
    bytes.copy_from_slice(&random[..10]);
    Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_begins_with_its_time() {
        let at: DateTime<Utc> = "2026-11-29T12:03:04.567Z".parse().unwrap();
        let id = new_id(at);
        assert_eq!(id.get_version_num(), 7);
        assert_eq!((id.as_u128() >> 80) as i64, at.timestamp_millis());
        assert_ne!(id, new_id(at));
    }

    #[test]
    fn scopes_are_kept_as_far_as_there_is_room() {
        let many: Vec<Cow<'_, str>> = (0..99).map(|_| "x".repeat(100).into()).collect();
        assert_eq!(tame_scopes(&many).len(), 10);
        let few: [Cow<'_, str>; 2] = ["orders:read".into(), "a\nb".into()];
        assert_eq!(tame_scopes(&few), ["orders:read", r"a\u{a}b"]);
    }
}
