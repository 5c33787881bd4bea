//! What happened, said once on the next page.

use actix_session::Session;
use serde::{Deserialize, Serialize};

const NAME: &str = "flash";

/// A sentence for the next page. It is kept in the session, so nobody else can put words into it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Flash {
    pub message: String,
    /// How it can be taken back.
    #[serde(default)]
    pub undo: Option<FlashUndo>,
}

/// The form that takes back what a sentence says: its address and its fields.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FlashUndo {
    pub address: String,
    pub fields: Vec<(String, String)>,
}

impl Flash {
    /// Leaves a sentence for the next page.
    pub fn leave(session: &Session, message: impl Into<String>) {
        Self { message: message.into(), undo: None }.keep(session);
    }

    /// Leaves it for the next page.
    pub fn keep(self, session: &Session) {
        if let Err(error) = session.insert(NAME, self) {
            tracing::warn!(%error, "a message for the next page was lost");
        }
    }

    /// Takes the sentence, so that it is shown once. Removing what is not there would count as a change, and cost
    /// every page a write.
    pub(super) fn take(session: &Session) -> Option<Self> {
        let flash = session.get::<Self>(NAME).ok().flatten()?;
        session.remove(NAME);
        Some(flash)
    }
}
