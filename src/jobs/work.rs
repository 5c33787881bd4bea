//! The registry: what each kind of job needs to know, and what runs it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Halt, Kind, Running, retention, sweep};
use crate::{customers, keys, notices, usage};

/// A job's kind with its payload, as stored in `jobs.kind` and `jobs.payload`. Fields that a later version adds have
/// defaults, so that jobs of before can still be run.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", content = "payload", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "there is one of these at a time")]
pub enum Work {
    Sweep,
    RollUp,
    Retention,
    Notices,
    KeysExport(keys::Export),
    Bulk(keys::Bulk),
    CustomersImport(customers::Import),
    Mail,
    Webhooks,
}

impl Work {
    /// Under which kind it is stored.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Sweep => Kind::Sweep,
            Self::RollUp => Kind::RollUp,
            Self::Retention => Kind::Retention,
            Self::Notices => Kind::Notices,
            Self::KeysExport(_) => Kind::KeysExport,
            Self::Bulk(_) => Kind::Bulk,
            Self::CustomersImport(_) => Kind::CustomersImport,
            Self::Mail => Kind::Mail,
            Self::Webhooks => Kind::Webhooks,
        }
    }

    /// What it does, in words: the name of the job.
    pub fn title(&self) -> String {
        match self {
            Self::Sweep => "Clear up what has ended by itself".into(),
            Self::RollUp => "Roll up what was counted and logged".into(),
            Self::Retention => "Remove what is kept for a while only".into(),
            Self::Notices => "Look for what people should hear of".into(),
            Self::KeysExport(export) => export.title(),
            Self::Bulk(bulk) => bulk.title(),
            Self::CustomersImport(import) => import.title(),
            Self::Mail => "Send e-mails about notices".into(),
            Self::Webhooks => "Tell webhooks of notices".into(),
        }
    }

    /// The page on which somebody asked for it: address and name.
    pub fn came_from(&self) -> Option<(String, &'static str)> {
        match self {
            Self::Sweep | Self::RollUp | Self::Retention | Self::Notices => None,
            Self::KeysExport(export) => Some((export.filter.address(), "API Keys")),
            Self::Bulk(_) => Some(("/keys".into(), "API Keys")),
            Self::CustomersImport(_) => Some(("/customers".into(), "Customers")),
            Self::Mail => Some(("/settings/mail".into(), "E-mail")),
            Self::Webhooks => Some(("/settings/webhooks".into(), "Webhooks")),
        }
    }

    /// From a row; `None` for what a newer version wrote.
    pub fn stored(kind: &str, payload: &Value) -> Option<Self> {
        let stored = match payload {
            Value::Object(fields) if fields.is_empty() => json!({ "kind": kind }),
            payload => json!({ "kind": kind, "payload": payload }),
        };
        serde_json::from_value(stored).ok()
    }

    /// Does it; says what was done.
    ///
    /// # Errors
    /// Why it stops before its end.
    pub fn run(self, running: &mut Running<'_>) -> Result<String, Halt> {
        match self {
            Self::Sweep => sweep::run(running),
            Self::RollUp => usage::run_roll_up(running),
            Self::Retention => retention::run(running),
            Self::Notices => notices::run(running),
            Self::KeysExport(export) => keys::run_export(export, running),
            Self::Bulk(bulk) => keys::run_bulk(bulk, running),
            Self::CustomersImport(import) => customers::run_import(import, running),
            Self::Mail => notices::mail::run(running),
            Self::Webhooks => notices::webhooks::run(running),
        }
    }
}
