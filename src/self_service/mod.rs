//! What an application does with its own keys, with its App credentials, where an administrator lets it: it lists them,
//! reads how they are used, and gives one a new secret. `/v1/application`.
//!
//! | file | what it is for |
//! |---|---|
//! | `routes.rs` | addresses |
//! | `caller.rs` | which application asks, and how often it may |
//! | `listing.rs` | its keys, and how one is used |
//! | `rotation.rs` | a new secret, once for each `Idempotency-Key` |
//! | `switch.rs` | letting an application do so, and no longer |

mod caller;
mod listing;
mod rotation;
mod routes;
mod switch;

pub use caller::Doors;
pub use rotation::sweep;
pub use routes::{configure, routes};
pub use switch::{permit, permitted_since};
