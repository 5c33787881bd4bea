//! What something verified against has become: written by triggers in the transaction that changes it, whoever makes
//! the change. `NOTIFY` tells of it at once; whoever missed that reads the table.

use diesel::{PgConnection, RunQueryDsl, sql_query};

use crate::error::AppResult;

/// The channel all processes listen on.
pub const CHANNEL: &str = "latchkey_changes";

/// For so many days changes are kept. A process that was away for longer has to begin anew.
pub const KEPT_DAYS: i64 = 30;

/// What changed, by the row's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Key(i64),
    /// Many at once.
    Keys(Vec<i64>),
    Gateway(i64),
    Application(i64),
    /// Environments, sections or permissions: whatever any key may do can be different now.
    Catalogue,
    /// A table was emptied by hand: no row is left to be named.
    Everything,
}

/// A change as it was written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noted {
    pub id: i64,
    pub change: Change,
}

impl Change {
    /// From a row of the table; `None` for one that a newer version knows.
    pub fn of(what: &str, row_id: i64) -> Option<Self> {
        match what {
            "key" => Some(Self::Key(row_id)),
            "gateway" => Some(Self::Gateway(row_id)),
            "application" => Some(Self::Application(row_id)),
            "catalogue" => Some(Self::Catalogue),
            "everything" => Some(Self::Everything),
            _ => None,
        }
    }
}

impl Noted {
    /// Reads a notification, `key:42@7`; `None` for one that another version sent.
    pub fn parse(payload: &str) -> Option<Self> {
        let (what, ids) = payload.split_once(':')?;
        let (row_id, id) = ids.split_once('@')?;
        Some(Self { id: id.parse().ok()?, change: Change::of(what, row_id.parse().ok()?)? })
    }
}

/// Removes what was written down by transactions that have yet to begin: a dump brought it from another cluster, whose
/// numbers were higher. It would be news for ever, and in the way of those who get these numbers.
///
/// # Errors
/// When Postgres refuses.
pub fn remove_impossible(conn: &mut PgConnection) -> AppResult<()> {
    sql_query(
        "delete from changes where xid >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint",
    )
    .execute(conn)?;
    Ok(())
}

/// Removes what nobody has to read any more.
///
/// # Errors
/// When Postgres refuses.
pub fn sweep(conn: &mut PgConnection) -> AppResult<()> {
    remove_impossible(conn)?;
    sql_query("delete from changes where at < now() - make_interval(days => $1)")
        .bind::<diesel::sql_types::Integer, _>(KEPT_DAYS as i32)
        .execute(conn)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_names_the_change_and_where_it_is_written_down() {
        for (payload, change) in [
            ("key:42@7", Change::Key(42)),
            ("gateway:1@7", Change::Gateway(1)),
            ("application:3@7", Change::Application(3)),
            ("catalogue:0@7", Change::Catalogue),
            ("everything:0@7", Change::Everything),
        ] {
            assert_eq!(Noted::parse(payload), Some(Noted { id: 7, change }));
        }
        for payload in ["comet:1@7", "key:42", "key:x@7", "key:1@", "catalogue", ""] {
            assert_eq!(Noted::parse(payload), None, "{payload}");
        }
    }
}
