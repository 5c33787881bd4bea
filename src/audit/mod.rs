//! The trail: who did what, when. An act writes its event in the transaction that does it; when that is committed
//! Postgres moves it to the end of a chain of hashes, which nobody changes afterwards without being found out.
//!
//! | file | |
//! |---|---|
//! | `mod.rs` | what can happen, and writing it down |
//! | `chain.rs` | the hash of an event, the end of the chain |
//! | `verify.rs` | going through the chain: what was changed, and where |
//! | `guard.rs` | who could change the trail: the rights of the role that serves |
//! | `filter.rs` | the page's address: what is looked for, and from where on |
//! | `queries.rs` | reading events: administrators only |
//! | `tell.rs` | an event as a sentence |
//! | `details.rs` | before and after, as people read it |
//! | `subjects.rs` | where the things are that the trail tells of |
//! | `export.rs` | the trail as a file, a piece at a time |
//! | `routes.rs`, `views.rs` | the pages |

pub mod chain;
mod details;
mod export;
mod filter;
pub mod guard;
mod queries;
mod routes;
mod subjects;
mod tell;
pub mod verify;
mod views;

use chrono::{DateTime, Utc};
use diesel::{PgConnection, prelude::*};
use ipnet::IpNet;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    error::AppResult,
    schema::{audit_events, audit_incoming},
    users::Viewer,
};

use filter::FilterForm;

pub use export::{COLUMNS, Everything, write_piece};
pub use queries::Entry;
pub use routes::routes;

/// Rows in one statement; Postgres takes 65 535 values.
const AT_ONCE: usize = 1_000;

/// The page of everything that happened to a thing.
pub fn address_of(subject: &str) -> String {
    FilterForm::of_subject(subject).address()
}

/// The page of everything a person did.
pub fn address_by(user_id: &i64) -> String {
    FilterForm { who: user_id.to_string(), ..FilterForm::default() }.address()
}

