//! What keys belong to.

mod commands;
mod model;
mod queries;

pub use commands::{create, rename};
pub use model::Application;
pub use queries::{find, find_by_name, list};
