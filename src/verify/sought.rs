//! What can be asked of Postgres, and who is told the answer.

use super::{
    catalogue::Catalogue,
    facts::{ApplicationFacts, GatewayFacts, KeyFacts},
    interned::Interned,
    known::Ticket,
    queries,
};
use crate::{credentials::SecretHash, error::AppResult};
use diesel::PgConnection;

/// Something to look up under the hash that its ticket is for.
pub enum Sought {
    /// The key that this is or was a secret of. Many of these are one question.
    KeyOfSecret(Ticket<KeyFacts>),
    /// The key with this public key.
    PublicKey(Ticket<KeyFacts>, String),
    Application(Ticket<ApplicationFacts>),
    Gateway(Ticket<GatewayFacts>),
    Catalogue(Ticket<Catalogue>),
}

impl Sought {
    /// Asks for it alone, and tells whoever waits. After an error it may be asked again.
    ///
    /// # Errors
    /// When Postgres does not answer, or not what was expected.
    pub fn ask(&mut self, conn: &mut PgConnection, interned: &Interned) -> AppResult<()> {
        match self {
            Self::KeyOfSecret(ticket) => ask_together(&mut [ticket], conn, interned)?,
            Self::PublicKey(ticket, public_key) => {
                ticket.answer(queries::key_by_public_key(conn, public_key, interned)?);
            }
            Self::Application(ticket) => {
                ticket.answer(queries::application_by_secret(conn, ticket.hash())?);
            }
            Self::Gateway(ticket) => ticket.answer(queries::gateway_by_token(conn, ticket.hash())?),
            Self::Catalogue(ticket) => ticket.answer(Some(queries::catalogue(conn)?)),
        }
        Ok(())
    }

    /// Of what can be asked together with others of its kind: what each is told apart by.
    pub fn secret_hash(&self) -> Option<SecretHash> {
        match self {
            Self::KeyOfSecret(ticket) => Some(*ticket.hash()),
            _ => None,
        }
    }

    /// Whether those who wait for it have been told.
    pub fn is_answered(&self) -> bool {
        match self {
            Self::KeyOfSecret(ticket) | Self::PublicKey(ticket, _) => ticket.is_answered(),
            Self::Application(ticket) => ticket.is_answered(),
            Self::Gateway(ticket) => ticket.is_answered(),
            Self::Catalogue(ticket) => ticket.is_answered(),
        }
    }

    /// The ticket of what can be asked together with others.
    pub fn secret(&mut self) -> Option<&mut Ticket<KeyFacts>> {
        match self {
            Self::KeyOfSecret(ticket) => Some(ticket),
            _ => None,
        }
    }
}

/// Asks for many keys in one question.
///
/// # Errors
/// As [`Sought::ask`]; then some may have been told all the same.
pub fn ask_together(
    tickets: &mut [&mut Ticket<KeyFacts>],
    conn: &mut PgConnection,
    interned: &Interned,
) -> AppResult<()> {
    let hashes: Vec<_> = tickets.iter().map(|ticket| *ticket.hash()).collect();
    let mut found = queries::keys_by_secret(conn, &hashes, interned)?;
    for ticket in tickets {
        let told = found.remove(ticket.hash());
        ticket.answer(told);
    }
    Ok(())
}