/// What was done. The names are stored and shown; they never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    KeyCreated,
    KeyUpdated,
    KeyDisabled,
    KeyEnabled,
    KeyRegenerated,
    KeyOverlapFinished,
    KeyOverlapExtended,
    KeyRevealed,
    KeyRevoked,
    KeyDeleted,
    KeyTransferred,
    KeyLeakFound,
    KeyLeakDismissed,
    LeaksTriaged,
    LeaksReported,
    LeakDismissed,
    LeakPartnerAdded,
    LeakPartnerUpdated,
    LeakPartnerRemoved,
    ApplicationCreated,
    ApplicationRenamed,
    ApplicationKeysReset,
    ApplicationSecretsKept,
    ApplicationSecretsErased,
    ApplicationSecretRotated,
    ApplicationKeysPermitted,
    ApplicationKeysForbidden,
    ApplicationArchived,
    ApplicationRestored,
    GatewayCreated,
    GatewayRenamed,
    GatewayRevoked,
    UserCreated,
    UserRoleChanged,
    UserPasswordChanged,
    UserLinkCreated,
    UserRenamed,
    UserDisabled,
    UserEnabled,
    AccessGranted,
    AccessChanged,
    AccessRefused,
    AccessWithdrawn,
    SignedIn,
    SignInRefused,
    OtherSessionsEnded,
    CustomerAdded,
    CustomerRenamed,
    CustomerRemoved,
    CustomersImported,
    PresetApplied,
    SettingsUpdated,
    EnvironmentCreated,
    EnvironmentUpdated,
    EnvironmentRetired,
    EnvironmentRestored,
    SectionCreated,
    SectionUpdated,
    SectionRetired,
    SectionRestored,
    PermissionCreated,
    PermissionUpdated,
    PermissionPublished,
    PermissionWithheld,
    PermissionRetired,
    PermissionRestored,
    CatalogueImported,
    JobStarted,
    JobRetried,
    JobCancelled,
    WebhookAdded,
    WebhookUpdated,
    WebhookRemoved,
    WebhookSecretRotated,
    WebhookTested,
    WebhookRepeated,
    WebhookSwitchedOff,
    MailTested,
    InstallationSetUp,
    AuditExported,
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
            Self::KeyOverlapFinished => "key.overlap_finished",
            Self::KeyOverlapExtended => "key.overlap_extended",
            Self::KeyRevealed => "key.revealed",
            Self::KeyRevoked => "key.revoked",
            Self::KeyDeleted => "key.deleted",
            Self::KeyTransferred => "key.transferred",
            Self::KeyLeakFound => "key.leak_found",
            Self::KeyLeakDismissed => "key.leak_dismissed",
            Self::LeaksTriaged => "leaks.triaged",
            Self::LeaksReported => "leaks.reported",
            Self::LeakDismissed => "leaks.dismissed",
            Self::LeakPartnerAdded => "leak_partner.added",
            Self::LeakPartnerUpdated => "leak_partner.updated",
            Self::LeakPartnerRemoved => "leak_partner.removed",
            Self::ApplicationCreated => "application.created",
            Self::ApplicationRenamed => "application.renamed",
            Self::ApplicationKeysReset => "application.keys_reset",
            Self::ApplicationSecretsKept => "application.secrets_kept",
            Self::ApplicationSecretsErased => "application.secrets_erased",
            Self::ApplicationSecretRotated => "application.secret_rotated",
            Self::ApplicationKeysPermitted => "application.keys_permitted",
            Self::ApplicationKeysForbidden => "application.keys_forbidden",
            Self::ApplicationArchived => "application.archived",
            Self::ApplicationRestored => "application.restored",
            Self::GatewayCreated => "gateway.created",
            Self::GatewayRenamed => "gateway.renamed",
            Self::GatewayRevoked => "gateway.revoked",
            Self::UserCreated => "user.created",
            Self::UserRoleChanged => "user.role_changed",
            Self::UserPasswordChanged => "user.password_changed",
            Self::UserLinkCreated => "user.link_created",
            Self::UserRenamed => "user.renamed",
            Self::UserDisabled => "user.disabled",
            Self::UserEnabled => "user.enabled",
            Self::AccessGranted => "access.granted",
            Self::AccessChanged => "access.changed",
            Self::AccessRefused => "access.refused",
            Self::AccessWithdrawn => "access.withdrawn",
            Self::SignedIn => "session.signed_in",
            Self::SignInRefused => "session.refused",
            Self::OtherSessionsEnded => "session.others_ended",
            Self::CustomerAdded => "customer.added",
            Self::CustomerRenamed => "customer.renamed",
            Self::CustomerRemoved => "customer.removed",
            Self::CustomersImported => "customers.imported",
            Self::PresetApplied => "preset.applied",
            Self::SettingsUpdated => "settings.updated",
            Self::EnvironmentCreated => "environment.created",
            Self::EnvironmentUpdated => "environment.updated",
            Self::EnvironmentRetired => "environment.retired",
            Self::EnvironmentRestored => "environment.restored",
            Self::SectionCreated => "section.created",
            Self::SectionUpdated => "section.updated",
            Self::SectionRetired => "section.retired",
            Self::SectionRestored => "section.restored",
            Self::PermissionCreated => "permission.created",
            Self::PermissionUpdated => "permission.updated",
            Self::PermissionPublished => "permission.published",
            Self::PermissionWithheld => "permission.withheld",
            Self::PermissionRetired => "permission.retired",
            Self::PermissionRestored => "permission.restored",
            Self::CatalogueImported => "catalogue.imported",
            Self::JobStarted => "job.started",
            Self::JobRetried => "job.retried",
            Self::JobCancelled => "job.cancelled",
            Self::WebhookAdded => "webhook.added",
            Self::WebhookUpdated => "webhook.updated",
            Self::WebhookRemoved => "webhook.removed",
            Self::WebhookSecretRotated => "webhook.secret_rotated",
            Self::WebhookTested => "webhook.tested",
            Self::WebhookRepeated => "webhook.repeated",
            Self::WebhookSwitchedOff => "webhook.switched_off",
            Self::MailTested => "mail.tested",
            Self::InstallationSetUp => "installation.set_up",
            Self::AuditExported => "audit.exported",
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
    diesel::insert_into(audit_incoming::table)
        .values((
            audit_incoming::actor_id.eq(viewer.id),
            audit_incoming::actor.eq(&viewer.name),
            audit_incoming::ip.eq(viewer.origin.ip.map(IpNet::from)),
            audit_incoming::request_id.eq(viewer.origin.request_id as Option<Uuid>),
            audit_incoming::action.eq(action.slug()),
            audit_incoming::subject.eq(subject.id),
            audit_incoming::subject_name.eq(subject.name),
            audit_incoming::details.eq(details),
        ))
        .execute(conn)?;
    Ok(())
}

/// `{"name": ["old", "new"]}` for what differs.
pub fn difference(before: &Value, after: &Value) -> Value {
    let (Some(before), Some(after)) = (before.as_object(), after.as_object()) else {
        return json!({});
    };
    after
        .iter()
        .filter(|(field, value)| before.get(*field) != Some(value))
        .map(|(field, value)| (field.clone(), json!([before.get(field), value])))
        .collect()
}

/// Writes the same act upon many things; each is its subject's id and name, and its details.
///
/// # Errors
/// As [`record`].
pub fn record_each(
    conn: &mut PgConnection,
    viewer: &Viewer,
    action: Action,
    mut acts: Vec<(String, String, Value)>,
) -> AppResult<()> {
    while !acts.is_empty() {
        let rows: Vec<_> = acts
            .drain(..acts.len().min(AT_ONCE))
            .map(|(subject, name, details)| {
                (
                    audit_incoming::actor_id.eq(viewer.id),
                    audit_incoming::actor.eq(&viewer.name),
                    audit_incoming::ip.eq(viewer.origin.ip.map(IpNet::from)),
                    audit_incoming::request_id.eq(viewer.origin.request_id as Option<Uuid>),
                    audit_incoming::action.eq(action.slug()),
                    audit_incoming::subject.eq(subject),
                    audit_incoming::subject_name.eq(name),
                    audit_incoming::details.eq(details),
                )
            })
            .collect();
        diesel::insert_into(audit_incoming::table).values(rows).execute(conn)?;
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
        .order((audit_events::at.desc(), audit_events::id.desc()))
        .limit(at_most)
        .select(Event::as_select())
        .load(conn)?)
}
