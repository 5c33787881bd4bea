//! What was reported: facts, until somebody has dealt with them. The pages of keys and the list of what is open read
//! them, and whoever tells people of what happened can.

use chrono::{DateTime, Utc};
use diesel::{
    PgConnection, QueryableByName, RunQueryDsl,
    prelude::*,
    sql_types::{BigInt, Bool, Nullable, Text, Timestamptz},
};
use serde_json::json;

use super::known::Whose;
use crate::{
    audit::{self, Action, Subject},
    error::AppResult,
    keys::{self, Key},
    notices,
    schema::{keys as keys_table, leak_reports},
    users::Viewer,
    web::Moment,
};

macro_rules! open_others {
    () => {
        "select leak_reports.id, coalesce(applications.name, gateways.name) as name, \
           coalesce(applications.app_id, 'gateway:' || gateways.id) as subject, \
           gateways.id is not null as is_gateway, reporter, last_at, \
           coalesce('/applications/' || applications.app_id || '/confirm/rotate', \
             '/gateways/' || gateways.id || '/confirm/revoke') as remedy \
         from leak_reports \
         left join applications on applications.id = application_id and archived_at is null \
           and secret_created_at <= last_at \
         left join gateways on gateways.id = gateway_id and revoked_at is null \
         where dismissed_at is null and leak_reports.key_id is null \
           and (applications.id is not null or gateways.id is not null)"
    };
}

/// What a report did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is on the pages.
    Notified,
    /// It ended the key.
    Revoked,
    /// It ended the replaced secret, which still worked.
    Stopped,
}

impl Outcome {
    fn slug(self) -> &'static str {
        match self {
            Self::Notified => "notified",
            Self::Revoked => "revoked",
            Self::Stopped => "stopped",
        }
    }
}

/// Where it was found, and by whom.
pub struct Finder<'a> {
    pub partner_id: Option<i64>,
    /// A person's triage; `None` for partners and the operator.
    pub user_id: Option<i64>,
    pub name: &'a str,
    /// Empty when it is not known.
    pub url: &'a str,
    pub source: &'a str,
}

/// A report that nobody has dealt with, as the page of its key shows it.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = leak_reports, check_for_backend(diesel::pg::Pg))]
pub struct Report {
    pub reporter: String,
    pub url: String,
    pub partner_id: Option<i64>,
    pub last_at: DateTime<Utc>,
    /// Whether the secret worked then.
    pub worked: bool,
    pub outcome: String,
}

impl Report {
    pub fn when(&self) -> Moment {
        Moment::seen_now(self.last_at)
    }

    /// The address, where it can be a link.
    pub fn link(&self) -> Option<&str> {
        let is_link = self.url.starts_with("https://") || self.url.starts_with("http://");
        is_link.then_some(self.url.as_str())
    }
}

/// Notes a report; the same once more only counts it. A person who finds it again has it open again, a partner who
/// repeats itself has not. Tells whether it is news.
///
/// # Errors
/// When Postgres refuses.
pub fn note(
    conn: &mut PgConnection,
    whose: &Whose,
    finder: &Finder<'_>,
    worked: bool,
    outcome: Outcome,
) -> AppResult<bool> {
    #[derive(QueryableByName)]
    struct Noted {
        #[diesel(sql_type = BigInt)]
        id: i64,
        #[diesel(sql_type = Bool)]
        is_new: bool,
    }
    let (key, secret, application, gateway) = match *whose {
        Whose::Key { id, secret_id, .. } => (Some(id), Some(secret_id), None, None),
        Whose::Application { id } => (None, None, Some(id), None),
        Whose::Gateway { id } => (None, None, None, Some(id)),
    };
    let noted: Noted = diesel::sql_query(
        "insert into leak_reports as known (key_id, secret_id, application_id, gateway_id, \
           partner_id, reported_by, reporter, url, source, worked, outcome) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
         on conflict (coalesce(secret_id, 0), coalesce(application_id, 0), coalesce(gateway_id, 0), \
           coalesce(partner_id, 0), coalesce(reported_by, 0), md5(url)) \
         do update set last_at = now(), times = known.times + 1, \
           outcome = case when excluded.outcome = 'notified' then known.outcome else excluded.outcome end, \
           dismissed_at = case when excluded.partner_id is null then null else known.dismissed_at end, \
           dismissed_by = case when excluded.partner_id is null then null else known.dismissed_by end \
         returning id, times = 1 as is_new",
    )
    .bind::<Nullable<BigInt>, _>(key)
    .bind::<Nullable<BigInt>, _>(secret)
    .bind::<Nullable<BigInt>, _>(application)
    .bind::<Nullable<BigInt>, _>(gateway)
    .bind::<Nullable<BigInt>, _>(finder.partner_id)
    .bind::<Nullable<BigInt>, _>(finder.user_id)
    .bind::<Text, _>(finder.name)
    .bind::<Text, _>(finder.url)
    .bind::<Text, _>(finder.source)
    .bind::<Bool, _>(worked)
    .bind::<Text, _>(outcome.slug())
    .get_result(conn)?;
    if noted.is_new {
        notices::leak_reported(conn, noted.id)?;
    }
    Ok(noted.is_new)
}

