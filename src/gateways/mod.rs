//! What asks us to verify keys.

mod commands;
mod model;
mod queries;

pub use commands::{create, rename, revoke};
pub use model::Gateway;
pub use queries::{find, list};
