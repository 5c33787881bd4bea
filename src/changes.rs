//! Telling every process that something verified against has changed. `NOTIFY` is delivered when the transaction
//! commits, so whoever hears of a change can already read it.

use diesel::{PgConnection, RunQueryDsl, sql_types::Text};

use crate::error::AppResult;

/// The channel all processes listen on.
pub const CHANNEL: &str = "latchkey_changes";

/// So many keys are named in one notification: Postgres takes less than 8000 bytes, and an id has 19 digits at most.
const MOST: usize = 350;

/// What changed, by the row's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Key(i64),
    /// Many at once, announced in few notifications.
    Keys(Vec<i64>),
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
        if let Self::Keys(ids) = &self
            && ids.len() > MOST
        {
            return ids.chunks(MOST).try_for_each(|some| Self::Keys(some.to_vec()).announce(conn));
        }
        diesel::sql_query("select pg_notify($1, $2)")
            .bind::<Text, _>(CHANNEL)
            .bind::<Text, _>(self.to_payload())
            .execute(conn)?;
        Ok(())
    }

    fn to_payload(&self) -> String {
        match self {
            Self::Key(id) => format!("key:{id}"),
            Self::Keys(ids) => {
                let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
                format!("keys:{}", ids.join(","))
            }
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
        if what == "keys" {
            let ids: Result<Vec<i64>, _> = id.split(',').map(str::parse).collect();
            return ids.ok().map(Self::Keys);
        }
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
        for change in [
            Change::Key(42),
            Change::Keys(vec![1, 2, 3]),
            Change::Gateway(1),
            Change::Application(7),
            Change::Catalogue,
        ] {
            assert_eq!(Change::parse(&change.to_payload()), Some(change));
        }
        assert_eq!(Change::parse("comet:1"), None);
        assert_eq!(Change::parse("key:x"), None);
        assert_eq!(Change::parse("keys:1,x"), None);
    }

    #[test]
    fn a_notification_is_never_longer_than_postgres_takes() {
        assert!(Change::Keys(vec![i64::MAX; MOST]).to_payload().len() < 8000);
    }
}
