//! What to do about a refusal: a sentence, and the page on which it is done.

use super::model::Request;
use crate::keys::address_adding;

/// The way out of a refusal.
#[derive(Debug, PartialEq, Eq)]
pub struct Fix {
    pub label: String,
    /// Where it is done; `None`: by whoever calls.
    pub address: Option<String>,
}

/// What the refusals of a request ask for; `None` for a yes, and for what cannot be helped.
pub fn of(request: &Request) -> Option<Fix> {
    let page = match &request.key {
        Some(key) if !key.is_deleted => format!("/keys/{}", key.public_key),
        Some(_) => return None,
        None => return of_nobodys(request),
    };
    let like = request.key.as_ref().map(|key| format!("/keys/new?like={}", key.public_key));
    let edit = |anchor: &str| Some(format!("{page}/edit#{anchor}"));
    let (label, address) = match request.row.code.as_str() {
        "INSUFFICIENT_SCOPE" => match lacking(&request.row.detail) {
            Some(scopes) => {
                let required = request.row.scopes.join(",");
                (format!("Add {scopes}"), Some(address_adding(&page, &required)))
            }
            None => ("Use the secret instead of the public key".into(), Some(page)),
        },
        "RATE_LIMITED" => ("Raise the limit".into(), edit("limits")),
        "IP_NOT_ALLOWED" => match request.ip() {
            Some(ip) => (format!("Allow {ip}"), edit("restrictions")),
            None => ("Let the gateway tell the caller’s address".into(), None),
        },
        "CUSTOMER_NOT_ALLOWED" => match &request.row.customer {
            Some(customer) => (format!("Allow {customer}"), edit("restrictions")),
            None => ("Let the gateway tell the customer".into(), None),
        },
        "EXPIRED" => ("Give it another expiry".into(), edit("expires")),
        "DISABLED" => ("Enable it".into(), Some(page)),
        "REVOKED" => ("Create a replacement".into(), like),
        "SECRET_REPLACED" => ("Hand out the new secret".into(), Some(page)),
        "WRONG_ENVIRONMENT" => {
            (format!("Use a key of {}", request.environment.name), Some("/keys".into()))
        }
        _ => return None,
    };
    Some(Fix { label, address })
}

fn of_nobodys(request: &Request) -> Option<Fix> {
    let label = match request.row.code.as_str() {
        "MISSING_KEY" => "Send the key as Authorization: Bearer",
        "MALFORMED_KEY" => "Copy the key whole",
        "KEY_NOT_FOUND" => "Use a key that exists, and was not deleted",
        "INSUFFICIENT_SCOPE" => "Use a key instead of the App credentials",
        _ => return None,
    };
    Some(Fix { label: label.into(), address: Some("/reference".into()) })
}

/// The permissions that a key was told to lack.
fn lacking(detail: &str) -> Option<&str> {
    detail.strip_prefix("The key does not hold ")?.strip_suffix('.')
}
