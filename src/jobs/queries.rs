//! Reading jobs. Every question starts at [`visible_to`].

use chrono::{DateTime, Utc};
use diesel::{
    PgConnection,
    dsl::{self, auto_type, sql},
    pg::Pg,
    prelude::*,
    sql_types::{Bool, Nullable, Timestamptz},
};
use serde_json::Value;

use super::{
    Kind, State, Work,
    files::Download,
    filter::{Cursor, Filter, Who},
};
use crate::{
    error::{AppError, AppResult},
    schema::{applications, job_attempts, job_downloads, jobs, users},
    users::Viewer,
};

/// Rows on a page of the list.
pub const PAGE: usize = 25;

/// A job as pages show it.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = jobs, check_for_backend(diesel::pg::Pg))]
pub struct Job {
    pub id: i64,
    pub kind: String,
    pub title: String,
    pub starter: String,
    pub created_at: DateTime<Utc>,
    pub run_at: DateTime<Utc>,
    pub failures: i32,
    pub began_at: Option<DateTime<Utc>>,
    pub leased_until: Option<DateTime<Utc>>,
    pub progress_done: i64,
    pub progress_total: Option<i64>,
    pub progress_text: String,
    pub cancel_requested_at: Option<DateTime<Utc>>,
    pub cancel_requested_by: Option<String>,
    pub ended_at: Option<DateTime<Utc>>,
    pub outcome: Option<String>,
    pub summary: Option<String>,
    pub error: Option<String>,
    #[diesel(embed)]
    pub person: Option<Person>,
    #[diesel(embed)]
    pub application: Option<Application>,
    #[diesel(embed)]
    pub download: Option<Download>,
}

/// Who asked.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
pub struct Person {
    pub name: String,
}

/// What asked.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = applications, check_for_backend(diesel::pg::Pg))]
pub struct Application {
    pub app_id: String,
    #[diesel(column_name = name)]
    pub called: String,
}

/// A time that a job was begun.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = job_attempts, check_for_backend(diesel::pg::Pg))]
pub struct Attempt {
    pub number: i32,
    pub node: String,
    pub began_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub outcome: Option<String>,
    pub error: Option<String>,
}

impl Job {
    /// How it stands. One whose node vanished waits for another.
    pub fn state(&self, now: DateTime<Utc>) -> State {
        match self.outcome.as_deref() {
            Some("done") => State::Done,
            Some("failed") => State::Failed,
            Some(_) => State::Cancelled,
            None if self.leased_until.is_some_and(|until| until > now) => State::Running,
            None => State::Queued,
        }
    }

    /// As people read it; a newer version’s kind by its slug.
    pub fn kind_label(&self) -> &str {
        Kind::parse(&self.kind).map_or(self.kind.as_str(), |kind| kind.label())
    }
}

#[auto_type]
fn joined() -> _ {
    jobs::table
        .left_join(users::table)
        .left_join(applications::table)
        .left_join(job_downloads::table)
}

type Jobs<'a> = dsl::IntoBoxed<'a, dsl::Select<joined, dsl::AsSelect<Job, Pg>>, Pg>;

/// Administrators see all jobs, managers with API access those they asked for; to anybody else there are none.
fn visible_to<'a>(viewer: &Viewer) -> AppResult<Jobs<'a>> {
    if !viewer.has_api_access() {
        return Err(AppError::NoApiAccess);
    }
    let seen = joined().select(Job::as_select()).into_boxed();
    Ok(if viewer.is_administrator() { seen } else { seen.filter(jobs::user_id.eq(viewer.id)) })
}

/// A page of the list.
pub struct Page {
    pub jobs: Vec<Job>,
    /// The job after which the next page begins, if there is one.
    pub next: Option<Cursor>,
    /// The one before which the previous page ends.
    pub previous: Option<Cursor>,
}

