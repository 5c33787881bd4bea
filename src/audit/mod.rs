//! The trail: who did what, when. An act writes its event in the transaction that does it.

use chrono::{DateTime, Utc};
use diesel::{PgConnection, prelude::*};
use ipnet::IpNet;
use serde_json::Value;
use uuid::Uuid;

use crate::{error::AppResult, schema::audit_events, users::Viewer};

/// What was done. The names are stored and shown; they never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    KeyCreated,
    KeyUpdated,
    KeyDisabled,
    KeyEnabled,
    KeyRegenerated,
    KeyRevoked,
    KeyDeleted,
    ApplicationCreated,
    ApplicationRenamed,
    ApplicationSecretRotated,
    ApplicationArchived,
    ApplicationRestored,
    GatewayCreated,
    GatewayRenamed,
    GatewayRevoked,
    UserCreated,
    UserRoleChanged,
    UserPasswordChanged,
    UserLinkCreated,
    AccessGranted,
    AccessWithdrawn,
    SignedIn,
    SignInRefused,
    PresetApplied,
    SettingsUpdated,
    InstallationSetUp,
}

impl Action {
    /// As stored: `key.revoked`.
    pub fn slug(self) -> &'static str {
        match self {
            Self::KeyCreated => "key.created",
            Self::KeyUpdated => "key.updated",
            Self::KeyDisabled => "key.disabled",
            Self::KeyEnabled => "key.enabled",
            Self::KeyRegenerated => "key.regenerated",
            Self::KeyRevoked => "key.revoked",
            Self::KeyDeleted => "key.deleted",
            Self::ApplicationCreated => "application.created",
            Self::ApplicationRenamed => "application.renamed",
            Self::ApplicationSecretRotated => "application.secret_rotated",
            Self::ApplicationArchived => "application.archived",
            Self::ApplicationRestored => "application.restored",
            Self::GatewayCreated => "gateway.created",
            Self::GatewayRenamed => "gateway.renamed",
            Self::GatewayRevoked => "gateway.revoked",
            Self::UserCreated => "user.created",
            Self::UserRoleChanged => "user.role_changed",
            Self::UserPasswordChanged => "user.password_changed",
            Self::UserLinkCreated => "user.link_created",
            Self::AccessGranted => "access.granted",
            Self::AccessWithdrawn => "access.withdrawn",
            Self::SignedIn => "session.signed_in",
            Self::SignInRefused => "session.refused",
            Self::PresetApplied => "preset.applied",
            Self::SettingsUpdated => "settings.updated",
            Self::InstallationSetUp => "installation.set_up",
        }
    }
}

/// What it was done to: its address in the trail and its name at the time.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// A public key, an App ID, `gateway:12`, `user:7`, `settings`.
    pub id: &'a str,
    pub name: &'a str,
}

/// A line of the trail.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = audit_events, check_for_backend(diesel::pg::Pg))]
pub struct Event {
    pub id: i64,
    pub at: DateTime<Utc>,
    pub actor: String,
    pub action: String,
    pub subject: String,
    pub subject_name: String,
    pub details: Value,
}

/// Writes an event. `details` holds what changed, `{"field": [before, after]}`, or facts of the act; never a secret.
///
/// # Errors
/// When Postgres refuses; the act is undone with it.
pub fn record(
    conn: &mut PgConnection,
    viewer: &Viewer,
    action: Action,
    subject: Subject<'_>,
    details: Value,
) -> AppResult<()> {
    diesel::insert_into(audit_events::table)
        .values((
            audit_events::actor_id.eq(viewer.id),
            audit_events::actor.eq(&viewer.name),
            audit_events::ip.eq(viewer.origin.ip.map(IpNet::from)),
            audit_events::request_id.eq(viewer.origin.request_id as Option<Uuid>),
            audit_events::action.eq(action.slug()),
            audit_events::subject.eq(subject.id),
            audit_events::subject_name.eq(subject.name),
            audit_events::details.eq(details),
        ))
        .execute(conn)?;
    Ok(())
}

/// Writes one event for each of many things, all with the same details.
///
/// # Errors
/// As [`record`].
pub fn record_each(
    conn: &mut PgConnection,
    viewer: &Viewer,
    action: Action,
    subjects: &[Subject<'_>],
    details: &Value,
) -> AppResult<()> {
    // A statement of Postgres takes 65535 values at most.
    for some in subjects.chunks(1_000) {
        let events: Vec<_> = some
            .iter()
            .map(|subject| {
                (
                    audit_events::actor_id.eq(viewer.id),
                    audit_events::actor.eq(&viewer.name),
                    audit_events::ip.eq(viewer.origin.ip.map(IpNet::from)),
                    audit_events::request_id.eq(viewer.origin.request_id as Option<Uuid>),
                    audit_events::action.eq(action.slug()),
                    audit_events::subject.eq(subject.id),
                    audit_events::subject_name.eq(subject.name),
                    audit_events::details.eq(details),
                )
            })
            .collect();
        diesel::insert_into(audit_events::table).values(events).execute(conn)?;
    }
    Ok(())
}

/// The last events of one thing, newest first.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn recent_for(conn: &mut PgConnection, subject: &str, at_most: i64) -> AppResult<Vec<Event>> {
    Ok(audit_events::table
        .filter(audit_events::subject.eq(subject))
        .order(audit_events::id.desc())
        .limit(at_most)
        .select(Event::as_select())
        .load(conn)?)
}
