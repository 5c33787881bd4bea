//! What keys belong to.

mod commands;
mod files;
mod forms;
mod model;
mod queries;
mod recovery;
mod reset;
mod routes;
mod secrets;
mod views;

pub use commands::{create, rename};
pub use model::Application;
pub use queries::{find, find_by_name, list};
pub use routes::routes;
pub use secrets::{erase_secrets, keep_secrets};
