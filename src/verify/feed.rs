//! Reading the table of changes without ever missing one, in whatever order transactions commit.
//!
//! A snapshot says which transactions had ended when it was taken. What is not visible in the last one and is there
//! now is new, and nothing else is: no clock, no order of ids, no overlap.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{
    PgConnection, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{BigInt, Nullable, Text, Timestamptz},
};

use crate::changes::{self, Change, KEPT_DAYS, Noted};

/// Up to where the changes have been read. Survives the connection.
#[derive(Default)]
pub struct Feed(Option<Place>);

struct Place {
    snapshot: String,
    /// Which history of which database the snapshot belongs to.
    history: String,
    /// By the clock of Postgres.
    read_at: DateTime<Utc>,
}

/// What is new.
#[derive(Debug, PartialEq, Eq)]
pub enum News {
    Noted(Noted),
    /// A change that only a newer version understands.
    Strange,
}

#[derive(QueryableByName)]
struct Here {
    #[diesel(sql_type = Text)]
    snapshot: String,
    #[diesel(sql_type = Text)]
    history: String,
    #[diesel(sql_type = Timestamptz)]
    now: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    snapshot: String,
    #[diesel(sql_type = Timestamptz)]
    now: DateTime<Utc>,
    #[diesel(sql_type = Nullable<BigInt>)]
    id: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    what: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    row_id: Option<i64>,
}

impl Feed {
    /// To be called on every new connection. `true`: it begins here, and what was known before must not be relied on.
    /// `false`: it goes on where it was.
    ///
    /// # Errors
    /// When Postgres does not answer.
    pub fn resume(&mut self, conn: &mut PgConnection) -> anyhow::Result<bool> {
        // A database that was restored, or taken over by a standby, may use numbers of transactions again.
        let here: Here = sql_query(
            "select pg_current_snapshot()::text as snapshot, concat_ws('/', \
                (select oid from pg_database where datname = current_database()), \
                left(pg_walfile_name(pg_current_wal_lsn()), 8)) as history, \
                clock_timestamp() as now",
        )
        .get_result(conn)?;
        let goes_on = self.0.as_ref().is_some_and(|place| {
            place.history == here.history
                && newest(&place.snapshot) <= newest(&here.snapshot)
                && here.now - place.read_at < TimeDelta::days(KEPT_DAYS - 1)
        });
        if goes_on {
            return Ok(false);
        }
        if let Err(error) = changes::remove_impossible(conn) {
            tracing::warn!(?error, "changes that came from another cluster could not be removed");
        }
        self.0 = Some(Place { snapshot: here.snapshot, history: here.history, read_at: here.now });
        Ok(true)
    }

    /// Every change that was committed since the last time. Belongs after [`Feed::resume`].
    ///
    /// # Errors
    /// When Postgres does not answer.
    pub fn read(&mut self, conn: &mut PgConnection) -> anyhow::Result<Vec<News>> {
        let Some(place) = &mut self.0 else { return Ok(Vec::new()) };
        let rows: Vec<Row> = sql_query(
            "select now.snapshot::text as snapshot, clock_timestamp() as now, changes.id, changes.what, changes.row_id \
             from (select pg_current_snapshot() as snapshot) now \
             left join changes on xid >= pg_snapshot_xmin($1::pg_snapshot)::text::bigint \
                and xid < pg_snapshot_xmax(now.snapshot)::text::bigint \
                and not pg_visible_in_snapshot(xid::text::xid8, $1::pg_snapshot) \
             order by changes.id",
        )
        .bind::<Text, _>(&place.snapshot)
        .load(conn)?;
        if let Some(row) = rows.first() {
            place.snapshot.clone_from(&row.snapshot);
            place.read_at = row.now;
        }
        Ok(rows.into_iter().filter_map(Row::news).collect())
    }

    /// When Postgres was asked last, as it said.
    pub fn read_at(&self) -> Option<DateTime<Utc>> {
        self.0.as_ref().map(|place| place.read_at)
    }

    /// Every change that is visible in it has been read.
    pub fn snapshot(&self) -> &str {
        self.0.as_ref().map_or("", |place| &place.snapshot)
    }
}

impl Row {
    fn news(self) -> Option<News> {
        let (id, what, row_id) = (self.id?, self.what?, self.row_id?);
        Some(match Change::of(&what, row_id) {
            Some(change) => News::Noted(Noted { id, change }),
            None => News::Strange,
        })
    }
}

/// The first transaction that had not begun, of `xmin:xmax:running`.
fn newest(snapshot: &str) -> u64 {
    snapshot.split(':').nth(1).and_then(|xmax| xmax.parse().ok()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots_tell_when_they_were_taken() {
        assert!(newest("10:20:10,14") < newest("9:21:9"));
        assert_eq!(newest("nothing"), u64::MAX, "which is never believed to be the past");
    }
}
