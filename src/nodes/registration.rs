//! A process among the others of the installation: it says that it is there, what it has applied, and when it goes.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::{
    PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{Array, BigInt, Double, Text, Timestamptz, Uuid as SqlUuid},
};
use uuid::Uuid;

use crate::{config::Config, error::AppResult};

/// A node that was not seen for so long answers nothing from memory any more, whatever it has missed: facts are used
/// for a minute at most, and the rest is for the beat and the transaction that were under way.
pub const SILENT_AFTER: Duration = Duration::from_secs(65);

/// What a node says of itself with each beat.
pub struct Status {
    /// How many keys it remembers.
    pub cached_keys: usize,
    /// How it counts rate limits, as a sentence without its full stop.
    pub limits: String,
}

/// This process, as the others see it. Written on the connection that hears of changes: a node that is seen hears.
pub struct Registration {
    pub id: Uuid,
    name: String,
    address: String,
    started_at: DateTime<Utc>,
    status: Box<dyn Fn() -> Status + Send>,
}

impl Registration {
    /// Of a process that listens where `config` says. Nothing is written yet.
    pub fn new(config: &Config, status: impl Fn() -> Status + Send + 'static) -> Self {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let name = config.node_name.clone();
        Self {
            id: Uuid::new_v4(),
            name: name.unwrap_or_else(|| format!("{host}:{}", config.listen.port())),
            address: config.listen.to_string(),
            started_at: Utc::now(),
            status: Box::new(status),
        }
    }

    /// It is there, and has applied every change that is visible in that snapshot. What cannot be written now will be
    /// written with the next beat: hearing of changes matters more.
    pub fn beat(&self, conn: &mut PgConnection, applied: &str) {
        let Status { cached_keys, limits } = (self.status)();
        let written = sql_query(
            "insert into nodes (id, name, address, version, started_at, began, applied, cached_keys, limits) \
             values ($1, $2, $3, $4, $5, $6, $6, $7, $8) \
             on conflict (id) do update set seen_at = clock_timestamp(), applied = excluded.applied, \
                cached_keys = excluded.cached_keys, limits = excluded.limits",
        )
        .bind::<SqlUuid, _>(self.id)
        .bind::<Text, _>(&self.name)
        .bind::<Text, _>(&self.address)
        .bind::<Text, _>(env!("CARGO_PKG_VERSION"))
        .bind::<Timestamptz, _>(self.started_at)
        .bind::<Text, _>(applied)
        .bind::<BigInt, _>(i64::try_from(cached_keys).unwrap_or(i64::MAX))
        .bind::<Text, _>(limits)
        .execute(conn);
        note(written, "the node could not say that it is there");
    }

    /// It has applied these changes of keys, now. Says how long after each of them was made.
    pub fn applied(&self, conn: &mut PgConnection, changes: &[i64]) -> Vec<Duration> {
        #[derive(QueryableByName)]
        struct Took {
            #[diesel(sql_type = Double)]
            seconds: f64,
        }
        let written: QueryResult<Vec<Took>> = sql_query(
            "with receipts as (insert into change_receipts (change_id, node_id) \
                select id, $1 from changes where id = any($2) on conflict do nothing returning change_id, applied_at) \
             select extract(epoch from applied_at - at)::float8 as seconds \
             from receipts join changes on changes.id = change_id",
        )
        .bind::<SqlUuid, _>(self.id)
        .bind::<Array<BigInt>, _>(changes)
        .load(conn);
        let took = note(written, "the node could not say what it has applied").unwrap_or_default();
        took.into_iter().map(|took| Duration::from_secs_f64(took.seconds.max(0.0))).collect()
    }

    /// It answers nothing any more.
    pub fn leave(&self, conn: &mut PgConnection) {
        let written =
            sql_query("delete from nodes where id = $1").bind::<SqlUuid, _>(self.id).execute(conn);
        note(written, "the node could not say that it ends");
    }
}

fn note<T>(written: QueryResult<T>, what: &str) -> Option<T> {
    written.inspect_err(|error| tracing::warn!(%error, "{what}")).ok()
}

/// Removes nodes that vanished a day ago, or that came back under their name.
///
/// # Errors
/// When Postgres refuses.
pub fn sweep(conn: &mut PgConnection) -> AppResult<()> {
    sql_query(
        "delete from nodes where seen_at < now() - interval '1 day' \
            or seen_at < now() - interval '10 minutes' and exists (select from nodes newer \
                where newer.name = nodes.name and newer.address = nodes.address \
                    and newer.started_at > nodes.started_at)",
    )
    .execute(conn)?;
    Ok(())
}
