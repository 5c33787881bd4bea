//! Customers of the platform, by the platform's own ids.

mod commands;
mod model;

pub use commands::find_or_add;
pub use model::{Customer, parse_external_id};