/// What is open about a key, the last first.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn open_of(conn: &mut PgConnection, key: &Key) -> AppResult<Vec<Report>> {
    Ok(leak_reports::table
        .filter(leak_reports::key_id.eq(key.id))
        .filter(leak_reports::dismissed_at.is_null())
        .order(leak_reports::last_at.desc())
        .limit(5)
        .select(Report::as_select())
        .load(conn)?)
}

/// The keys that something is open about and that are not revoked, the last reported first, as far as the viewer sees
/// them.
///
/// # Errors
/// [`crate::error::AppError::NoApiAccess`].
pub fn open_keys(
    conn: &mut PgConnection,
    viewer: &Viewer,
    at_most: usize,
) -> AppResult<Vec<(Key, DateTime<Utc>)>> {
    let mut open = leak_reports::table
        .inner_join(keys_table::table)
        .filter(leak_reports::dismissed_at.is_null())
        .filter(keys_table::revoked_at.is_null().and(keys_table::deleted_at.is_null()))
        .order(leak_reports::last_at.desc())
        .limit(500)
        .select((keys_table::id, leak_reports::last_at))
        .into_boxed();
    if !viewer.is_administrator() {
        open = open.filter(keys_table::owner_id.eq(viewer.id));
    }
    let mut open: Vec<(i64, DateTime<Utc>)> = open.load(conn)?;
    let mut seen = std::collections::HashSet::new();
    open.retain(|(id, _)| seen.insert(*id));
    open.truncate(at_most);
    let ids: Vec<i64> = open.iter().map(|(id, _)| *id).collect();
    let mut found = keys::queries::by_ids(conn, viewer, &ids)?;
    let taken = open.into_iter().filter_map(|(id, at)| {
        let place = found.iter().position(|key| key.id == id)?;
        Some((found.swap_remove(place), at))
    });
    Ok(taken.collect())
}

/// What is open about something that is no key: an App Secret or a gateway's token.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct OpenOther {
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// Of the application or the gateway.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Its address in the trail.
    #[diesel(sql_type = Text)]
    pub subject: String,
    #[diesel(sql_type = Bool)]
    pub is_gateway: bool,
    #[diesel(sql_type = Text)]
    pub reporter: String,
    #[diesel(sql_type = Timestamptz)]
    pub last_at: DateTime<Utc>,
    /// Where it is rotated or revoked.
    #[diesel(sql_type = Text)]
    pub remedy: String,
}

impl OpenOther {
    pub fn when(&self) -> Moment {
        Moment::seen_now(self.last_at)
    }
}

/// Everything that is open about App Secrets that were not rotated since and about gateways that were not revoked, the
/// last reported first. Administrators only: to anybody else there is none.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn open_others(conn: &mut PgConnection, viewer: &Viewer) -> AppResult<Vec<OpenOther>> {
    if !viewer.is_administrator() {
        return Ok(Vec::new());
    }
    Ok(diesel::sql_query(concat!(open_others!(), " order by last_at desc limit 50")).load(conn)?)
}

/// Closes a report about an App Secret or a gateway's token: nothing is left to do.
///
/// # Errors
/// [`crate::error::AppError::Forbidden`]; [`crate::error::AppError::NotFound`] when nothing of that id is open.
pub fn dismiss_other(conn: &mut PgConnection, viewer: &Viewer, id: i64) -> AppResult<OpenOther> {
    let viewer = viewer.confirm_administrator(conn)?;
    leak_reports::table.find(id).select(leak_reports::id).for_update().first::<i64>(conn)?;
    let open: OpenOther = diesel::sql_query(concat!(open_others!(), " and leak_reports.id = $1"))
        .bind::<BigInt, _>(id)
        .get_result(conn)?;
    diesel::update(leak_reports::table.find(id))
        .set((leak_reports::dismissed_at.eq(Utc::now()), leak_reports::dismissed_by.eq(viewer.id)))
        .execute(conn)?;
    let subject = Subject { id: &open.subject, name: &open.name };
    audit::record(conn, &viewer, Action::LeakDismissed, subject, json!({}))?;
    Ok(open)
}

/// Closes what is open about a key: nothing is left to do. Doing so twice changes nothing.
///
/// # Errors
/// [`crate::error::AppError::NotFound`].
pub fn dismiss(conn: &mut PgConnection, viewer: &Viewer, public_key: &str) -> AppResult<Key> {
    let viewer = viewer.confirm_api_access(conn)?;
    let key = keys::queries::find(conn, &viewer, public_key)?;
    let dismissed = diesel::update(
        leak_reports::table
            .filter(leak_reports::key_id.eq(key.id))
            .filter(leak_reports::dismissed_at.is_null()),
    )
    .set((leak_reports::dismissed_at.eq(Utc::now()), leak_reports::dismissed_by.eq(viewer.id)))
    .execute(conn)?;
    if dismissed > 0 {
        let subject = Subject { id: &key.public_key, name: &key.name };
        let details = json!({ "reports": dismissed });
        audit::record(conn, &viewer, Action::KeyLeakDismissed, subject, details)?;
    }
    Ok(key)
}
