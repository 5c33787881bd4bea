//! Reading applications. Everybody with API access sees all of them; to anybody else there are none.

use std::collections::HashMap;

use chrono::Utc;
use diesel::{
    PgConnection,
    dsl::{self, count},
    prelude::*,
};

use super::Application;
use crate::{
    environments::{self, Environment, ids_in},
    error::{AppError, AppResult},
    keys::is_active,
    schema::{applications, keys},
    users::Viewer,
};

type Applications = dsl::Select<applications::table, dsl::AsSelect<Application, diesel::pg::Pg>>;

fn visible_to(viewer: &Viewer) -> AppResult<Applications> {
    if viewer.has_api_access() {
        Ok(applications::table.select(Application::as_select()))
    } else {
        Err(AppError::NoApiAccess)
    }
}

/// All of them, by name; archived ones too.
///
/// # Errors
/// [`AppError::NoApiAccess`].
pub fn list(conn: &mut PgConnection, viewer: &Viewer) -> AppResult<Vec<Application>> {
    Ok(visible_to(viewer)?.order((applications::name_skeleton, applications::id)).load(conn)?)
}

/// The application of that App ID.
///
/// # Errors
/// [`AppError::NotFound`], also for what cannot be an App ID; [`AppError::NoApiAccess`].
pub fn find(conn: &mut PgConnection, viewer: &Viewer, app_id: &str) -> AppResult<Application> {
    if !is_app_id_like(app_id) {
        return Err(AppError::NotFound);
    }
    Ok(visible_to(viewer)?.filter(applications::app_id.eq(app_id)).first(conn)?)
}

/// Whether Postgres need be asked: it takes no NUL, and no App ID has anything but these.
pub(super) fn is_app_id_like(typed: &str) -> bool {
    typed.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The application of exactly that name.
///
/// # Errors
/// [`AppError::NotFound`], [`AppError::NoApiAccess`].
pub fn find_by_name(
    conn: &mut PgConnection,
    viewer: &Viewer,
    name: &str,
) -> AppResult<Application> {
    Ok(visible_to(viewer)?.filter(applications::name.eq(name)).first(conn)?)
}

/// How many active keys the viewer sees, by application; of the mode they look at.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn count_active_keys(conn: &mut PgConnection, viewer: &Viewer) -> AppResult<HashMap<i64, i64>> {
    let mut counted = keys::table
        .group_by(keys::application_id)
        .select((keys::application_id, dsl::count_star()))
        .filter(is_active(Utc::now()))
        .into_boxed();
    if !viewer.is_administrator() {
        counted = counted.filter(keys::owner_id.eq(viewer.id));
    }
    if let Some(mode) = viewer.mode {
        counted = counted.filter(keys::environment_id.eq_any(ids_in(conn, mode)?));
    }
    Ok(counted.load::<(i64, i64)>(conn)?.into_iter().collect())
}

/// How many keys of an application there are in an environment, by status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable)]
pub struct KeyCounts {
    pub environment_id: i64,
    pub active: i64,
    pub inactive: i64,
    pub expired: i64,
    pub revoked: i64,
}

/// The keys of an application that the viewer sees, by environment and status; of the mode they look at.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn count_keys_of(
    conn: &mut PgConnection,
    viewer: &Viewer,
    application_id: i64,
) -> AppResult<Vec<(Environment, KeyCounts)>> {
    let now = Utc::now();
    let lives = || {
        keys::revoked_at
            .is_null()
            .and(keys::expires_at.is_null().or(keys::expires_at.gt(now).assume_not_null()))
    };
    let is_expired = keys::revoked_at.is_null().and(keys::expires_at.le(now).assume_not_null());
    let mut counted = keys::table
        .group_by(keys::environment_id)
        .filter(keys::application_id.eq(application_id))
        .filter(keys::deleted_at.is_null())
        .select((
            keys::environment_id,
            count(keys::id).aggregate_filter(lives().and(keys::disabled_at.is_null())),
            count(keys::id).aggregate_filter(lives().and(keys::disabled_at.is_not_null())),
            count(keys::id).aggregate_filter(is_expired),
            count(keys::id).aggregate_filter(keys::revoked_at.is_not_null()),
        ))
        .into_boxed();
    if !viewer.is_administrator() {
        counted = counted.filter(keys::owner_id.eq(viewer.id));
    }
    let mut counted: HashMap<i64, KeyCounts> = counted
        .load::<KeyCounts>(conn)?
        .into_iter()
        .map(|counts| (counts.environment_id, counts))
        .collect();
    let is_shown =
        |environment: &Environment| viewer.mode.is_none_or(|mode| environment.mode == mode);
    let shown = environments::list(conn)?.into_iter().filter(is_shown);
    Ok(shown
        .filter_map(|environment| {
            let counts = counted.remove(&environment.id)?;
            Some((environment, counts))
        })
        .collect())
}

/// Active keys of an application, whoever owns them: they keep it from being archived. At most so many, and how many
/// there are.
///
/// # Errors
/// [`AppError::Forbidden`] unless an administrator asks.
pub fn active_keys_of(
    conn: &mut PgConnection,
    viewer: &Viewer,
    application_id: i64,
    at_most: i64,
) -> AppResult<(Vec<(String, String)>, i64)> {
    if !viewer.is_administrator() {
        return Err(AppError::Forbidden);
    }
    let now = Utc::now();
    let active =
        || keys::table.filter(keys::application_id.eq(application_id)).filter(is_active(now));
    let some = active()
        .order((keys::created_at.desc(), keys::id.desc()))
        .limit(at_most)
        .select((keys::public_key, keys::name))
        .load(conn)?;
    Ok((some, active().count().get_result(conn)?))
}

/// Where there are active keys, by application and environment, and how many; of the mode the viewer looks at.
///
/// # Errors
/// [`AppError::NoApiAccess`].
pub fn with_active_keys(
    conn: &mut PgConnection,
    viewer: &Viewer,
) -> AppResult<Vec<(Application, Environment, i64)>> {
    let applications: Vec<Application> =
        visible_to(viewer)?.order((applications::name, applications::id)).load(conn)?;
    let environments = environments::list(conn)?;
    let counts: Vec<(i64, i64, i64)> = keys::table
        .group_by((keys::application_id, keys::environment_id))
        .filter(is_active(Utc::now()))
        .select((keys::application_id, keys::environment_id, dsl::count_star()))
        .load(conn)?;
    let counts: HashMap<(i64, i64), i64> = counts
        .into_iter()
        .map(|(application, environment, count)| ((application, environment), count))
        .collect();
    let is_shown =
        |environment: &&Environment| viewer.mode.is_none_or(|mode| environment.mode == mode);
    let in_place = |application: &Application, environment: &Environment| {
        let count = *counts.get(&(application.id, environment.id))?;
        Some((application.clone(), environment.clone(), count))
    };
    Ok(applications
        .iter()
        .flat_map(|application| {
            environments
                .iter()
                .filter(is_shown)
                .filter_map(move |environment| in_place(application, environment))
        })
        .collect())
}
