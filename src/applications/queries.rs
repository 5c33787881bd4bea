//! Reading applications. Everybody with API access sees all of them; to anybody else there are none.

use std::collections::HashMap;

use chrono::Utc;
use diesel::{
    PgConnection,
    dsl::{self, sql},
    prelude::*,
    sql_query,
    sql_types::{BigInt, Integer, Nullable, Timestamptz},
};

use super::Application;
use crate::{
    counted::{self, Count, MOST},
    environments::{self, Environment, ids_in},
    error::{AppError, AppResult},
    keys::{is_active, queries::in_time},
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

/// The applications with these ids.
///
/// # Errors
/// [`AppError::NoApiAccess`].
pub fn by_ids(
    conn: &mut PgConnection,
    viewer: &Viewer,
    ids: &[i64],
) -> AppResult<Vec<Application>> {
    Ok(visible_to(viewer)?.filter(applications::id.eq_any(ids.to_vec())).load(conn)?)
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
/// When Postgres cannot be asked in time.
pub fn count_active_keys(
    conn: &mut PgConnection,
    viewer: &Viewer,
) -> AppResult<HashMap<i64, Count>> {
    let mut counts: HashMap<i64, Count> = HashMap::new();
    let shown = match viewer.mode {
        Some(mode) => Some(ids_in(conn, mode)?),
        None => None,
    };
    for place in active_by_place(conn, viewer, None)? {
        if shown.as_ref().is_none_or(|shown| shown.contains(&place.environment_id)) {
            let count = counts.entry(place.application_id).or_insert(Count::Exactly(0));
            *count = [*count, place.count()].into_iter().sum();
        }
    }
    Ok(counts)
}

/// A page lists many of them, so each is counted less far.
const MOST_OF_A_PLACE: i64 = 250;

/// An application and environment in which there are active keys.
#[derive(Debug, QueryableByName)]
pub(super) struct Place {
    #[diesel(sql_type = BigInt)]
    pub application_id: i64,
    #[diesel(sql_type = BigInt)]
    pub environment_id: i64,
    #[diesel(sql_type = BigInt)]
    found: i64,
}

impl Place {
    pub fn count(&self) -> Count {
        Count::up_to(MOST_OF_A_PLACE, self.found)
    }
}

/// Where there are active keys that the viewer sees, of one application or of all of them. Each place is counted by
/// itself and no further than a page can use, so that a million keys in one place cost no more than a few hundred.
///
/// # Errors
/// When Postgres cannot be asked in time.
pub(super) fn active_by_place(
    conn: &mut PgConnection,
    viewer: &Viewer,
    application_id: Option<i64>,
) -> AppResult<Vec<Place>> {
    let owner = if viewer.is_administrator() { None } else { Some(viewer.id.unwrap_or_default()) };
    in_time(conn, |conn| {
        let places: Vec<Place> = sql_query(
            "select applications.id as application_id, environments.id as environment_id, (
                 select count(*) from (
                     select 1 from keys
                     where application_id = applications.id and environment_id = environments.id
                         and deleted_at is null and revoked_at is null and disabled_at is null
                         and (expires_at is null or expires_at > $1)
                         and ($2 is null or owner_id = $2)
                     limit $3
                 ) as counted
             ) as found
             from applications cross join environments
             where $4 is null or applications.id = $4",
        )
        .bind::<Timestamptz, _>(Utc::now())
        .bind::<Nullable<BigInt>, _>(owner)
        .bind::<BigInt, _>(MOST_OF_A_PLACE + 1)
        .bind::<Nullable<BigInt>, _>(application_id)
        .load(conn)?;
        Ok(places.into_iter().filter(|place| place.found > 0).collect())
    })
}

/// How many keys of an application there are in an environment, by status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyCounts {
    pub active: Count,
    pub inactive: Count,
    pub expired: Count,
    pub revoked: Count,
}

/// The keys of an application that the viewer sees, by environment and status; of the mode they look at.
///
/// # Errors
/// When Postgres cannot be asked in time.
pub fn count_keys_of(
    conn: &mut PgConnection,
    viewer: &Viewer,
    application_id: i64,
) -> AppResult<Vec<(Environment, KeyCounts)>> {
    let now = Utc::now();
    let is_shown =
        |environment: &Environment| viewer.mode.is_none_or(|mode| environment.mode == mode);
    let shown: Vec<Environment> = environments::list(conn)?.into_iter().filter(is_shown).collect();
    let all = || {
        let mut all = keys::table.into_boxed().filter(keys::deleted_at.is_null());
        if !viewer.is_administrator() {
            all = all.filter(keys::owner_id.eq(viewer.id));
        }
        all.filter(keys::application_id.eq(application_id)).select(sql::<Integer>("1"))
    };
    let seen = |environment: i64| all().filter(keys::environment_id.eq(environment));
    let in_force = |environment| seen(environment).filter(keys::revoked_at.is_null());
    let lives = |environment| {
        in_force(environment)
            .filter(keys::expires_at.is_null().or(keys::expires_at.gt(now)).assume_not_null())
    };
    let asked: Vec<_> = shown
        .iter()
        .flat_map(|environment| {
            [
                lives(environment.id).filter(keys::disabled_at.is_null()),
                lives(environment.id).filter(keys::disabled_at.is_not_null()),
                in_force(environment.id).filter(keys::expires_at.le(now).assume_not_null()),
                seen(environment.id).filter(keys::revoked_at.is_not_null()),
            ]
        })
        .collect();
    let counts = in_time(conn, |conn| {
        let most = counted::how_far(conn, &all())?;
        counted::count(conn, &asked, most)
    })?;
    let by_status = counts.chunks_exact(4).map(|of| KeyCounts {
        active: of[0],
        inactive: of[1],
        expired: of[2],
        revoked: of[3],
    });
    let is_empty = |counts: &KeyCounts| {
        [counts.active, counts.inactive, counts.expired, counts.revoked]
            .into_iter()
            .all(Count::is_none)
    };
    Ok(shown.into_iter().zip(by_status).filter(|(_, counts)| !is_empty(counts)).collect())
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
) -> AppResult<(Vec<(String, String)>, Count)> {
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
    let counts = counted::count_up_to(conn, &[active().select(sql::<Integer>("1"))], MOST)?;
    Ok((some, counts.into_iter().sum()))
}

/// Where there are active keys, by application and environment, and how many; of the mode the viewer looks at.
///
/// # Errors
/// [`AppError::NoApiAccess`].
pub fn with_active_keys(
    conn: &mut PgConnection,
    viewer: &Viewer,
) -> AppResult<Vec<(Application, Environment, Count)>> {
    let applications: Vec<Application> =
        visible_to(viewer)?.order((applications::name, applications::id)).load(conn)?;
    let environments = environments::list(conn)?;
    let counts: HashMap<(i64, i64), Count> = active_by_place(conn, viewer, None)?
        .iter()
        .map(|place| ((place.application_id, place.environment_id), place.count()))
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
