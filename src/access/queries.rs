//! Reading grants.

use std::collections::HashMap;

use diesel::{PgConnection, prelude::*};

use super::Grant;
use crate::{
    error::AppResult,
    keys::Permissions,
    schema::{
        api_access, api_access_environments, api_access_permissions, api_access_sections,
        permissions, users,
    },
    users::Role,
};

/// A row of `api_access`: its id, and whether it covers all environments and all permissions.
pub type GrantRow = (i64, bool, bool);

/// Somebody with API access.
#[derive(Debug, Clone)]
pub struct Holder {
    pub user_id: i64,
    pub name: String,
    /// `None` for administrators, who need no grant.
    pub grant: Option<Grant>,
}

impl Holder {
    /// Whether they may hold such a key.
    pub fn covers(&self, environment_id: i64, permissions: &Permissions) -> bool {
        self.grant.as_ref().is_none_or(|grant| grant.covers(environment_id, permissions))
    }
}

/// What a grant covers. One that covers everything costs no query.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn read(conn: &mut PgConnection, row: GrantRow) -> AppResult<Grant> {
    Ok(read_all(conn, &[row])?
        .remove(&row.0)
        .unwrap_or_else(|| Grant::of(Some(Vec::new()), Permissions::default())))
}

/// The grant of a person that is in force, if there is one.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn find(conn: &mut PgConnection, user_id: i64) -> AppResult<Option<Grant>> {
    let row: Option<GrantRow> = api_access::table
        .filter(api_access::user_id.eq(user_id).and(api_access::withdrawn_at.is_null()))
        .select((api_access::id, api_access::all_environments, api_access::all_permissions))
        .first(conn)
        .optional()?;
    row.map(|row| read(conn, row)).transpose()
}

/// Everybody who has API access and may sign in, by name.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn holders(conn: &mut PgConnection) -> AppResult<Vec<Holder>> {
    let administrator = Role::Administrator.slug();
    let rows: Vec<(i64, String, String, Option<GrantRow>)> = users::table
        .left_join(
            api_access::table
                .on(api_access::user_id.eq(users::id).and(api_access::withdrawn_at.is_null())),
        )
        .filter(users::disabled_at.is_null())
        .filter(users::role.eq(administrator).or(api_access::id.is_not_null()))
        .select((
            users::id,
            users::name,
            users::role,
            (api_access::id, api_access::all_environments, api_access::all_permissions).nullable(),
        ))
        .order((users::name, users::id))
        .load(conn)?;
    let granted: Vec<GrantRow> = rows.iter().filter_map(|(.., granted)| *granted).collect();
    let mut grants = read_all(conn, &granted)?;
    Ok(rows
        .into_iter()
        .map(|(user_id, name, role, granted)| {
            let grant = granted
                .filter(|_| role != administrator)
                .and_then(|(access_id, ..)| grants.remove(&access_id));
            Holder { user_id, name, grant }
        })
        .collect())
}

fn read_all(conn: &mut PgConnection, rows: &[GrantRow]) -> AppResult<HashMap<i64, Grant>> {
    let limited = |is_limited: fn(&GrantRow) -> bool| -> Vec<i64> {
        rows.iter().filter(|row| is_limited(row)).map(|(id, ..)| *id).collect()
    };
    let mut environments = by_grant(environments_of(conn, &limited(|row| !row.1))?);
    let by_permission = limited(|row| !row.2);
    let mut sections = by_grant(sections_of(conn, &by_permission)?);
    let mut single = by_grant(permissions_of(conn, &by_permission)?);
    let mut in_sections = by_grant(permissions_in_sections_of(conn, &by_permission)?);
    let take = |from: &mut HashMap<i64, Vec<i64>>, id| from.remove(&id).unwrap_or_default();
    Ok(rows
        .iter()
        .map(|&(id, all_environments, all)| {
            let environments = (!all_environments).then(|| take(&mut environments, id));
            let permissions = Permissions {
                all,
                sections: take(&mut sections, id),
                permissions: take(&mut single, id),
            };
            let grant = Grant::of(environments, permissions)
                .with_sections_holding(take(&mut in_sections, id));
            (id, grant)
        })
        .collect())
}

fn by_grant(rows: Vec<(i64, i64)>) -> HashMap<i64, Vec<i64>> {
    let mut found: HashMap<i64, Vec<i64>> = HashMap::new();
    for (access_id, id) in rows {
        found.entry(access_id).or_default().push(id);
    }
    found
}

fn environments_of(conn: &mut PgConnection, grants: &[i64]) -> AppResult<Vec<(i64, i64)>> {
    if grants.is_empty() {
        return Ok(Vec::new());
    }
    Ok(api_access_environments::table
        .filter(api_access_environments::access_id.eq_any(grants))
        .select((api_access_environments::access_id, api_access_environments::environment_id))
        .load(conn)?)
}

fn sections_of(conn: &mut PgConnection, grants: &[i64]) -> AppResult<Vec<(i64, i64)>> {
    if grants.is_empty() {
        return Ok(Vec::new());
    }
    Ok(api_access_sections::table
        .filter(api_access_sections::access_id.eq_any(grants))
        .select((api_access_sections::access_id, api_access_sections::section_id))
        .load(conn)?)
}

fn permissions_of(conn: &mut PgConnection, grants: &[i64]) -> AppResult<Vec<(i64, i64)>> {
    if grants.is_empty() {
        return Ok(Vec::new());
    }
    Ok(api_access_permissions::table
        .filter(api_access_permissions::access_id.eq_any(grants))
        .select((api_access_permissions::access_id, api_access_permissions::permission_id))
        .load(conn)?)
}

fn permissions_in_sections_of(
    conn: &mut PgConnection,
    grants: &[i64],
) -> AppResult<Vec<(i64, i64)>> {
    if grants.is_empty() {
        return Ok(Vec::new());
    }
    Ok(api_access_sections::table
        .inner_join(
            permissions::table.on(permissions::section_id.eq(api_access_sections::section_id)),
        )
        .filter(api_access_sections::access_id.eq_any(grants))
        .select((api_access_sections::access_id, permissions::id))
        .load(conn)?)
}
