//! What keys belong to.

mod acts;
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

pub use commands::{archive, create, must_be_open, rename, restore, rotate};
pub use model::Application;
pub use queries::{by_ids, find, find_by_name, list};
pub use routes::{for_changing, routes};
pub use secrets::{erase_secrets, keep_secrets};
