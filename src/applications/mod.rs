//! What keys belong to.

mod acts;
mod commands;
mod forms;
mod model;
mod queries;
mod routes;
mod views;

pub use commands::{archive, create, must_be_open, rename, restore, rotate};
pub use model::Application;
pub use queries::{find, find_by_name, list};
pub use routes::routes;
