//! Whether an application keeps its secrets so that an administrator can see them again.

use chrono::{DateTime, Utc};
use diesel::{PgConnection, dsl::sql, prelude::*, sql_types::Integer};
use serde_json::json;

use super::{
    Application,
    queries::{self, Place},
};
use crate::{
    audit::{self, Action, Subject},
    counted::{self, Count, MOST},
    environments::{self, Environment},
    error::{AppError, AppResult},
    keys::{queries::in_time, spaced},
    schema::{applications, key_secrets, keys},
    users::Viewer,
};

/// What an application's page says of the secrets of its keys.
pub struct Secrets {
    /// Since when new secrets are kept.
    pub kept_since: Option<DateTime<Utc>>,
    /// How many can be seen again today.
    pub kept: Count,
    /// Where there are active keys, and how many; all of them can be reset together.
    pub resettable: Vec<(Environment, Count)>,
}

impl Secrets {
    /// “12”, “More than 1 000”
    pub fn kept_said(&self) -> String {
        match self.kept {
            Count::Exactly(count) => spaced(count),
            Count::About(count) | Count::MoreThan(count) => format!("More than {}", spaced(count)),
        }
    }
}

/// For the page; nothing in it for whoever is no administrator.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn load(
    conn: &mut PgConnection,
    viewer: &Viewer,
    application: &Application,
) -> AppResult<Option<Secrets>> {
    if !viewer.is_administrator() {
        return Ok(None);
    }
    let kept_since = kept_since(conn, application)?;
    let kept = key_secrets::table
        .inner_join(keys::table)
        .filter(keys::application_id.eq(application.id).and(keys::deleted_at.is_null()))
        .filter(key_secrets::sealed.is_not_null())
        .select(sql::<Integer>("1"));
    let kept = in_time(conn, |conn| counted::count_up_to(conn, &[kept], MOST))?.into_iter().sum();
    let active = queries::active_by_place(conn, viewer, Some(application.id))?;
    let count = |environment: &Environment| {
        active.iter().find(|place| place.environment_id == environment.id).map(Place::count)
    };
    let resettable = environments::list(conn)?
        .into_iter()
        .filter_map(|environment| count(&environment).map(|count| (environment, count)))
        .collect();
    Ok(Some(Secrets { kept_since, kept, resettable }))
}

fn kept_since(
    conn: &mut PgConnection,
    application: &Application,
) -> AppResult<Option<DateTime<Utc>>> {
    Ok(applications::table
        .find(application.id)
        .select(applications::recoverable_since)
        .first(conn)?)
}

/// From now on new secrets are kept encrypted. Those that were made before are not: nobody has them any more.
/// Whoever calls this has looked whether there is a key to encrypt with.
///
/// # Errors
/// [`AppError::Forbidden`] unless an administrator asks; [`AppError::NotFound`].
pub fn keep_secrets(
    conn: &mut PgConnection,
    viewer: &Viewer,
    app_id: &str,
) -> AppResult<Application> {
    let viewer = viewer.confirm_administrator(conn)?;
    let application = queries::find(conn, &viewer, app_id)?;
    let changed = diesel::update(
        applications::table.find(application.id).filter(applications::recoverable_since.is_null()),
    )
    .set(applications::recoverable_since.eq(Utc::now()))
    .execute(conn)?;
    if changed > 0 {
        record(conn, &viewer, &application, Action::ApplicationSecretsKept, 0)?;
    }
    Ok(application)
}

/// No secret is kept from now on, and those that were are erased.
///
/// # Errors
/// As [`keep_secrets`].
pub fn erase_secrets(
    conn: &mut PgConnection,
    viewer: &Viewer,
    app_id: &str,
) -> AppResult<Application> {
    let viewer = viewer.confirm_administrator(conn)?;
    let application = queries::find(conn, &viewer, app_id)?;
    // Keys first, as everything that happens to a key takes them: nobody waits in a circle.
    keys::table
        .filter(keys::application_id.eq(application.id))
        .order(keys::id)
        .select(keys::id)
        .for_update()
        .load::<i64>(conn)?;
    let changed = diesel::update(
        applications::table
            .find(application.id)
            .filter(applications::recoverable_since.is_not_null()),
    )
    .set(applications::recoverable_since.eq(None::<DateTime<Utc>>))
    .execute(conn)?;
    let of_application =
        keys::table.filter(keys::application_id.eq(application.id)).select(keys::id);
    let erased = diesel::update(
        key_secrets::table
            .filter(key_secrets::key_id.eq_any(of_application))
            .filter(key_secrets::sealed.is_not_null()),
    )
    .set(key_secrets::sealed.eq(None::<Vec<u8>>))
    .execute(conn)?;
    if changed > 0 || erased > 0 {
        record(conn, &viewer, &application, Action::ApplicationSecretsErased, erased)?;
    }
    Ok(application)
}

fn record(
    conn: &mut PgConnection,
    viewer: &Viewer,
    application: &Application,
    action: Action,
    erased: usize,
) -> AppResult<()> {
    let subject = Subject { id: &application.app_id, name: &application.name };
    let keeps = action == Action::ApplicationSecretsKept;
    let mut details = json!({ "secrets_kept": [!keeps, keeps] });
    if erased > 0 {
        details["erased"] = erased.into();
    }
    audit::record(conn, viewer, action, subject, details)
}

/// Without a key to encrypt with nothing can be kept.
pub(super) fn refuse_without_vault() -> AppError {
    AppError::Conflict(
        "Secrets cannot be kept: LATCHKEY_VAULT_KEY is not set. Whoever runs Latchkey can set it."
            .into(),
    )
}
