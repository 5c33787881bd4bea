//! Reading people.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::{PgConnection, alias, prelude::*};

use super::{ApiAccess, Member, OpenLink, User, Viewer, Withdrawal};
use crate::{
    error::{AppError, AppResult},
    schema::{api_access, one_time_links, users},
    text,
};

/// What signing in needs of a person. The hash goes nowhere else.
#[derive(Debug, Clone)]
pub struct SignIn {
    pub user: User,
    /// `None` until the person has chosen a password.
    pub password_hash: Option<String>,
}

/// Everybody, for the Team page: administrators only, who come first; by name.
///
/// # Errors
/// [`AppError::Forbidden`].
pub fn list(conn: &mut PgConnection, viewer: &Viewer) -> AppResult<Vec<Member>> {
    if !viewer.is_administrator() {
        return Err(AppError::Forbidden);
    }
    let granter = alias!(users as granter);
    type Row = (User, bool, Option<(DateTime<Utc>, bool, bool)>, Option<String>);
    let rows: Vec<Row> = users::table
        .left_join(
            api_access::table
                .on(api_access::user_id.eq(users::id).and(api_access::withdrawn_at.is_null())),
        )
        .left_join(
            granter.on(granter.field(users::id).nullable().eq(api_access::granted_by.nullable())),
        )
        .select((
            User::as_select(),
            users::password_hash.is_not_null(),
            (api_access::granted_at, api_access::all_environments, api_access::all_permissions)
                .nullable(),
            granter.field(users::name).nullable(),
        ))
        .order((users::role, users::name, users::id))
        .load(conn)?;
    let (mut withdrawals, mut links) = (withdrawals(conn)?, links(conn)?);
    Ok(rows
        .into_iter()
        .map(|(user, has_password, granted, granted_by)| Member {
            has_password,
            link: links.remove(&user.id),
            api_access: granted.map(|(granted_at, all_environments, all_permissions)| ApiAccess {
                granted_at,
                granted_by,
                is_limited: !(all_environments && all_permissions),
            }),
            withdrawal: withdrawals.remove(&user.id).filter(|_| granted.is_none()),
            user,
        })
        .collect())
}

/// The last withdrawal of everybody who ever had API access taken back.
fn withdrawals(conn: &mut PgConnection) -> AppResult<HashMap<i64, Withdrawal>> {
    let rows: Vec<(i64, Option<DateTime<Utc>>, Option<String>)> = api_access::table
        .left_join(users::table.on(users::id.nullable().eq(api_access::withdrawn_by)))
        .filter(api_access::withdrawn_at.is_not_null())
        .order(api_access::id)
        .select((api_access::user_id, api_access::withdrawn_at, users::name.nullable()))
        .load(conn)?;
    let told = |(user_id, at, withdrawn_by): (i64, Option<DateTime<Utc>>, Option<String>)| {
        at.map(|withdrawn_at| (user_id, Withdrawal { withdrawn_at, withdrawn_by }))
    };
    Ok(rows.into_iter().filter_map(told).collect())
}

/// The last one-time link of everybody who has not used it.
fn links(conn: &mut PgConnection) -> AppResult<HashMap<i64, OpenLink>> {
    let rows: Vec<(Option<i64>, DateTime<Utc>, DateTime<Utc>)> = one_time_links::table
        .filter(one_time_links::user_id.is_not_null())
        .order(one_time_links::created_at)
        .select((one_time_links::user_id, one_time_links::created_at, one_time_links::expires_at))
        .load(conn)?;
    let told = |(user_id, created_at, expires_at): (Option<i64>, _, _)| {
        user_id.map(|user_id| (user_id, OpenLink { created_at, expires_at }))
    };
    Ok(rows.into_iter().filter_map(told).collect())
}

/// One person, for administrators and for themself.
///
/// # Errors
/// [`AppError::NotFound`], also for what is not the viewer's to know.
pub fn find(conn: &mut PgConnection, viewer: &Viewer, id: i64) -> AppResult<User> {
    if !viewer.is_administrator() && viewer.id != Some(id) {
        return Err(AppError::NotFound);
    }
    Ok(users::table.find(id).select(User::as_select()).first(conn)?)
}

/// Whoever has that address, however it is typed. Not for showing to visitors: whether an address is known is private.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn find_by_email(conn: &mut PgConnection, typed: &str) -> AppResult<Option<User>> {
    Ok(sign_in(conn, typed)?.map(|sign_in| sign_in.user))
}

/// As [`find_by_email`], with the hash of the password.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn sign_in(conn: &mut PgConnection, typed: &str) -> AppResult<Option<SignIn>> {
    let found: Option<(User, Option<String>)> = users::table
        .filter(users::email.eq(text::fold_email(typed)))
        .select((User::as_select(), users::password_hash))
        .first(conn)
        .optional()?;
    Ok(found.map(|(user, password_hash)| SignIn { user, password_hash }))
}

/// Whether anybody can sign in at all: an installation without people has to be set up first.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn is_anybody_here(conn: &mut PgConnection) -> AppResult<bool> {
    Ok(diesel::select(diesel::dsl::exists(users::table.select(users::id))).get_result(conn)?)
}

/// Whether there is such a person, who isn't disabled.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn may_sign_in(conn: &mut PgConnection, id: i64) -> AppResult<bool> {
    let person = users::table.find(id).filter(users::disabled_at.is_null());
    Ok(diesel::select(diesel::dsl::exists(person)).get_result(conn)?)
}

/// Id and name of everybody, by name, for administrators to choose from; to anybody else there is nobody.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn names(conn: &mut PgConnection, viewer: &Viewer) -> AppResult<Vec<(i64, String)>> {
    if !viewer.is_administrator() {
        return Ok(Vec::new());
    }
    Ok(users::table.select((users::id, users::name)).order((users::name, users::id)).load(conn)?)
}
