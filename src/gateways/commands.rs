//! Changing gateways: administrators only.

use chrono::Utc;
use diesel::{PgConnection, prelude::*};
use serde_json::{Value, json};

use super::{model::Gateway, queries};
use crate::{
    audit::{self, Action, Subject},
    credentials::Secret,
    environments,
    error::{AppError, AppResult},
    schema::gateways,
    text,
    users::Viewer,
};

/// Adds a gateway. Its token is shown this once.
///
/// # Errors
/// [`AppError::Forbidden`]; [`AppError::NotFound`] for the environment; [`AppError::Unprocessable`] for the name, or
/// when the environment is retired;
/// violates `gateways_name` when another one of that environment looks the same.
pub fn create(
    conn: &mut PgConnection,
    viewer: &Viewer,
    name: &str,
    environment_id: i64,
) -> AppResult<(Gateway, Secret)> {
    let viewer = viewer.confirm_administrator(conn)?;
    let name = text::parse_name("Name", name, 100).map_err(AppError::Unprocessable)?;
    let environment = environments::take(conn, environment_id)?;
    let token = Secret::for_gateway();
    let id: i64 = diesel::insert_into(gateways::table)
        .values((
            gateways::name.eq(&name),
            gateways::name_skeleton.eq(text::look(&name)),
            gateways::environment_id.eq(environment.id),
            gateways::token_hash.eq(token.hash().as_bytes()),
            gateways::masked.eq(token.masked()),
            gateways::created_by.eq(viewer.id),
        ))
        .returning(gateways::id)
        .get_result(conn)?;
    let details = json!({ "environment": environment.slug });
    let gateway = changed(conn, &viewer, id, Action::GatewayCreated, details)?;
    Ok((gateway, token))
}

/// Gives a gateway another name. Nothing is written when it has that name already.
///
/// # Errors
/// As [`create`], and [`AppError::NotFound`].
pub fn rename(conn: &mut PgConnection, viewer: &Viewer, id: i64, name: &str) -> AppResult<Gateway> {
    let viewer = viewer.confirm_administrator(conn)?;
    let name = text::parse_name("Name", name, 100).map_err(AppError::Unprocessable)?;
    let before = hold(conn, &viewer, id)?;
    if before.name == name {
        return Ok(before);
    }
    diesel::update(gateways::table.find(id))
        .set((gateways::name.eq(&name), gateways::name_skeleton.eq(text::look(&name))))
        .execute(conn)?;
    let details = json!({ "name": [before.name, name] });
    changed(conn, &viewer, id, Action::GatewayRenamed, details)
}

/// Ends a gateway for good. Revoking twice keeps the first date.
///
/// # Errors
/// [`AppError::Forbidden`], [`AppError::NotFound`].
pub fn revoke(conn: &mut PgConnection, viewer: &Viewer, id: i64) -> AppResult<Gateway> {
    let viewer = viewer.confirm_administrator(conn)?;
    let before = hold(conn, &viewer, id)?;
    if before.revoked_at.is_some() {
        return Ok(before);
    }
    diesel::update(gateways::table.find(id))
        .set(gateways::revoked_at.eq(Utc::now()))
        .execute(conn)?;
    changed(conn, &viewer, id, Action::GatewayRevoked, json!({ "revoked": [false, true] }))
}

/// The gateway, which nobody else changes until the transaction ends.
fn hold(conn: &mut PgConnection, viewer: &Viewer, id: i64) -> AppResult<Gateway> {
    gateways::table.find(id).select(gateways::id).for_update().first::<i64>(conn)?;
    queries::find(conn, viewer, id)
}

/// Writes what happened to it, and returns it as it now is.
fn changed(
    conn: &mut PgConnection,
    viewer: &Viewer,
    id: i64,
    action: Action,
    details: Value,
) -> AppResult<Gateway> {
    let gateway = queries::find(conn, viewer, id)?;
    let subject = Subject { id: &gateway.subject(), name: &gateway.name };
    audit::record(conn, viewer, action, subject, details)?;
    Ok(gateway)
}
