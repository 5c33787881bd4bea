//! Telling every process that something verified against has changed. `NOTIFY` is delivered when the transaction
//! commits, so whoever hears of a change can already read it.

use diesel::{
    PgConnection, RunQueryDsl,
    sql_types::{Array, BigInt, Text},
};

use crate::error::AppResult;

/// The channel all processes listen on.
pub const CHANNEL: &str = "latchkey_changes";

/// What changed, by the row's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Key(i64),
    Gateway(i64),
    Application(i64),
    /// Environments, sections or permissions: whatever any key may do can be different now.
    Catalogue,
}

impl Change {
    /// Says so when the current transaction commits.
    ///
    /// # Errors
    /// When Postgres refuses.
    pub fn announce(self, conn: &mut PgConnection) -> AppResult<()> {
        diesel::sql_query("select pg_notify($1, $2)")
            .bind::<Text, _>(CHANNEL)
            .bind::<Text, _>(self.to_payload())
            .execute(conn)?;
        Ok(())
    }

    /// Says so of many keys in one statement.
    ///
    /// # Errors
    /// As [`Change::announce`].
    pub fn announce_keys(conn: &mut PgConnection, ids: &[i64]) -> AppResult<()> {
        diesel::sql_query("select pg_notify($1, 'key:' || id) from unnest($2) as changed (id)")
            .bind::<Text, _>(CHANNEL)
            .bind::<Array<BigInt>, _>(ids)
            .execute(conn)?;
        Ok(())
    }

    fn to_payload(self) -> String {
        match self {
            Self::Key(id) => format!("key:{id}"),
            Self::Gateway(id) => format!("gateway:{id}"),
            Self::Application(id) => format!("application:{id}"),
            Self::Catalogue => "catalogue".into(),
        }
    }

    /// Reads a notification; `None` for one that a newer version sent.
    pub fn parse(payload: &str) -> Option<Self> {
        if payload == "catalogue" {
            return Some(Self::Catalogue);
        }
        let (what, id) = payload.split_once(':')?;
        let id = id.parse().ok()?;
        match what {
            "key" => Some(Self::Key(id)),
            "gateway" => Some(Self::Gateway(id)),
            "application" => Some(Self::Application(id)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_announced_is_understood() {
        for change in
            [Change::Key(42), Change::Gateway(1), Change::Application(7), Change::Catalogue]
        {
            assert_eq!(Change::parse(&change.to_payload()), Some(change));
        }
        assert_eq!(Change::parse("comet:1"), None);
        assert_eq!(Change::parse("key:x"), None);
    }
}
