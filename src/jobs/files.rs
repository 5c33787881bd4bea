//! Files that jobs leave: written part by part in the steps of the job, handed out for a day.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{PgConnection, prelude::*, sql_query};

use crate::{
    error::AppResult,
    schema::{job_downloads, job_files, jobs},
    users::Viewer,
};

/// For so long a file can be downloaded.
pub const KEPT: TimeDelta = TimeDelta::hours(24);

/// A file as it is finished.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = job_downloads)]
pub struct Finished {
    /// Letters, digits, dots and hyphens.
    pub name: String,
    pub media_type: String,
    pub bytes: i64,
    pub rows: i64,
    /// It holds what only administrators see: whoever is none any more does not get it.
    pub for_administrators: bool,
}

/// A file, if it is still there.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = job_downloads, check_for_backend(diesel::pg::Pg))]
pub struct Download {
    pub job_id: i64,
    pub name: String,
    pub media_type: String,
    pub bytes: i64,
    pub rows: i64,
    pub gone_at: DateTime<Utc>,
    pub for_administrators: bool,
}

impl Download {
    /// Whether the viewer gets it, who sees the job.
    pub fn is_for(&self, viewer: &Viewer) -> bool {
        !self.for_administrators || viewer.is_administrator()
    }

    pub fn is_gone(&self, now: DateTime<Utc>) -> bool {
        self.gone_at <= now
    }

    /// “182 KB”, as people count.
    pub fn size(&self) -> String {
        match self.bytes {
            0..1_000 => format!("{} bytes", self.bytes),
            1_000..1_000_000 => format!("{} KB", (self.bytes + 500) / 1_000),
            bytes => format!("{:.1} MB", bytes as f64 / 1e6),
        }
    }
}

/// Adds a part, in the step that made it.
///
/// # Errors
/// When Postgres refuses.
pub fn add_part(
    conn: &mut PgConnection,
    job_id: i64,
    part: i32,
    content: Vec<u8>,
) -> AppResult<()> {
    diesel::insert_into(job_files::table)
        .values((
            job_files::job_id.eq(job_id),
            job_files::part.eq(part),
            job_files::content.eq(content),
        ))
        .execute(conn)?;
    Ok(())
}

/// Says that all parts are there.
///
/// # Errors
/// When Postgres refuses.
pub fn finish(conn: &mut PgConnection, job_id: i64, finished: &Finished) -> AppResult<()> {
    diesel::insert_into(job_downloads::table)
        .values((
            job_downloads::job_id.eq(job_id),
            job_downloads::gone_at.eq(Utc::now() + KEPT),
            finished.clone(),
        ))
        .execute(conn)?;
    Ok(())
}

/// A part; `None` after the last one.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn part(conn: &mut PgConnection, job_id: i64, part: i32) -> AppResult<Option<Vec<u8>>> {
    Ok(job_files::table.find((job_id, part)).select(job_files::content).first(conn).optional()?)
}

/// Removes parts of files that nobody gets any more, also of jobs that did not finish theirs; so many at most.
///
/// # Errors
/// When Postgres refuses.
pub fn remove_old(conn: &mut PgConnection) -> AppResult<usize> {
    Ok(sql_query(
        "delete from job_files where (job_id, part) in (\
            select job_files.job_id, part from job_files join jobs on jobs.id = job_files.job_id \
                left join job_downloads on job_downloads.job_id = jobs.id \
            where gone_at < clock_timestamp() \
                or gone_at is null and ended_at < clock_timestamp() - interval '1 day' \
            limit 100)",
    )
    .execute(conn)?)
}

/// Removes jobs that ended so many days ago, with everything that is known of them; so many at most.
///
/// # Errors
/// When Postgres refuses.
pub fn remove_old_jobs(conn: &mut PgConnection, days: i64) -> AppResult<usize> {
    let since = Utc::now() - TimeDelta::days(days);
    let old = jobs::table
        .filter(jobs::ended_at.lt(since))
        .order(jobs::ended_at)
        .select(jobs::id)
        .limit(500)
        .load::<i64>(conn)?;
    Ok(diesel::delete(jobs::table.filter(jobs::id.eq_any(old))).execute(conn)?)
}
