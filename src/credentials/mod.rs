//! What Latchkey hands out and what callers present: how credentials are made, spelled, recognised and kept.
//!
//! | credential | spelling | kept as |
//! |---|---|---|
//! | key secret | `<env>_sk_` + 32 base62 + 6 base62 of CRC-32 | [`SecretHash`] |
//! | App Secret | `secret_` + 32 + 6 | [`SecretHash`] |
//! | gateway token | `gw_` + 32 + 6 | [`SecretHash`] |
//! | one-time link | 43 base64url characters | [`SecretHash`] |
//! | public key | `<env>_pk_` + 16 base62 | itself |
//! | App ID | `app_` + 16 base62 | itself |

mod presented;
mod secret;

pub use presented::{MAX_LENGTH, Presented, in_base64};
pub use secret::{Secret, SecretHash, app_id, public_key};
