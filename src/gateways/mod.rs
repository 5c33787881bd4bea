//! What asks us to verify keys.

mod commands;
mod forms;
mod model;
mod queries;
mod routes;
mod views;

pub use commands::{create, rename, revoke};
pub use model::Gateway;
pub use queries::{by_ids, find, list};
pub use routes::routes;
