//! Granting, changing and withdrawing. Each takes effect with the person's next request: access is never kept in a
//! session.

use chrono::Utc;
use diesel::{PgConnection, prelude::*};
use serde_json::{Value, json};

use super::Grant;
use crate::{
    audit::{self, Action, Subject},
    error::{AppError, AppResult},
    schema::{
        api_access, api_access_environments, api_access_permissions, api_access_sections,
        environments, permissions, sections,
    },
    users::{Role, User, Viewer, standing::Held},
};

/// Gives a marketplace manager API access to everything. Granting twice keeps the first date.
///
/// # Errors
/// As [`set`].
pub fn grant(conn: &mut PgConnection, viewer: &Viewer, user_id: i64) -> AppResult<User> {
    set(conn, viewer, user_id, &Grant::everything())
}

/// Gives a marketplace manager this API access and no other, or changes what they have. Nothing is written when
/// nothing changes.
///
/// # Errors
/// [`AppError::Forbidden`] unless an administrator asks, [`AppError::NotFound`],
/// [`AppError::Conflict`] for administrators, who need no grant.
pub fn set(
    conn: &mut PgConnection,
    viewer: &Viewer,
    user_id: i64,
    grant: &Grant,
) -> AppResult<User> {
    // Whoever acts under the grant holds this row and the grant's: they are done before it changes, or see the change.
    let held = Held::of_both(conn, viewer, user_id)?;
    let viewer = viewer.confirm_administrator(conn)?;
    let user = held.person(user_id)?;
    if user.role == Role::Administrator {
        return Err(AppError::Conflict("Administrators have API access without a grant.".into()));
    }
    let in_force: Option<i64> = api_access::table
        .filter(api_access::user_id.eq(user_id).and(api_access::withdrawn_at.is_null()))
        .select(api_access::id)
        .for_update()
        .first(conn)
        .optional()?;
    match in_force {
        None => {
            let access_id: i64 = diesel::insert_into(api_access::table)
                .values((api_access::user_id.eq(user_id), api_access::granted_by.eq(viewer.id)))
                .returning(api_access::id)
                .get_result(conn)?;
            write(conn, access_id, grant)?;
            let details = describe(conn, access_id)?;
            record(conn, &viewer, &user, Action::AccessGranted, details)?;
        }
        Some(access_id) => {
            let before = describe(conn, access_id)?;
            write(conn, access_id, grant)?;
            let details = audit::difference(&before, &describe(conn, access_id)?);
            if details != json!({}) {
                record(conn, &viewer, &user, Action::AccessChanged, details)?;
            }
        }
    }
    Ok(user)
}

/// Takes API access back. The person's keys go on working; nobody but administrators manages them then.
///
/// # Errors
/// [`AppError::Forbidden`] unless an administrator asks, [`AppError::NotFound`].
pub fn withdraw(conn: &mut PgConnection, viewer: &Viewer, user_id: i64) -> AppResult<User> {
    let held = Held::of_both(conn, viewer, user_id)?;
    let viewer = viewer.confirm_administrator(conn)?;
    let user = held.person(user_id)?;
    let withdrawn: Option<i64> = diesel::update(
        api_access::table
            .filter(api_access::user_id.eq(user_id).and(api_access::withdrawn_at.is_null())),
    )
    .set((api_access::withdrawn_by.eq(viewer.id), api_access::withdrawn_at.eq(Utc::now())))
    .returning(api_access::id)
    .get_result(conn)
    .optional()?;
    if let Some(access_id) = withdrawn {
        let details = json!({ "access": [describe(conn, access_id)?, null] });
        record(conn, &viewer, &user, Action::AccessWithdrawn, details)?;
    }
    Ok(user)
}

/// Writes what a grant covers, in the place of what it covered.
fn write(conn: &mut PgConnection, access_id: i64, grant: &Grant) -> AppResult<()> {
    diesel::update(api_access::table.find(access_id))
        .set((
            api_access::all_environments.eq(grant.environments.is_none()),
            api_access::all_permissions.eq(grant.permissions.all),
        ))
        .execute(conn)?;
    diesel::delete(
        api_access_environments::table.filter(api_access_environments::access_id.eq(access_id)),
    )
    .execute(conn)?;
    diesel::delete(api_access_sections::table.filter(api_access_sections::access_id.eq(access_id)))
        .execute(conn)?;
    diesel::delete(
        api_access_permissions::table.filter(api_access_permissions::access_id.eq(access_id)),
    )
    .execute(conn)?;
    let environments: Vec<_> = grant
        .environments
        .iter()
        .flatten()
        .map(|id| {
            (
                api_access_environments::access_id.eq(access_id),
                api_access_environments::environment_id.eq(id),
            )
        })
        .collect();
    diesel::insert_into(api_access_environments::table)
        .values(environments)
        .on_conflict_do_nothing()
        .execute(conn)?;
    if grant.permissions.all {
        return Ok(());
    }
    let sections: Vec<_> = grant
        .permissions
        .sections
        .iter()
        .map(|id| {
            (api_access_sections::access_id.eq(access_id), api_access_sections::section_id.eq(id))
        })
        .collect();
    diesel::insert_into(api_access_sections::table)
        .values(sections)
        .on_conflict_do_nothing()
        .execute(conn)?;
    let single: Vec<_> = grant
        .permissions
        .permissions
        .iter()
        .map(|id| {
            (
                api_access_permissions::access_id.eq(access_id),
                api_access_permissions::permission_id.eq(id),
            )
        })
        .collect();
    diesel::insert_into(api_access_permissions::table)
        .values(single)
        .on_conflict_do_nothing()
        .execute(conn)?;
    Ok(())
}

/// What the trail says of a grant.
fn describe(conn: &mut PgConnection, access_id: i64) -> AppResult<Value> {
    let (all_environments, all_permissions): (bool, bool) = api_access::table
        .find(access_id)
        .select((api_access::all_environments, api_access::all_permissions))
        .first(conn)?;
    let in_environments: Vec<String> = api_access_environments::table
        .inner_join(environments::table)
        .filter(api_access_environments::access_id.eq(access_id))
        .order((environments::position, environments::id))
        .select(environments::slug)
        .load(conn)?;
    let whole: Vec<String> = api_access_sections::table
        .inner_join(sections::table)
        .filter(api_access_sections::access_id.eq(access_id))
        .order((sections::position, sections::id))
        .select(sections::slug)
        .load(conn)?;
    let single: Vec<String> = api_access_permissions::table
        .inner_join(permissions::table)
        .filter(api_access_permissions::access_id.eq(access_id))
        .order((permissions::position, permissions::id))
        .select(permissions::slug)
        .load(conn)?;
    Ok(json!({
        "all_environments": all_environments,
        "environments": in_environments,
        "all_permissions": all_permissions,
        "sections": whole,
        "permissions": single,
    }))
}

fn record(
    conn: &mut PgConnection,
    viewer: &Viewer,
    user: &User,
    action: Action,
    details: Value,
) -> AppResult<()> {
    let subject = Subject { id: &user.subject(), name: &user.name };
    audit::record(conn, viewer, action, subject, details)
}