/// The jobs that match, the last that were asked for first.
///
/// # Errors
/// [`AppError::NoApiAccess`].
pub fn list(conn: &mut PgConnection, viewer: &Viewer, filter: &Filter) -> AppResult<Page> {
    let mut query = matching(visible_to(viewer)?, viewer, filter);
    let backwards = filter.cursor.is_some_and(|cursor| cursor.backwards);
    query = match filter.cursor {
        Some(Cursor { id, backwards: true }) => query.filter(jobs::id.gt(id)),
        Some(Cursor { id, backwards: false }) => query.filter(jobs::id.lt(id)),
        None => query,
    };
    query = if backwards { query.order(jobs::id.asc()) } else { query.order(jobs::id.desc()) };
    let mut found: Vec<Job> = query.limit(PAGE as i64 + 1).load(conn)?;
    if found.is_empty() && filter.cursor.is_some() {
        // All that was on this page has gone meanwhile.
        return list(conn, viewer, &Filter { cursor: None, ..filter.clone() });
    }
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    if backwards {
        found.reverse();
    }
    let (has_next, has_previous) =
        if backwards { (true, more) } else { (more, filter.cursor.is_some()) };
    let at = |job: Option<&Job>, backwards| job.map(|job| Cursor { id: job.id, backwards });
    let next = if has_next { at(found.last(), false) } else { None };
    let previous = if has_previous { at(found.first(), true) } else { None };
    Ok(Page { jobs: found, next, previous })
}

/// Whether the viewer sees any job at all: an empty list and a filter that finds nothing are different pages.
///
/// # Errors
/// [`AppError::NoApiAccess`].
pub fn has_any(conn: &mut PgConnection, viewer: &Viewer) -> AppResult<bool> {
    Ok(!visible_to(viewer)?.limit(1).load(conn)?.is_empty())
}

/// One job.
///
/// # Errors
/// [`AppError::NotFound`], also for what is not the viewer's; [`AppError::NoApiAccess`].
pub fn find(conn: &mut PgConnection, viewer: &Viewer, id: i64) -> AppResult<Job> {
    Ok(visible_to(viewer)?.filter(jobs::id.eq(id)).first(conn)?)
}

/// What a job does; `None` for what a newer version asked for.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn work_of(conn: &mut PgConnection, job: &Job) -> AppResult<Option<Work>> {
    let payload: Value = jobs::table.find(job.id).select(jobs::payload).first(conn)?;
    Ok(Work::stored(&job.kind, &payload))
}

/// The last times it was begun, newest first.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn attempts(conn: &mut PgConnection, id: i64, at_most: i64) -> AppResult<Vec<Attempt>> {
    Ok(job_attempts::table
        .filter(job_attempts::job_id.eq(id))
        .order(job_attempts::number.desc())
        .limit(at_most)
        .select(Attempt::as_select())
        .load(conn)?)
}

/// The clock that leases are judged by.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn now(conn: &mut PgConnection) -> AppResult<DateTime<Utc>> {
    Ok(diesel::select(sql::<Timestamptz>("clock_timestamp()")).get_result(conn)?)
}

fn matching<'a>(query: Jobs<'a>, viewer: &Viewer, filter: &Filter) -> Jobs<'a> {
    let runs = || sql::<Nullable<Bool>>("jobs.leased_until > clock_timestamp()");
    let query = match filter.state {
        None => query,
        Some(State::Running) => query.filter(jobs::ended_at.is_null()).filter(runs()),
        Some(State::Queued) => query
            .filter(jobs::ended_at.is_null())
            .filter(sql::<Bool>("(jobs.leased_until > clock_timestamp()) is not true")),
        Some(ended) => query.filter(jobs::outcome.eq(ended.slug())),
    };
    // What waits or runs long after its time, or failed, is somebody's concern, whoever began it.
    let query = match filter.hides_own {
        false => query,
        true => query.filter(sql::<Bool>(
            "(jobs.starter <> 'system' or jobs.outcome = 'failed' \
             or (jobs.ended_at is null and jobs.run_at < clock_timestamp() - interval '10 minutes'))",
        )),
    };
    let query = match filter.kind {
        None => query,
        Some(kind) => query.filter(jobs::kind.eq(kind.slug())),
    };
    match filter.who {
        None => query,
        Some(Who::Me) => query.filter(jobs::user_id.is_not_distinct_from(viewer.id)),
        Some(Who::System) => query.filter(jobs::starter.eq("system")),
        Some(Who::Operator) => query.filter(jobs::starter.eq("operator")),
        Some(Who::Application) => query.filter(jobs::starter.eq("application")),
        Some(Who::Person(id)) => query.filter(jobs::user_id.eq(id)),
    }
}
