//! Whose credentials are.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::{
    PgConnection, QueryableByName, RunQueryDsl,
    sql_types::{Array, BigInt, Binary, Nullable, Text, Timestamptz},
};

use super::scan::Candidate;
use crate::{credentials::SecretHash, error::AppResult};

/// Whose a credential is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// `ends_at`: when a regeneration ends or ended the secret.
    Key {
        id: i64,
        secret_id: i64,
        ends_at: Option<DateTime<Utc>>,
    },
    Application {
        id: i64,
    },
    Gateway {
        id: i64,
    },
}

impl Whose {
    /// Whether it is the secret of a key that has been replaced and does not work any more.
    pub fn is_replaced(&self, now: DateTime<Utc>) -> bool {
        matches!(self, Self::Key { ends_at: Some(at), .. } if *at <= now)
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Binary)]
    hash: Vec<u8>,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    secret_id: Option<i64>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    ends_at: Option<DateTime<Utc>>,
}

/// Whose these are, as far as they are anybody's here: keys that were deleted, applications that are archived and
/// gateways that were revoked included. One query, however many there are.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn whose<'a>(
    conn: &mut PgConnection,
    candidates: impl Iterator<Item = &'a Candidate>,
) -> AppResult<HashMap<SecretHash, Whose>> {
    let hashes: Vec<&[u8]> = candidates.map(|candidate| candidate.hash.as_bytes()).collect();
    if hashes.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<Row> = diesel::sql_query(
        "select hash, 'key' as kind, key_id as id, id as secret_id, ends_at \
           from key_secrets where hash = any($1) \
         union all select secret_hash, 'application', id, null, null \
           from applications where secret_hash = any($1) \
         union all select token_hash, 'gateway', id, null, null \
           from gateways where token_hash = any($1)",
    )
    .bind::<Array<Binary>, _>(hashes)
    .load(conn)?;
    Ok(rows.into_iter().filter_map(Row::read).collect())
}

impl Row {
    fn read(self) -> Option<(SecretHash, Whose)> {
        let id = self.id;
        let whose = match (self.kind.as_str(), self.secret_id) {
            ("key", Some(secret_id)) => Whose::Key { id, secret_id, ends_at: self.ends_at },
            ("application", _) => Whose::Application { id },
            _ => Whose::Gateway { id },
        };
        Some((SecretHash::stored(&self.hash)?, whose))
    }
}
