//! Adding, changing and removing partners: administrators only, each in the trail.

use chrono::Utc;
use diesel::{PgConnection, prelude::*};
use serde_json::{Value, json};

use super::{Partner, Policy, queries};
use crate::{
    audit::{self, Action, Subject, difference},
    error::AppResult,
    leaks::signature::PublicKey,
    schema::leak_partners,
    users::Viewer,
};

/// A partner as an administrator wants it.
#[derive(Clone)]
pub struct NewPartner {
    pub name: String,
    pub key_id: String,
    pub key: PublicKey,
    pub policy: Policy,
}

/// Lets a partner report from now on.
///
/// # Errors
/// [`crate::error::AppError::Forbidden`]; the constraint `leak_partners_key_id` when its key is known already.
pub fn add(conn: &mut PgConnection, viewer: &Viewer, new: &NewPartner) -> AppResult<Partner> {
    let viewer = viewer.confirm_administrator(conn)?;
    let id: i64 = diesel::insert_into(leak_partners::table)
        .values((
            leak_partners::name.eq(&new.name),
            leak_partners::key_id.eq(&new.key_id),
            leak_partners::public_key.eq(new.key.as_bytes()),
            leak_partners::policy.eq(new.policy.slug()),
            leak_partners::created_by.eq(viewer.id),
        ))
        .returning(leak_partners::id)
        .get_result(conn)?;
    let partner = queries::find(conn, &viewer, id)?;
    record(conn, &viewer, &partner, Action::LeakPartnerAdded, describe(&partner))?;
    Ok(partner)
}

/// Changes everything about a partner. What is as before is no change.
///
/// # Errors
/// As [`add`]; [`crate::error::AppError::NotFound`].
pub fn update(
    conn: &mut PgConnection,
    viewer: &Viewer,
    id: i64,
    new: &NewPartner,
) -> AppResult<Partner> {
    let viewer = viewer.confirm_administrator(conn)?;
    leak_partners::table.find(id).select(leak_partners::id).for_update().first::<i64>(conn)?;
    let before = queries::find(conn, &viewer, id)?;
    diesel::update(leak_partners::table.find(id))
        .set((
            leak_partners::name.eq(&new.name),
            leak_partners::key_id.eq(&new.key_id),
            leak_partners::public_key.eq(new.key.as_bytes()),
            leak_partners::policy.eq(new.policy.slug()),
        ))
        .execute(conn)?;
    let after = queries::find(conn, &viewer, id)?;
    let changes = difference(&describe(&before), &describe(&after));
    if changes.as_object().is_some_and(|changes| !changes.is_empty()) {
        record(conn, &viewer, &after, Action::LeakPartnerUpdated, changes)?;
    }
    Ok(after)
}

/// Refuses a partner's signatures from now on. Removing it twice is not finding it.
///
/// # Errors
/// As [`update`].
pub fn remove(conn: &mut PgConnection, viewer: &Viewer, id: i64) -> AppResult<Partner> {
    let viewer = viewer.confirm_administrator(conn)?;
    leak_partners::table.find(id).select(leak_partners::id).for_update().first::<i64>(conn)?;
    let partner = queries::find(conn, &viewer, id)?;
    diesel::update(leak_partners::table.find(id))
        .set(leak_partners::removed_at.eq(Utc::now()))
        .execute(conn)?;
    record(conn, &viewer, &partner, Action::LeakPartnerRemoved, json!({}))?;
    Ok(partner)
}

/// Notes that a report of it came.
///
/// # Errors
/// When Postgres refuses.
pub fn has_reported(conn: &mut PgConnection, id: i64) -> AppResult<()> {
    diesel::update(leak_partners::table.find(id))
        .set(leak_partners::last_report_at.eq(Utc::now()))
        .execute(conn)?;
    Ok(())
}

fn describe(partner: &Partner) -> Value {
    json!({
        "name": partner.name,
        "key_id": partner.key_id,
        "public_key": partner.key.to_pem(),
        "policy": partner.policy.slug(),
    })
}

fn record(
    conn: &mut PgConnection,
    viewer: &Viewer,
    partner: &Partner,
    action: Action,
    details: Value,
) -> AppResult<()> {
    let subject = Subject { id: &partner.subject(), name: &partner.name };
    audit::record(conn, viewer, action, subject, details)
}
