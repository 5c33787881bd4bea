//! Asking for a job. It is written in the transaction of whoever asks: undone with it, run only after it.

use chrono::{DateTime, Utc};
use diesel::{PgConnection, prelude::*, sql_query};
use ipnet::IpNet;
use serde_json::json;
use uuid::Uuid;

use super::{Starter, Work, lease::CHANNEL};
use crate::{
    audit::{self, Action, Subject},
    error::AppResult,
    schema::jobs,
    users::{Origin, Viewer},
};

/// Longer titles are cut off.
const LONGEST_TITLE: usize = 300;

/// A job to be asked for.
#[derive(Debug, Clone)]
pub struct NewJob {
    work: Work,
    starter: Starter,
    origin: Origin,
    dedupe_key: Option<String>,
    run_at: Option<DateTime<Utc>>,
}

/// What became of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enqueued {
    /// The job's id, `/jobs/{id}`.
    pub id: i64,
    /// `false`: a job with this dedupe key has not ended yet, and this is that one.
    pub is_new: bool,
}

impl NewJob {
    /// For a person, or the operator: it will do what they may do when it runs, in their name.
    pub fn of(viewer: &Viewer, work: Work) -> Self {
        Self { starter: Starter::of(viewer), origin: viewer.origin, ..Self::system(work) }
    }

    /// For an application, by its id in the database.
    pub fn of_application(application_id: i64, origin: Origin, work: Work) -> Self {
        Self { starter: Starter::Application(application_id), origin, ..Self::system(work) }
    }

    /// For Latchkey itself.
    pub fn system(work: Work) -> Self {
        let origin = Origin::default();
        Self { work, starter: Starter::System, origin, dedupe_key: None, run_at: None }
    }

    /// At most one job with this key is open at any time.
    #[must_use]
    pub fn once(mut self, dedupe_key: impl Into<String>) -> Self {
        self.dedupe_key = Some(dedupe_key.into());
        self
    }

    /// Not before that.
    #[must_use]
    pub fn not_before(mut self, at: DateTime<Utc>) -> Self {
        self.run_at = Some(at);
        self
    }
}

/// Asks for a job, in the transaction that is open. It begins as soon as that is committed.
///
/// # Errors
/// When Postgres refuses.
pub fn enqueue(conn: &mut PgConnection, new: NewJob) -> AppResult<Enqueued> {
    let title: String = new.work.title().chars().take(LONGEST_TITLE).collect();
    let payload = payload_of(&new.work)?;
    let (user_id, application_id) = new.starter.ids();
    loop {
        let id: Option<i64> = diesel::insert_into(jobs::table)
            .values((
                jobs::kind.eq(new.work.kind().slug()),
                jobs::title.eq(&title),
                jobs::payload.eq(&payload),
                jobs::dedupe_key.eq(&new.dedupe_key),
                jobs::starter.eq(new.starter.slug()),
                jobs::user_id.eq(user_id),
                jobs::application_id.eq(application_id),
                jobs::ip.eq(new.origin.ip.map(IpNet::from)),
                jobs::request_id.eq(new.origin.request_id as Option<Uuid>),
                new.run_at.map(|at| jobs::run_at.eq(at)),
            ))
            .on_conflict_do_nothing()
            .returning(jobs::id)
            .get_result(conn)
            .optional()?;
        if let Some(id) = id {
            // Arrives when the transaction is committed, and not at all when it is not.
            sql_query(format!("notify {CHANNEL}")).execute(conn)?;
            return Ok(Enqueued { id, is_new: true });
        }
        let open: Option<i64> = jobs::table
            .filter(jobs::dedupe_key.eq(&new.dedupe_key).and(jobs::ended_at.is_null()))
            .select(jobs::id)
            .first(conn)
            .optional()?;
        if let Some(id) = open {
            return Ok(Enqueued { id, is_new: false });
        }
        // It has just ended: now there is room.
    }
}

/// [`enqueue`] for a person’s own doing: it is in the trail.
///
/// # Errors
/// When Postgres refuses.
pub fn start(conn: &mut PgConnection, viewer: &Viewer, new: NewJob) -> AppResult<Enqueued> {
    let (kind, title) = (new.work.kind().slug(), new.work.title());
    let asked = enqueue(conn, new)?;
    if asked.is_new {
        let subject = Subject { id: &format!("job:{}", asked.id), name: &title };
        audit::record(conn, viewer, Action::JobStarted, subject, json!({ "kind": kind }))?;
    }
    Ok(asked)
}

/// `{}` for a kind that needs to know nothing.
fn payload_of(work: &Work) -> AppResult<serde_json::Value> {
    let mut stored = serde_json::to_value(work).map_err(anyhow::Error::from)?;
    let payload = stored.get_mut("payload").map(serde_json::Value::take);
    Ok(payload.unwrap_or_else(|| json!({})))
}
