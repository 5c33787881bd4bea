//! What keys belong to.

mod commands;
mod forms;
mod model;
mod queries;
mod routes;
mod views;

pub use commands::{create, rename};
pub use model::Application;
pub use queries::{find, find_by_name, list};
pub use routes::routes;
