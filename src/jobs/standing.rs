//! Numbers for Prometheus, read by the keeper now and then: whoever asks for them does not ask Postgres.

use std::collections::BTreeMap;

use diesel::{
    PgConnection, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{BigInt, Bool, Double, Text},
};

use super::{Kind, State};
use crate::error::AppResult;

/// How the queue stands, and what this node did.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Jobs that have not ended, of the cluster, by kind; zero where there are none.
    pub open: Vec<(&'static str, &'static str, i64)>,
    /// Seconds since the oldest of those that wait could have begun.
    pub oldest_waiting: f64,
    /// Attempts that ended on this node, by kind and how.
    pub ended: BTreeMap<(&'static str, &'static str), u64>,
}

#[derive(QueryableByName)]
struct Open {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Bool)]
    runs: bool,
    #[diesel(sql_type = BigInt)]
    count: i64,
    #[diesel(sql_type = Double)]
    waits: f64,
}

/// How an attempt can end, as metrics spell it.
const OUTCOMES: [&str; 4] = ["done", "failed", "cancelled", "handed_on"];

impl Default for Standing {
    /// Nothing has happened yet; every number is there.
    fn default() -> Self {
        let of_each = |(_, kind, _): (Kind, &'static str, &'static str)| {
            OUTCOMES.map(|outcome| ((kind, outcome), 0))
        };
        let ended = Kind::ALL.into_iter().flat_map(of_each).collect();
        Self { open: open(&[]), oldest_waiting: 0.0, ended }
    }
}

fn open(rows: &[Open]) -> Vec<(&'static str, &'static str, i64)> {
    Kind::ALL
        .iter()
        .flat_map(|(_, kind, _)| [(*kind, State::Queued), (*kind, State::Running)])
        .map(|(kind, state)| {
            let is_it = |row: &&Open| row.kind == kind && row.runs == (state == State::Running);
            (kind, state.slug(), rows.iter().find(is_it).map_or(0, |row| row.count))
        })
        .collect()
}

impl Standing {
    /// Reads how the queue stands. What is planned for later does not wait.
    ///
    /// # Errors
    /// When Postgres cannot be asked.
    pub(super) fn read(&mut self, conn: &mut PgConnection) -> AppResult<()> {
        let rows: Vec<Open> = sql_query(
            "select kind, coalesce(leased_until > clock_timestamp(), false) as runs, count(*) as count, \
                coalesce(extract(epoch from clock_timestamp() - min(run_at)), 0)::float8 as waits \
             from jobs where ended_at is null group by 1, 2",
        )
        .load(conn)?;
        self.open = open(&rows);
        let waiting = rows.iter().filter(|row| !row.runs).map(|row| row.waits);
        self.oldest_waiting = waiting.fold(0.0, f64::max);
        Ok(())
    }
}
